package diagnosis

import (
	"slices"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// newest is the number of the newest run that holds a trial of this kind; 0: none.
func (f *Fold) newest(kind protocol.TrialKind) int {
	if t := f.newestTrial(kind); t != nil {
		return t.run
	}
	return 0
}

func (f *Fold) newestTrial(kind protocol.TrialKind) *trial {
	for _, t := range slices.Backward(f.trials) {
		if t.kind == kind {
			return t
		}
	}
	return nil
}

// Diagnose reads the picture and applies the rules.
func (f *Fold) Diagnose() Diagnosis {
	d := Diagnosis{Room: f.room, Events: f.events, LastMs: f.lastMs, Run: f.run, Findings: f.findings()}
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindWatcher { // beside ones too: their addresses are evidence
			d.Peers = append(d.Peers, f.peerReport(p))
		}
	}
	for _, k := range trialOrder {
		if t := f.newestTrial(k); t != nil {
			d.Trials = append(d.Trials, t.report())
		}
	}
	for _, s := range f.log {
		d.Signaling = append(d.Signaling, s.SignalReport)
	}
	d.Experiments, d.Beside = f.experiments(d.Findings), f.beside()
	d.Verdict = f.verdict(d.Findings, d.Experiments)
	d.Expectation = f.expectation()
	d.Between = f.between()
	return d
}

// ToldMs is how long the environment of a browser is waited for, from its joining: the page sends it in the first second, on a machine that keeps up.
const ToldMs = 10_000

// untold: is there a browser that may yet tell where it runs?
func (f *Fold) untold() bool {
	return slices.ContainsFunc(f.peers, func(p *peer) bool {
		return p.joined.Kind == protocol.KindBrowser && p.online && p.env == nil && f.lastMs < p.joinedMs+ToldMs
	})
}

var trialOrder = []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN, protocol.TrialRelayUDP, protocol.TrialRelayTCP, protocol.TrialCustom}

// needsOf says what a pair needs whose cheapest working trial is this one.
var needsOf = []struct {
	kind  protocol.TrialKind
	needs protocol.Needs
}{
	{protocol.TrialHost, protocol.NeedsNothing},
	{protocol.TrialSTUN, protocol.NeedsSTUN},
	{protocol.TrialRelayUDP, protocol.NeedsTURNUDP},
	{protocol.TrialRelayTCP, protocol.NeedsTURNTCP},
}

// verdict climbs from the cheapest way to the dearest. It names the first that connects; while a cheaper one is still out, that is not final. The cause is that of the
// failure of the next cheaper way, or, where nothing connects, of the dearest that was tried. A way that a dearer one has shown to be enough is named, and likely. While an experiment of the session's is due that may change the cause, it is not
// final.
func (f *Fold) verdict(findings []Finding, experiments []Experiment) Verdict {
	v := Verdict{Needs: protocol.NeedsUndetermined, Confidence: protocol.Possible, Pending: []protocol.TrialKind{}, Recommended: []protocol.ICEServer{}}
	settled := true     // every cheaper way has ended
	unfinished := false // an end left one of them, or could not run it: it might have connected
	var cheaper *trial
	relays := 0
	tried := false
	doubtful, refuted, again := false, false, f.Doubtful()
	for _, n := range needsOf {
		t := f.newestTrial(n.kind)
		// One that an end could not run in time was tried all the same.
		if t == nil || t.stop != nil && t.stop.Outcome == protocol.OutcomeSkipped && t.stop.Reason != protocol.ReasonPeerError {
			continue
		}
		tried = true
		if (n.kind == protocol.TrialRelayUDP || n.kind == protocol.TrialRelayTCP) && !t.broken() && !t.hindered() && t.conclusive() {
			relays++ // what an end could not even begin, or did not stay for, says nothing of the network
		}
		if t.connected() {
			v.Needs, v.Final = n.needs, settled && !unfinished
			if refuted = cheaper != nil && f.refuted(cheaper); refuted {
				v.Needs = protocol.NeedsNothing
			} else if n.kind != protocol.TrialHost {
				v.Recommended = t.start.ICEServers
			}
			break
		}
		settled = settled && t.stop != nil
		unfinished = unfinished || t.broken()
		doubtful = doubtful || f.doubtful(t)
		cheaper = t
	}
	if t := f.onlyCustom(); t != nil { // an application's own servers: the pair that it uses says what was enough
		tried, settled = true, t.stop != nil
		if t.connected() {
			v.Needs, v.Final = t.neededBy(), settled
		} else {
			cheaper = t
		}
	}
	for _, k := range trialOrder {
		if t := f.newestTrial(k); t != nil && t.stop == nil && t.run == f.run {
			v.Pending = append(v.Pending, k)
		}
	}
	if v.Needs == protocol.NeedsUndetermined && tried && settled {
		v.Final = true
		if relays == 2 {
			v.Needs = protocol.NeedsUnreachable
		}
	}
	if refuted {
		v.Confidence = protocol.Likely
	} else if v.Needs == protocol.NeedsNothing {
		v.Confidence = protocol.Certain
	} else if cheaper != nil && (v.Needs != protocol.NeedsUndetermined || settled) {
		if i := cause(findings, cheaper); i >= 0 {
			v.Cause, v.Confidence = findings[i].Code, findings[i].Confidence
			v.Final = v.Final && !undecided(findings[i], experiments)
		}
	}
	if v.Needs == protocol.NeedsUndetermined && v.Cause == "" && f.untold() {
		v.Final = false // what no trial could begin with stands there
	}
	if doubtful { // a cheaper way might have connected, and is tried again
		v.Final = v.Final && len(again) == 0
	}
	f.word(&v, tried, findings)
	return v
}

