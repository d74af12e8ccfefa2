package stunsrv

import (
	"net"
	"testing"
)

func TestOneClientCannotTakeEveryPlace(t *testing.T) {
	c := crowd{}
	at := func(ip string) (prefix net.Addr) { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 5000} }
	for i := range maxStreamsPerClient {
		if !c.enter(clientOf(at([]string{"2001:db8::1", "2001:db8::2"}[i%2]))) {
			t.Fatalf("number %d was refused", i)
		}
	}
	if c.enter(clientOf(at("2001:db8::3"))) {
		t.Error("one too many of a /64")
	}
	if !c.enter(clientOf(at("2001:db8:0:1::3"))) || !c.enter(clientOf(at("192.0.2.1"))) {
		t.Error("another was refused")
	}
	c.leave(clientOf(at("2001:db8::1")))
	if !c.enter(clientOf(at("2001:db8::3"))) {
		t.Error("the place was not given back")
	}
}
