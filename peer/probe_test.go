package peer_test

import (
	"context"
	"testing"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/stunsrv"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/vnet"
)

func probes(what string) func(protocol.ClientMessage) bool {
	return func(m protocol.ClientMessage) bool { return m.Probe != nil && m.Probe.What == what }
}

// What drops STUN and passes the rest is told apart from what drops everything: the plain word comes back.
func TestProbesTellFilteredFromUnreachable(t *testing.T) {
	t.Parallel()
	n := buildNetwork(t, nil)
	defer n.stop()
	n.wan.AddChunkFilter(func(c vnet.Chunk) bool { return !stun.IsMessage(c.UserData()) })
	r := newRoom(t, stunServer)
	defer runOne(t, peer.Config{Dial: r.dial("a"), Net: n.a})()
	word := r.wait("a", "whoami over UDP", probes("whoami-udp")).Probe
	binding := r.wait("a", "Binding over UDP", probes("binding-udp")).Probe
	if !word.Answered || word.To != stunAddress+":3478" || word.From == "" || word.Sent != 1 || binding.Answered || binding.Sent != 4 {
		t.Errorf("got %+v and %+v", word, binding)
	}
}

// All four questions to the server itself, over real sockets; once on joining and once more with the second run.
func TestProbesAreAnswered(t *testing.T) {
	t.Parallel()
	server, err := stunsrv.Listen(stunsrv.Config{Primary: []string{"127.0.0.1:0"}, AlternatePort: stunsrv.NoAlternate})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(ctx) }()
	defer func() { cancel(); <-served }()

	at := server.Addrs()[0].String()
	r := newRoom(t, protocol.ICEServer{URLs: []string{"stun:" + at, "stun:" + at}})
	leave := runOne(t, peer.Config{Dial: r.dial("a"), IncludeLoopback: true})
	defer leave()
	all := []string{"binding-udp", "binding-tcp", "whoami-udp", "whoami-tcp"}
	for _, what := range all {
		if p := r.wait("a", what, probes(what)).Probe; !p.Answered || p.To != at || p.Sent != 1 || p.RTTMs <= 0 || p.Error != "" {
			t.Errorf("%+v", p)
		}
	}
	environment := r.wait("a", "its environment", func(m protocol.ClientMessage) bool { return m.Environment != nil }).Environment
	if environment.WebRTC == nil || !*environment.WebRTC {
		t.Errorf("got %+v", environment)
	}
	r.start(protocol.TrialHost)
	r.start(protocol.TrialHost, func(s *protocol.Start) { s.Trial = "host-2" })
	r.wait("a", "another answer", func() func(protocol.ClientMessage) bool {
		seen := 0
		return func(m protocol.ClientMessage) bool {
			if probes("whoami-tcp")(m) {
				seen++
			}
			return seen == 2
		}
	}())
	leave()
	for _, what := range all {
		if got := r.all("a", probes(what)); len(got) > 2 {
			t.Errorf("%s was asked %d times", what, len(got))
		}
	}
}
