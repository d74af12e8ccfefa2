package peer_test

import (
	"testing"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/transport/v4/vnet"
)

// A path that swallows what is longer than a limit, without a word: the sweep finds the limit, in both directions, and the connection does not notice.
func TestSweepFindsTheBlackHole(t *testing.T) {
	t.Parallel()
	const limit = 1150
	n := buildNetwork(t, &vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointIndependent})
	defer n.stop()
	n.wan.AddChunkFilter(func(c vnet.Chunk) bool { return len(c.UserData()) <= limit })
	r := newRoom(t, stunServer)
	leave := r.join(n.a, n.b)
	defer leave()

	trial := r.start(protocol.TrialSTUN)
	size := func(m protocol.ClientMessage) bool { return m.Probe != nil && m.Probe.What == "size" }
	for _, id := range []string{"a", "b"} {
		r.wait(id, "the longest", func(m protocol.ClientMessage) bool { return size(m) && m.Probe.Size == 1472 })
	}
	leave()
	for _, id := range []string{"a", "b"} {
		all := r.all(id, size)
		if len(all) < 10 {
			t.Errorf("%s: %d sizes", id, len(all))
		}
		for _, m := range all {
			p := m.Probe
			if p.Answered != (p.Size <= limit) || p.Trial != trial || p.From == "" || p.To == "" || !p.Answered && p.Sent != 3 || p.Answered && p.RTTMs <= 0 {
				t.Errorf("%s: %+v", id, p)
			}
		}
		if got := r.all(id, state(trial, "ice", "disconnected")); len(got) > 0 {
			t.Errorf("%s: lost its connection", id)
		}
	}
}
