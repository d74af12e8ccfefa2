package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// standing is what a peer's page, or a headless peer, said of the place it runs in and what counts from the first time that it was said. Events are -1 until then.
type standing struct {
	envEvent int // the newest
	granted  int // the page may see the interfaces
	// unable is the first environment that has no RTCPeerConnection, and its event, until a newer one has.
	unable      *protocol.Environment
	unableEvent int
}

func newStanding() standing { return standing{envEvent: -1, granted: -1, unableEvent: -1} }

func (s *standing) stand(e *protocol.Event) {
	s.envEvent = e.Seq
	if s.granted < 0 && e.Environment.MediaPermission == "granted" {
		s.granted = e.Seq
	}
	switch w := e.Environment.WebRTC; {
	case w == nil:
	case *w:
		s.unable, s.unableEvent = nil, -1 // loaded anew, in another browser or with another setting
	case s.unable == nil:
		s.unable, s.unableEvent = e.Environment, e.Seq
	}
}

// webrtcUnavailable: the page itself found that no RTCPeerConnection can be made here. Nothing else can be learned of this end.
func webrtcUnavailable(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		if p.unable == nil {
			continue
		}
		x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Certain, Peers: []string{p.id}, Summary: catalog.T("", "peer", p.name(), "error", p.unable.Error)}
		for _, k := range trialOrder {
			if t := f.newestTrial(k); t == nil || t.a.peer != p && t.b.peer != p || !t.endOf(p).hasUDP() && len(t.endOf(p).said) == 0 {
				x.breaks = append(x.breaks, k) // and not one from before, in which it had a connection object
			}
		}
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.no-constructor", "peer", p.name(), "error", p.unable.Error), p.unableEvent))
		for _, t := range f.trials {
			if t.stop != nil && t.stop.Reason == protocol.ReasonPeerError && (t.a.peer == p || t.b.peer == p) {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.trial-failed", "trial", "@trial."+string(t.kind), "reason", "@reason."+string(t.stop.Reason)), t.stopEvent))
			}
		}
		out = append(out, x)
	}
	return out
}