// cause picks the finding that best explains why the trial failed: the surest, and of equally sure ones the more specific mechanism (the order of rules).
func cause(findings []Finding, t *trial) int {
	best := -1
	for i, x := range findings {
		if !slices.Contains(x.breaks, t.kind) || x.Run != 0 && x.Run != t.run || x.Severity != protocol.SeverityError {
			continue
		}
		if best < 0 || confidenceOrder(x.Confidence) < confidenceOrder(findings[best].Confidence) ||
			x.Confidence == findings[best].Confidence && rank(x.Code) < rank(findings[best].Code) {
			best = i
		}
	}
	return best
}

// word puts the verdict into a sentence.
func (f *Fold) word(v *Verdict, tried bool, findings []Finding) {
	var online []*peer
	for _, p := range f.peers {
		if p.joined.Kind != protocol.KindWatcher && p.joined.Beside == "" && !p.left {
			online = append(online, p)
		}
	}
	args := []string{"a", "A", "b", "B", "needs", "@needs." + string(v.Needs), "cause", "@finding." + string(v.Cause) + ".title"}
	if t := f.anyTrial(); t != nil {
		args[1], args[3] = t.a.peer.name(), t.b.peer.name()
	}
	key := string(v.Needs)
	switch {
	case !tried && len(online) == 0:
		key = "nobody"
	case !tried && len(online) == 1:
		key = "alone"
		args[1] = online[0].name()
	case !tried:
		key = "starting"
	case v.Needs == protocol.NeedsUndetermined && !v.Final:
		key = "running"
	case v.Needs == protocol.NeedsUndetermined && v.Cause == protocol.CodeWebRTCUnavailable && v.Confidence != protocol.Possible: // nor could a relay be tried
		key = "unable"
	}
	if f.imported() && v.Needs == protocol.NeedsUndetermined { // nothing runs, and nothing remains to be tried
		key = "logged"
		if !tried {
			key = "logged-nothing"
		}
	}
	v.Summary = catalog.T("verdict."+key, args...)
	switch i := f.flaw(findings); {
	case v.Needs == protocol.NeedsNothing && i >= 0: // what is green at a glance must not hide it
		v.Summary = catalog.T("verdict.nothing-but", "flaw", "@finding."+string(findings[i].Code)+".title")
	case v.Cause == "":
	case v.Confidence == protocol.Possible: // others explain as much, so the sentence must not sound sure
		v.Summary = catalog.T("verdict."+key+"-perhaps", args...)
	default:
		v.Summary = catalog.T("verdict."+key+"-because", args...)
	}
	switch {
	case v.Needs == protocol.NeedsUnreachable && slices.Contains(applications, v.Cause):
		key = "application"
	case v.Cause == "" && slices.Contains([]string{"stun", "turn-udp", "turn-tcp", "undetermined"}, key):
		key += "-open" // there is no finding that would say how to do without
	}
	v.Advice = catalog.T("advice."+key, args...)
}

// flaws are what a connection can have and still stand: an application fails of it all the same.
var flaws = []protocol.Code{protocol.CodePathLost, protocol.CodeMTUBlackHole, protocol.CodeSlowFirstPacket, protocol.CodeLossyPath}

// flaw is the surest finding of these, of the newest direct trials; -1: there is none that is at least likely.
func (f *Fold) flaw(findings []Finding) int {
	best := -1
	for i, x := range findings {
		here := x.Trial == "" || !x.Trial.Relay() && x.Run == f.newest(x.Trial)
		if here && slices.Contains(flaws, x.Code) && x.Confidence != protocol.Possible && (best < 0 || confidenceOrder(x.Confidence) < confidenceOrder(findings[best].Confidence)) {
			best = i
		}
	}
	return best
}

// applications are causes that the owner of a network can do nothing about.
var applications = []protocol.Code{protocol.CodeICECredentialFault, protocol.CodeFingerprintMismatch, protocol.CodeSignalingGap, protocol.CodeCandidateRejected}

func (f *Fold) anyTrial() *trial {
	if len(f.trials) == 0 {
		return nil
	}
	return f.trials[len(f.trials)-1]
}
