package natprobe

import (
	"context"

	"github.com/icescope/icescope/protocol"
)

func (p *probe) lifetime(context.Context) {
	if p.Lifetime {
		p.record(skipped(protocol.StepLifetime, bindingPort, "no-response-port"))
	}
}
