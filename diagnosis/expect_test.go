package diagnosis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

var threeBehaviors = []protocol.Behavior{protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent}

func nineNATs() (out []behavior) {
	for _, m := range threeBehaviors {
		for _, f := range threeBehaviors {
			out = append(out, behavior{m, f})
		}
	}
	return out
}

func TestExpectGrid(t *testing.T) {
	var b strings.Builder
	for _, x := range nineNATs() {
		for _, y := range nineNATs() {
			d, first := expect(x, y)
			fmt.Fprintf(&b, "%8s", map[answer]string{yes: first, no: "-", unknown: "?"}[d])
		}
		b.WriteByte('\n')
	}
	t.Log("\n" + b.String())
}
