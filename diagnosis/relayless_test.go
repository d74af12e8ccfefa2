package diagnosis_test

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// Firefox gives a relay trial up after five seconds without a pair, and does not say that the relay gave nothing: with that reason the recording says the same.
func TestRelayTrialThatTheAgentGaveUp(t *testing.T) {
	for _, s := range stories(t) {
		if s.name != "only-the-page" && s.name != "stun-unreachable" {
			continue
		}
		events := slices.Clone(s.recording)
		changed := false
		for i, e := range events {
			if e.Stop != nil && e.Stop.Reason == protocol.ReasonNoRelay {
				stop := *e.Stop
				stop.Reason = protocol.ReasonAgentFailed
				events[i].Stop, changed = &stop, true
			}
		}
		want, got := diagnosis.Diagnose(s.recording).Verdict, diagnosis.Diagnose(events).Verdict
		if changed && (want.Needs != got.Needs || want.Cause != got.Cause) {
			t.Errorf("%s: %s because of %q, and where the agent gave up %s because of %q", s.name, want.Needs, want.Cause, got.Needs, got.Cause)
		}
	}
}
