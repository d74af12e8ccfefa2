package server

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestSourceLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l sourceLimiter
		a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		for range roomBurst {
			if !l.allow(a) {
				t.Fatal("refused within the burst")
			}
		}
		if l.allow(a) || l.allow(netip.MustParseAddr("::ffff:192.0.2.1")) {
			t.Error("allowed beyond the burst")
		}
		if !l.allow(b) {
			t.Error("one source pays for another")
		}
		time.Sleep(roomEvery) // the bubble's clock, no waiting
		if !l.allow(a) || l.allow(a) {
			t.Error("a token does not come back in its time")
		}
	})
}

func TestSourceLimiterIPv6(t *testing.T) {
	var l sourceLimiter
	for i := range roomBurst {
		l.allow(netip.AddrFrom16([16]byte{0x20, 1, 0xd, 0xb8, 15: byte(i)}))
	}
	if l.allow(netip.MustParseAddr("2001:db8::ffff")) {
		t.Error("a machine gets around the limit with the addresses of its own /64")
	}
	if !l.allow(netip.MustParseAddr("2001:db8:0:1::1")) {
		t.Error("another /64 pays for it")
	}
}

// TestSourceLimiterMemory: a flood from many addresses neither grows the table nor locks everybody out for long.
func TestSourceLimiterMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l sourceLimiter
		source := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
		for i := range maxSources + 10 {
			l.allow(source(i))
		}
		if len(l.buckets) > maxSources {
			t.Errorf("%d sources are kept", len(l.buckets))
		}
		if l.allow(source(maxSources + 11)) {
			t.Error("the table is full and none of it can be forgotten yet")
		}
		time.Sleep(roomEvery)
		if !l.allow(source(maxSources + 11)) {
			t.Error("quiet sources were not forgotten")
		}
	})
}
