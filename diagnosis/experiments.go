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

// experiments gathers what would separate the unsure findings of the newest run, and what was run.
func (f *Fold) experiments(findings []Finding) (out []Experiment) {
	add := func(s separation, code protocol.Code) {
		for i := range out {
			if x := &out[i]; x.Kind == s.kind && x.Peer == s.peer {
				if code != "" && !slices.Contains(x.Findings, code) {
					x.Findings = append(x.Findings, code)
				}
				return
			}
		}
		x := Experiment{Kinds: s.trials, Text: catalog.T("experiment."+string(s.kind), "peer", f.nameOf(s.peer))}
		x.Kind, x.Peer, x.By, x.State, x.Findings = s.kind, s.peer, "person", "proposed", []protocol.Code{}
		if code != "" {
			x.Findings = append(x.Findings, code)
		}
		if bySession(s.kind) {
			x.By = "session"
		}
		f.runOf(&x)
		out = append(out, x)
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
		if r.Experiment != "" {
			add(separation{kind: r.Experiment, trials: r.Trials}, "")
		}
	}
	return out
}

// runOf finds the newest run that was made for the experiment, and how far it is.
func (f *Fold) runOf(x *Experiment) {
	for _, r := range slices.Backward(f.runs) {
		if r.Experiment != x.Kind {
			continue
		}
		x.Run, x.State = r.Number, "done"
		for _, t := range f.side {
			if t.run == r.Number {
				x.Trials = append(x.Trials, t.report())
				if t.stop == nil {
					x.State = "running"
				}
			}
		}
		return
	}
}

// experiment are the trials of the newest run that was made for it, ended ones only.
func (f *Fold) experiment(kind protocol.Experiment) (out []*trial) {
	for _, t := range f.side {
		if t.start.Experiment == kind && t.stop != nil && t.stop.Outcome != protocol.OutcomeSkipped {
			out = append(out, t)
		}
	}
	return out
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

// besideTrial is the newest of a kind in which a headless peer stands for the one that it is beside.
func (f *Fold) besideTrial(p *peer, kind protocol.TrialKind) *trial {
	for _, t := range slices.Backward(f.side) {
		if t.kind == kind && (t.a.peer == p || t.b.peer == p) {
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
