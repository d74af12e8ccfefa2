package diagnosis

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// scene is a recording that a test makes by hand.
type scene struct {
	*Fold
	seq int
	at  float64
}

func newScene() *scene {
	s := &scene{Fold: NewFold()}
	s.add(protocol.Event{Type: protocol.EventRoom, Room: &protocol.RoomMade{Room: "bodu"}})
	for _, p := range []string{"a", "b"} {
		s.add(protocol.Event{Type: protocol.EventJoined, Peer: p, Joined: &protocol.Joined{Kind: protocol.KindBrowser, UserAgent: "Chrome/156", Host: "192.0.2.1:8080", Trials: []protocol.TrialKind{"host", "stun"}}})
	}
	return s
}

func (s *scene) add(e protocol.Event) {
	s.at += 100
	e.Seq, e.AtMs = s.seq, s.at
	s.seq++
	s.Add(&e)
}

func (s *scene) made(r protocol.RunMade) { s.add(protocol.Event{Type: protocol.EventRun, Run: &r}) }

func (s *scene) start(t protocol.TrialStart) {
	t.Offerer, t.Answerer = "a", "b"
	s.add(protocol.Event{Type: protocol.EventStart, Start: &t})
}

func (s *scene) stop(id protocol.TrialID, o protocol.Outcome) {
	s.add(protocol.Event{Type: protocol.EventStop, Stop: &protocol.Stop{Trial: id, Outcome: o, Reason: protocol.ReasonUnanswered}})
}

func (s *scene) state(peer string, id protocol.TrialID, what, value string) {
	s.add(protocol.Event{Type: protocol.EventState, Peer: peer, State: &protocol.State{Trial: id, What: what, Value: value}})
}

// supposed puts one rule in the place of all others: host fails for a reason that these experiments would separate.
func supposed(t *testing.T, by ...separation) {
	t.Helper()
	all := rules
	t.Cleanup(func() { rules = all })
	rules = []rule{{protocol.CodeUDPBlocked, func(f *Fold) []Finding {
		t := f.newestTrial(protocol.TrialHost)
		if t == nil || !t.failed() {
			return nil
		}
		x := Finding{Severity: protocol.SeverityError, Confidence: protocol.Likely, Trial: t.kind, Run: t.run, breaks: []protocol.TrialKind{t.kind}, separatedBy: by}
		if len(f.experiment(protocol.ExperimentSwap)) > 0 {
			x.Confidence = protocol.Certain
		}
		return []Finding{x}
	}}, {protocol.CodeDeadICEServer, func(*Fold) []Finding {
		return []Finding{{Severity: protocol.SeverityWarning, Confidence: protocol.Possible, separatedBy: []separation{{kind: protocol.ExperimentSize}}}}
	}}}
}

func (s *scene) failed() {
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host"}})
	s.start(protocol.TrialStart{Trial: "host-1"})
	s.stop("host-1", protocol.OutcomeFailed)
}

func (s *scene) want(t *testing.T, what string, final bool, states ...string) {
	t.Helper()
	d := s.Diagnose()
	var got []string
	for _, x := range d.Experiments {
		got = append(got, string(x.Kind)+" "+x.By+" "+x.State)
	}
	if d.Verdict.Final != final || !slices.Equal(got, states) {
		t.Errorf("%s: final %t, want %t; experiments %q, want %q", what, d.Verdict.Final, final, got, states)
	}
}

func TestTheVerdictWaitsForTheExperimentOfItsCause(t *testing.T) {
	supposed(t, separation{kind: protocol.ExperimentSwap, trials: []protocol.TrialKind{"host"}})
	s := newScene()
	s.failed()
	s.want(t, "proposed", false, "swap-offerer session proposed", "size session proposed")
	s.made(protocol.RunMade{Number: 2, Trials: []protocol.TrialKind{"host"}, Experiment: protocol.ExperimentSwap, Automatic: true})
	s.start(protocol.TrialStart{Trial: "host-2", Experiment: protocol.ExperimentSwap})
	s.want(t, "running", false, "swap-offerer session running", "size session proposed")
	s.stop("host-2", protocol.OutcomeFailed)
	s.want(t, "done", true, "size session proposed", "swap-offerer session done") // and another finding's is none of its business
	if d := s.Diagnose(); d.Verdict.Confidence != protocol.Certain || d.Run != 1 {
		t.Errorf("%+v", d.Verdict)
	}
	// Tried again by a person, what was found before is of another time.
	s.made(protocol.RunMade{Number: 3, Trials: []protocol.TrialKind{"host"}})
	s.start(protocol.TrialStart{Trial: "host-3"})
	s.stop("host-3", protocol.OutcomeFailed)
	s.want(t, "again", false, "swap-offerer session proposed", "size session proposed")
	s.add(protocol.Event{Type: protocol.EventLeft, Peer: "b", Left: &protocol.Left{Reason: "leave"}})
	s.want(t, "with nobody there", true, "swap-offerer person proposed", "size person proposed")
}

