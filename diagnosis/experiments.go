package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// separation names an experiment and what it needs.
type separation struct {
	kind protocol.Experiment
	// trials that its run repeats; none where a person must act.
	trials []protocol.TrialKind
	// peer at whose machine a person must act.
	peer string
}

// bySession tells whether the session runs this experiment by itself.
func bySession(k protocol.Experiment) bool {
	switch k {
	case protocol.ExperimentSwap, protocol.ExperimentPort, protocol.ExperimentSize, protocol.ExperimentFamily:
		return true
	}
	return false
}

// MaxExperiments is how many the session runs by itself in one room: each of them once, and some again where a person has run the trials again. What is more is left to
// people, so that a room cannot try for ever.
const MaxExperiments = 6

// experiments gathers what would separate the unsure findings of the newest run, and what was run.
func (f *Fold) experiments(findings []Finding) (out []Experiment) {
	if f.imported() { // there is nobody to run one with
		return nil
	}
	able := f.sessionAble()
	add := func(s separation, code protocol.Code) {
		i := slices.IndexFunc(out, func(x Experiment) bool { return x.Kind == s.kind && x.Peer == s.peer })
		if i < 0 {
			x, ok := f.propose(s, able)
			if !ok {
				return
			}
			i, out = len(out), append(out, x)
		}
		x := &out[i]
		if code != "" && !slices.Contains(x.Findings, code) {
			x.Findings = append(x.Findings, code)
		}
		for _, k := range s.trials {
			if !slices.Contains(x.Kinds, k) {
				x.Kinds = append(x.Kinds, k)
			}
		}
	}
	for _, x := range findings {
		if f.old(x) == 1 || x.Confidence == protocol.Certain {
			continue
		}
		for _, s := range x.separatedBy {
			add(s, x.Code)
		}
	}
	for _, r := range f.runs {
		if r.Experiment != "" && len(r.Trials) > 0 {
			add(separation{kind: r.Experiment, trials: r.Trials}, "")
		}
	}
	return out
}

// propose makes the report of an experiment. ok is false where the session has found that it cannot be run here.
func (f *Fold) propose(s separation, able bool) (x Experiment, ok bool) {
	x.Text = catalog.T("experiment."+string(s.kind), "peer", f.nameOf(s.peer))
	x.Kind, x.Peer, x.By, x.State, x.Findings = s.kind, s.peer, "person", "proposed", []protocol.Code{}
	if s.kind == protocol.ExperimentHeadless {
		x.Command = f.peerCommand(s.peer)
	}
	f.runOf(&x)
	if bySession(s.kind) && (able || x.State != "proposed") {
		x.By = "session"
	}
	return x, x.State != "impossible"
}

// sessionAble: can the session still run experiments by itself? It needs both peers and room in the recording, and has a limit.
func (f *Fold) sessionAble() bool {
	made := 0
	for _, r := range f.runs {
		if r.Experiment != "" && r.Automatic {
			made++
		}
	}
	return len(f.players()) == 2 && made < MaxExperiments && !f.full
}

// peerCommand is what to type on the machine of a peer: the room as that peer itself has opened it.
func (f *Fold) peerCommand(id string) string {
	p := f.peer(id)
	if p == nil || p.joined.Host == "" {
		return ""
	}
	url := "http://"
	if p.joined.TLS {
		url = "https://"
	}
	return "icescope peer --beside " + id + " " + url + p.joined.Host + "/r/" + f.room.Room
}

// runOf finds the runs that were made for the experiment, and how far they are.
func (f *Fold) runOf(x *Experiment) {
	for _, r := range f.runs {
		switch {
		case r.Experiment != x.Kind || !f.fresh(r):
			continue
		case len(r.Trials) == 0: // the session has recorded that it cannot
			if x.State == "proposed" {
				x.State = "impossible"
			}
			continue
		case x.State != "running":
			x.State = "done"
		}
		x.Run = r.Number
		for _, t := range f.side {
			if t.run == r.Number {
				x.Trials = append(x.Trials, t.report())
				if t.stop == nil {
					x.State = "running"
				}
			}
		}
	}
}

// fresh: was the run made after the trials that it is compared with? When those are run again, something may have been changed in between.
func (f *Fold) fresh(r run) bool {
	if len(r.Trials) == 0 {
		return r.Number > f.run
	}
	return !slices.ContainsFunc(r.Trials, func(k protocol.TrialKind) bool { return r.Number < f.newest(k) })
}

// experiment are the trials that were run for it, ended ones only, and none that are older than the trial of the room's two peers that they are compared with. What
// an end left before it was over, or could not keep up with, separates nothing.
func (f *Fold) experiment(kind protocol.Experiment) (out []*trial) {
	for _, t := range f.side {
		if t.start.Experiment == kind && t.stop != nil && t.stop.Outcome != protocol.OutcomeSkipped && !t.broken() && !(t.hindered() && !t.either((*end).iceConnected)) && t.run > f.newest(t.kind) {
			out = append(out, t)
		}
	}
	return out
}

// undecided: is an experiment of the session's still to come, or under way, that may change this finding?
func undecided(x Finding, all []Experiment) bool {
	return slices.ContainsFunc(x.separatedBy, func(s separation) bool {
		return slices.ContainsFunc(all, func(e Experiment) bool {
			return e.Kind == s.kind && e.Peer == s.peer && e.By == "session" && e.State != "done" && slices.Contains(e.Findings, x.Code)
		})
	})
}

// beside reports the trials of peers that stand on others' machines.
func (f *Fold) beside() (out []protocol.BesideReport) {
	for _, p := range f.peers {
		if p.joined.Beside == "" {
			continue
		}
		r := protocol.BesideReport{Peer: p.id, Beside: p.joined.Beside, Trials: []protocol.TrialReport{}}
		for _, k := range trialOrder {
			if t := f.besideTrial(p, k); t != nil {
				r.Trials = append(r.Trials, t.report())
			}
		}
		out = append(out, r)
	}
	return out
}

// besideTrial is the newest of a kind in which a headless peer stands for the one that it is beside; nil where that one's own trial is newer: something may have been changed
// in between.
func (f *Fold) besideTrial(p *peer, kind protocol.TrialKind) *trial {
	for _, t := range slices.Backward(f.side) {
		if t.kind == kind && (t.a.peer == p || t.b.peer == p) && t.run > f.newest(kind) {
			return t
		}
	}
	return nil
}

func (f *Fold) nameOf(id string) string {
	if p := f.peer(id); p != nil {
		return p.name()
	}
	return ""
}
