package natprobe

import (
	"context"
	"time"

	"github.com/icescope/icescope/protocol"
)

// LifetimeBound is the longest that the search takes for a given longest pause.
func LifetimeBound(longest time.Duration) time.Duration { return 3 * longest }

func (p *probe) lifetime(context.Context) {
	if p.Lifetime {
		p.record(skipped(protocol.StepLifetime, bindingPort, "no-response-port"))
	}
}