func TestExperimentsHaveALimit(t *testing.T) {
	supposed(t, separation{kind: protocol.ExperimentSwap, trials: []protocol.TrialKind{"host"}})
	s := newScene()
	for i := range MaxExperiments {
		s.made(protocol.RunMade{Number: i + 1, Trials: []protocol.TrialKind{"host"}, Experiment: protocol.ExperimentFamily, Automatic: true})
	}
	s.made(protocol.RunMade{Number: 10, Trials: []protocol.TrialKind{"host"}})
	s.start(protocol.TrialStart{Trial: "host-10"})
	s.stop("host-10", protocol.OutcomeFailed)
	d := s.Diagnose()
	if x := d.Experiments[0]; x.Kind != protocol.ExperimentSwap || x.By != "person" || x.State != "proposed" || !d.Verdict.Final {
		t.Errorf("%+v, final %t", x, d.Verdict.Final)
	}
}

func TestAnImpossibleExperimentIsNotProposed(t *testing.T) {
	supposed(t, separation{kind: protocol.ExperimentSwap, trials: []protocol.TrialKind{"host"}}, separation{kind: protocol.ExperimentHeadless, peer: "b"})
	s := newScene()
	s.failed()
	s.made(protocol.RunMade{Number: 2, Experiment: protocol.ExperimentSwap, Automatic: true})
	s.want(t, "impossible", true, "headless person proposed", "size session proposed")
	if got, want := s.Diagnose().Experiments[0].Command, "icescope peer --beside b http://192.0.2.1:8080/r/bodu"; got != want {
		t.Errorf("command %q, want %q", got, want)
	}
}

func TestARestartIsAnotherGeneration(t *testing.T) {
	s := newScene()
	s.made(protocol.RunMade{Number: 1, Trials: []protocol.TrialKind{"host"}})
	s.start(protocol.TrialStart{Trial: "host-1", HoldMs: 60_000})
	offer := func(ufrag string) {
		s.add(protocol.Event{Type: protocol.EventDescription, Peer: "a", Description: &protocol.Description{Trial: "host-1", Kind: "offer", SDP: "v=0\r\na=ice-ufrag:" + ufrag + "\r\n"}})
		s.add(protocol.Event{Type: protocol.EventApplied, Peer: "b", Applied: &protocol.Applied{Trial: "host-1", Ref: s.seq - 1, OK: true, AtMs: s.at}})
	}
	candidate := func(port, ufrag string) {
		s.add(protocol.Event{Type: protocol.EventCandidate, Peer: "a", Candidate: &protocol.Candidate{Trial: "host-1", Line: "candidate:1 1 udp 1 192.0.2.7 " + port + " typ host", UsernameFragment: ufrag}})
	}
	offer("one")
	described := *s.trial("host-1").b.described
	candidate("1001", "one")
	offer("two")
	candidate("1002", "two")
	candidate("1003", "one") // overtaken
	candidate("1004", "")
	n := s.trial("host-1").a
	ports := func(n *end) (out []int) {
		for _, c := range n.candidates {
			out = append(out, c.Port)
		}
		return out
	}
	if first, second := ports(n), ports(n.again[0]); !slices.Equal(first, []int{1001, 1003}) || !slices.Equal(second, []int{1002, 1004}) {
		t.Errorf("%v, %v", first, second)
	}
	if got := *s.trial("host-1").b.described; got != described {
		t.Errorf("described at %v, and then at %v", described, got)
	}
	if log := s.Diagnose().Signaling; len(log) != 6 || log[3].AppliedMs != nil && log[2].AppliedMs == nil {
		t.Errorf("%+v", log)
	}
}
