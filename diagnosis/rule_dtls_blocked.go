package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// dtlsBlocked: ICE is connected and its checks go on being answered, and of the DTLS that an end sends nothing arrives, whatever its size. Where a size explains as much, because
// the path swallows what is long, long checks tell: it is certain only where they pass and are as long as the shortest packet of DTLS that did not.
func dtlsBlocked(f *Fold) (out []Finding) {
	for _, t := range f.trials {
		if t.kind.Relay() || !t.stuck() || !t.lively() {
			continue
		}
		ab, ba := t.loads()
		dead := []load{}
		for _, l := range [2]load{ab, ba} {
			if l.none() {
				dead = append(dead, l)
			}
		}
		for _, l := range dead {
			c := f.longChecks(t, l.from.peer, l.to.peer)
			smallest := l.smallest()
			if c.died > 0 && (smallest == 0 || int64(c.died) <= smallest) {
				continue // it is the size
			}
			x := t.directed(l.from.peer, l.to.peer, protocol.Possible)
			switch {
			case smallest > 0 && int64(c.passed) >= smallest:
				x.Confidence = protocol.Certain
			case smallest > 0 && smallest <= everyPath || c.passed > 0: // a shorter packet would pass any link
				x.Confidence = protocol.Likely
			}
			x.Evidence = append(x.Evidence, l.noneArrived())
			if smallest > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.dtls-smallest", "from", l.from.peer.name(), "size", itoa64(smallest)), l.events...))
			}
			x.Evidence = append(x.Evidence, t.answeredMeanwhile(l.from, l.to))
			if back := opposite(l, ab, ba); back.got > 0 {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.dtls-arrived", "from", l.to.peer.name(), "to", l.from.peer.name(), "got", itoa64(back.got)), back.events...))
			}
			x.Evidence = append(x.Evidence, c.evidence(l.from.peer, l.to.peer)...)
			if x.Confidence != protocol.Certain {
				x.separatedBy = t.bySize(l, c)
			}
			x.Summary = catalog.T("", "from", l.from.peer.name(), "to", l.to.peer.name(), "trial", "@trial."+string(t.kind))
			out = append(out, x)
		}
	}
	return out
}

// opposite is the other direction.
func opposite(l, ab, ba load) load {
	if l.from == ab.from {
		return ba
	}
	return ab
}

// answeredMeanwhile words that checks were answered while DTLS was not.
func (t *trial) answeredMeanwhile(from, to *end) Evidence {
	var answers int64
	var events []int
	for _, n := range t.ends() {
		for _, p := range n.pairs {
			if v := value(p.ResponsesReceived); v > answers {
				answers, events = v, []int{p.event}
			}
		}
	}
	return note(catalog.T("evidence.checks-answered", "from", from.peer.name(), "to", to.peer.name(), "answers", itoa64(answers)), events...)
}
