package server

import (
	"crypto/tls"
	"log/slog"
	"net"
	"testing"
)

func TestHandshakesOfOneClientAreBounded(t *testing.T) {
	f := newFront(nil, tls.Certificate{}, nil, slog.New(slog.DiscardHandler))
	defer f.stop()
	one, other := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 5000}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 5000}
	var leave func()
	for i := range maxHandshakes {
		var ok bool
		if leave, ok = f.enter(one); !ok {
			t.Fatalf("number %d was refused", i)
		}
	}
	if _, ok := f.enter(one); ok {
		t.Error("one too many")
	}
	if _, ok := f.enter(other); !ok {
		t.Error("another client was refused")
	}
	leave()
	leave() // counts once
	if _, ok := f.enter(one); !ok {
		t.Error("the place was not given back")
	}
	if _, ok := f.enter(one); ok {
		t.Error("it was given back twice")
	}
}
