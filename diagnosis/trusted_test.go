package diagnosis

import "testing"

// TestTrusted: whoever writes a rule has to say how far it is believed where no server was.
func TestTrusted(t *testing.T) {
	for _, r := range rules {
		if _, ok := trusted[r.code]; !ok {
			t.Errorf("%s is not in the table trusted: what is it worth in a recording that was made of browsers' logs?", r.code)
		}
	}
}
