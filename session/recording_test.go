package session

import (
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// Whatever word of an event is long, the recording counts it.
func TestLongWordsFillARecording(t *testing.T) {
	long := strings.Repeat("x", 60_000)
	for _, body := range []any{
		&protocol.Description{SDP: long}, &protocol.Candidate{Line: long}, &protocol.State{Value: long}, &protocol.Applied{Error: long}, &protocol.CandidateError{Text: long},
		&protocol.TrialError{Error: long}, &protocol.Environment{Proxy: long}, &protocol.Environment{Interfaces: []protocol.Interface{{Addresses: []string{long}}}},
		&protocol.Probe{Error: long}, &protocol.Sample{DTLSState: long}, &protocol.Sample{Pairs: []protocol.SamplePair{{ID: long}}},
		&protocol.Sample{Local: []protocol.SampleCandidate{{URL: long}}}, &protocol.Measurement{Data: &protocol.DataResult{RoundTripsMs: make([]float64, 30_000)}},
	} {
		if n := size(body); n < len(long) {
			t.Errorf("%T counts as %d", body, n)
		}
	}
}
