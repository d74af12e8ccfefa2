package report

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// Options says for whom a report is made.
type Options struct {
	Lang protocol.Lang
}

// Make puts a diagnosis into the reader's language. Time and version are the recording's own, so that the same recording gives the same report for ever.
func Make(d diagnosis.Diagnosis, o Options) protocol.Report {
	say := func(t catalog.Text) string { return t.In(o.Lang) }
	r := protocol.Report{
		Schema: protocol.ReportSchema, Room: d.Room.Room, GeneratedAt: generatedAt(d), Lang: o.Lang, Tool: protocol.Tool{Name: "icescope", Version: d.Room.Version},
		Events: d.Events, Run: d.Run,
		Verdict: protocol.Verdict{Needs: d.Verdict.Needs, Cause: d.Verdict.Cause, Confidence: d.Verdict.Confidence, Summary: say(d.Verdict.Summary), Advice: say(d.Verdict.Advice),
			RecommendedICEServers: d.Verdict.Recommended, Final: d.Verdict.Final, Pending: d.Verdict.Pending},
		Findings: []protocol.Finding{}, Peers: d.Peers, Trials: d.Trials, Signaling: d.Signaling,
		Server: protocol.ServerReport{STUN: d.Room.STUN, Prefixes: d.Room.Prefixes},
	}
	for _, f := range d.Findings {
		x := protocol.Finding{ID: f.ID(), Code: f.Code, Title: say(f.Title), Severity: f.Severity, Confidence: f.Confidence, Peers: f.Peers, Direction: f.Direction,
			Trial: f.Trial, Run: f.Run, Summary: say(f.Summary), Evidence: []protocol.Evidence{}, Remedy: say(f.Remedy), Settings: settings(f.Code, d.Room.STUN), SeparatingExperiment: say(f.Experiment)}
		for _, e := range f.Evidence {
			x.Evidence = append(x.Evidence, protocol.Evidence{Text: say(e.Text), Events: e.Events})
		}
		r.Findings = append(r.Findings, x)
	}
	r.Peers = slices.Clone(r.Peers) // a diagnosis is put into more than one language
	for i := range r.Peers {
		nat := &r.Peers[i].NAT
		nat.Tests, nat.Evidence = slices.Clone(nat.Tests), slices.Clone(nat.Evidence)
		Lesson(nat, o.Lang)
	}
	for _, x := range d.Experiments {
		told := x.ExperimentReport
		told.Text, told.Trials = say(x.Text), reasoned(told.Trials, o.Lang)
		r.Experiments = append(r.Experiments, told)
	}
	for _, b := range d.Beside {
		b.Trials = reasoned(b.Trials, o.Lang)
		r.Beside = append(r.Beside, b)
	}
	if e := d.Expectation; e != nil {
		told := e.Expectation
		told.Text = say(e.Text)
		r.Expectation = &told
	}
	if m := d.Room.Imported; m != nil {
		r.Imported = &protocol.ImportReport{Sources: m.Sources, Notes: []string{}}
		for _, n := range m.Notes {
			r.Imported.Notes = append(r.Imported.Notes, say(catalog.Text{Key: n.Key, Args: n.Args}))
		}
	}
	r.Trials = reasoned(r.Trials, o.Lang)
	r.Picture = paint(r, learn(d))
	return normal(r)
}

// settings are the catalog's, with this server's own address where it is known.
func settings(c protocol.Code, stun []string) []protocol.Setting {
	out := slices.Clone(catalog.Settings(c))
	if len(stun) == 0 {
		return out
	}
	server, err := netip.ParseAddrPort(stun[0])
	if err != nil {
		return out
	}
	host := server.Addr().String()
	if server.Addr().Is6() {
		host = "[" + host + "]"
	}
	for i := range out {
		out[i].Text = strings.ReplaceAll(out[i].Text, "SERVER", host)
	}
	return out
}

// reasoned is a copy that says why each trial ended.
func reasoned(trials []protocol.TrialReport, lang protocol.Lang) []protocol.TrialReport {
	trials = slices.Clone(trials)
	for i := range trials {
		if t := &trials[i]; t.Reason != "" {
			t.ReasonText = catalog.T("reason." + string(t.Reason)).In(lang)
			if t.Hindered != "" {
				t.ReasonText += " " + catalog.T("trial.hindered", "peer", strings.ToUpper(t.Hindered)).In(lang)
			}
		}
	}
	return trials
}

// generatedAt is the recording's last moment. A recording without a head has no wall clock.
func generatedAt(d diagnosis.Diagnosis) string {
	started, err := time.Parse(time.RFC3339Nano, d.Room.Started)
	if err != nil {
		started = time.Unix(0, 0).UTC()
	}
	return started.Add(time.Duration(d.LastMs * float64(time.Millisecond))).Format("2006-01-02T15:04:05.000Z07:00")
}
