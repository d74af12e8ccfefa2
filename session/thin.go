package session

import (
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/signaling"
)

// wholeEveryMs is how often a whole sample of a trial that is merely held is recorded. Ten minutes of whole ones would fill the recording.
const wholeEveryMs = 5000

// Where the path is down for longer than downMs, whole samples are rarer still: every restart of ICE brings pairs of its own, and some browsers show the old ones as well.
const (
	downMs           = 60_000
	wholeDownEveryMs = 15_000
)

// thin leaves in a sample of a held trial the pairs that carry something, without the candidates, which have been recorded before: what tells when the connection was
// heard of last, and little more.
func (s *state) thin(p *signaling.Peer, m *protocol.Sample) *protocol.Sample {
	now := s.now()
	if !s.fold.Held(m.Trial, now) {
		return m
	}
	end := trialEnd{m.Trial, p.ID()}
	every := float64(wholeEveryMs)
	if since, down := s.fold.Down(m.Trial); down && now-since > downMs {
		every = wholeDownEveryMs
	}
	if at, ok := s.whole[end]; !ok || now-at >= every {
		if s.whole == nil {
			s.whole = map[trialEnd]float64{}
		}
		s.whole[end] = now
		return m
	}
	lean := *m
	lean.Local, lean.Remote, lean.Pairs = nil, nil, nil
	for _, x := range m.Pairs {
		if x.Nominated || x.ID == m.SelectedPair || x.State == "succeeded" {
			lean.Pairs = append(lean.Pairs, x)
		}
	}
	return &lean
}
