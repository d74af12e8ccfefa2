package peer_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// conductor starts the host trial when two peers are there, and says that the verdict is final when both have measured.
type conductor struct {
	signaling.NopHandler
	mu       sync.Mutex
	seen     []protocol.ClientMessage
	measured map[string]bool
}

func (c *conductor) Welcomed(r *signaling.Room, _ *signaling.Peer) {
	members := r.Members()
	if len(members) < 2 {
		return
	}
	for i, p := range members {
		role := []protocol.Role{protocol.RoleOfferer, protocol.RoleAnswerer}[i]
		p.Send(&protocol.ServerMessage{Type: protocol.ServerStart, Start: &protocol.Start{
			Trial: "host-1", Role: role, Peer: members[1-i].ID(), SampleMs: 100, RoundTrips: 3,
		}})
	}
}

func (c *conductor) Message(r *signaling.Room, p *signaling.Peer, m *protocol.ClientMessage) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seen = append(c.seen, *m)
	if m.Measurement == nil || m.Measurement.Data == nil {
		return len(c.seen)
	}
	if c.measured[p.ID()] = true; len(c.measured) == 2 {
		for _, p := range r.Members() {
			p.Send(&protocol.ServerMessage{Type: protocol.ServerStop, Stop: &protocol.Stop{Trial: "host-1", Outcome: protocol.OutcomeConnected}})
			p.Send(&protocol.ServerMessage{Type: protocol.ServerSnapshot, Snapshot: &protocol.Report{
				Schema: protocol.ReportSchema, Verdict: protocol.Verdict{Needs: protocol.NeedsNothing, Final: true},
			}})
		}
	}
	return len(c.seen)
}

// The whole way of a peer: the page's URL, the real hub and its client, ICE on a network in memory.
func TestTwoPeersMeetThroughTheHub(t *testing.T) {
	n := buildNetwork(t, nil)
	defer n.stop()
	meet(t, peer.Config{Net: n.a}, peer.Config{Net: n.b})
}

// The same on the machine's own sockets, which a vnet does not stand for: mDNS, IPv6, interfaces.
func TestTwoPeersMeetOnThisMachine(t *testing.T) {
	meet(t, peer.Config{IncludeLoopback: true}, peer.Config{IncludeLoopback: true})
}

func meet(t *testing.T, configs ...peer.Config) {
	t.Helper()
	c := &conductor{measured: map[string]bool{}}
	hub := signaling.New(signaling.Config{Handler: c, OpenRooms: true})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	defer running.Wait()
	defer cancel()
	server := httptest.NewServer(hub)
	defer server.Close()

	stay, give := context.WithTimeout(t.Context(), patience)
	defer give()
	var peers sync.WaitGroup
	for _, config := range configs {
		config.URL, config.OneShot = server.URL+"/r/test", true
		peers.Go(func() {
			result, err := peer.Run(stay, config)
			if err != nil || result.Report.Verdict.Needs != protocol.NeedsNothing || stay.Err() != nil {
				t.Errorf("%+v, %v", result, err)
			}
		})
	}
	peers.Wait()
}
