package stunsrv

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

func TestFreshPortAnswersUntilItIsDone(t *testing.T) {
	tell, seen := sightingsOf()
	s := run(t, Config{OnSighting: tell})
	port, done, err := s.FreshPort(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if port == s.Port(PrimaryPort) || port == s.Port(AlternatePort) {
		t.Errorf("port %d is not fresh", port)
	}
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port)
	conn := dialUDP(t, at)
	answer := &stun.Message{Raw: exchange(t, conn, stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw)}
	var mapped stun.XORMappedAddress
	if err := answer.Decode(); err != nil || mapped.GetFrom(answer) != nil || mapped.Port != int(localOf(conn).Port()) {
		t.Errorf("answered %v, %v", answer, err)
	}
	if answer.Contains(stun.AttrOtherAddress) {
		t.Error("it speaks of corners")
	}
	if x := next(t, seen); x.Local != at.String() || x.Source != localOf(conn).String() || !x.Answered {
		t.Errorf("%+v", x)
	}
	done()
	done()
	closed := dialUDP(t, at)
	for range 2 { // the first write brings the ICMP error that the second reports
		_, err = closed.Write([]byte("whoami"))
	}
	if _, err2 := closed.Read(make([]byte, 100)); err == nil && err2 == nil {
		t.Error("it still answers")
	}
}

func TestFreshPortsHaveLimits(t *testing.T) {
	s := run(t, Config{})
	if _, _, err := s.FreshPort(0); err != nil { // over at once
		t.Fatal(err)
	}
	for ended := false; !ended; {
		s.fresh.mu.Lock()
		ended = len(s.fresh.open) == 0
		s.fresh.mu.Unlock()
	}
	for range maxFresh {
		if _, _, err := s.FreshPort(time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	<-s.serving // Serve has read them
	sockets := s.sockets
	s.sockets = nil // one that is refused binds nothing, else this would be another error
	if _, _, err := s.FreshPort(time.Minute); !errors.Is(err, ErrFreshPorts) {
		t.Errorf("%v", err)
	}
	s.sockets = sockets
	s.Close()
	if _, _, err := s.FreshPort(time.Minute); !errors.Is(err, ErrServerClosed) {
		t.Errorf("%v", err)
	}
}
