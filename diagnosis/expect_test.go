package diagnosis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

func nineNATs() (out []behavior) {
	for _, m := range measurable {
		for _, f := range measurable {
			out = append(out, behavior{m, f})
		}
	}
	return out
}

// expected is who has to send first: a down, b across, mapping then filtering, each endpoint-independent, address-dependent, address-and-port-dependent. "-": no way; "?": it
// depends on how the NAT does it. docs/nat-grid.md has the same from the lab.
const expected = `
  either       b       b  either       b       b  either       b       b
       a    both    both       a    both    both       a    both    both
       a    both    both       ?       -       -       ?       -       -
  either       b       ?  either       b       ?  either       b       ?
       a    both       -       a       ?       -       a       ?       -
       a    both       -       ?       -       -       ?       -       -
  either       b       ?  either       b       ?       ?       ?       ?
       a    both       -       a       ?       -       ?       -       -
       a    both       -       ?       -       -       ?       -       -
`

func TestExpectGrid(t *testing.T) {
	var b strings.Builder
	b.WriteByte('\n')
	for _, x := range nineNATs() {
		for _, y := range nineNATs() {
			d, first := expect(x, y)
			fmt.Fprintf(&b, "%8s", map[answer]string{yes: first, no: "-", unknown: "?"}[d])
		}
		b.WriteByte('\n')
	}
	if b.String() != expected {
		t.Errorf("got%s", b.String())
	}
}

// TestExpectMirrors: who is called a makes no difference.
func TestExpectMirrors(t *testing.T) {
	swap := map[string]string{"a": "b", "b": "a"}
	all := append(nineNATs(), behavior{protocol.NotMeasurable, protocol.NotMeasurable}, behavior{protocol.EndpointIndependent, protocol.NotMeasurable})
	for _, x := range all {
		for _, y := range all {
			d, first := expect(x, y)
			e, mirrored := expect(y, x)
			if other, ok := swap[first]; ok {
				first = other
			}
			if d != e || first != mirrored {
				t.Errorf("%v with %v: %v %q, mirrored %v %q", x, y, d, first, e, mirrored)
			}
		}
	}
}

// TestExpectUnknownIsNotNo: what was not measured may turn out either way, so it never makes a certain answer that some value of it would contradict.
func TestExpectUnknownIsNotNo(t *testing.T) {
	for _, x := range nineNATs() {
		for _, y := range nineNATs() {
			known, _ := expect(x, y)
			for _, vague := range []behavior{{x.mapping, protocol.NotMeasurable}, {protocol.NotMeasurable, x.filtering}, {protocol.NotMeasurable, protocol.NotMeasurable}} {
				if d, _ := expect(vague, y); d != unknown && d != known {
					t.Errorf("%v with %v is %v, and yet %v with it is %v", vague, y, d, x, known)
				}
			}
		}
	}
}
