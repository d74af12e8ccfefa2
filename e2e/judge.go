package e2e

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// Judge says what a run's result has wrong, one complaint a line; none: it is as expected.
//
// Of a play that is not weak the verdict must be the expected one: the first final one, which may then change no more; where the scenario goes on after its first
// run, the last one. Of a weak play see weaklyRight. Of both: no finding may be there that the scenario calls wrong, and none that is certain, or a likely error,
// which the scenario does not know of.
func Judge(s Play, r Result) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	judged := r.judged(s.Scenario)
	v := judged.Verdict
	switch {
	case right(s.Expect, v):
	case s.Weak:
		if why := s.weaklyRight(v, r.Settled); why != "" {
			complain("verdict: needs %q because of %q (%s); %s", v.Needs, v.Cause, v.Confidence, why)
		}
	default:
		complain("verdict: needs %q because of %q; want %q because of %q", v.Needs, v.Cause, s.Expect.Needs, s.Expect.Cause)
	}
	// The newest run of a scenario with pasted servers is the custom one, and its verdict another matter.
	if final, settled := r.Final.Verdict, r.Settled.Verdict; s.ICEServers == "" && !s.changes() && (settled.Needs != final.Needs || settled.Cause != final.Cause) {
		complain("a final verdict changed: %q because of %q became %q because of %q", final.Needs, final.Cause, settled.Needs, settled.Cause)
	}
	if !s.Weak {
		for _, code := range Missing(s.Expect.Must, r.Settled) {
			complain("finding %s is missing", code)
		}
	}
	for _, f := range slices.Concat(r.Final.Findings, r.Settled.Findings) {
		if slices.Contains(s.Expect.MustNot, f.Code) && !(s.Weak && f.Confidence == protocol.Possible) {
			complain("finding %s is wrong here (%s): %s", f.Code, f.Confidence, f.Summary)
		} else if s.unknown(f) {
			complain("%s and wrong: %s (%s), which the scenario does not know: %s", f.Confidence, f.Code, f.Severity, f.Summary)
		}
	}
	for _, request := range r.Requests {
		if foreign(request, s.Network.addresses(NodeServer)...) {
			complain("a page asked for %s, which is not ours", request)
		}
	}
	slices.Sort(wrong)
	return slices.Compact(wrong)
}

// judged is the report whose verdict the expectation is of.
func (r Result) judged(s Scenario) protocol.Report {
	if s.changes() {
		return r.Settled
	}
	return r.Final
}

func right(x Expect, v protocol.Verdict) bool { return v.Needs == x.Needs && v.Cause == x.Cause }

// weaklyRight says what is wrong with a verdict of ends that the scenario was not written for; "": nothing.
//
// Other agents see less (Firefox counts no requests) or are another matter (icescope peer masks nothing, and is no browser that a policy stops), so that what they
// need may truly be something else. The rule is: whatever the verdict says they need, that very trial connected and no cheaper one did; and a cause other than the
// expected is at most possible, unless it is one of the findings that the scenario knows to be true. Settled is the report when every trial had ended.
func (s Play) weaklyRight(v protocol.Verdict, settled protocol.Report) string {
	x := s.Expect
	if cheapest := connected(settled); v.Needs != cheapest && !(cheapest == "" && (v.Needs == protocol.NeedsUndetermined || v.Needs == protocol.NeedsUnreachable)) {
		return fmt.Sprintf("its trials say %q", cheapest)
	}
	if v.Cause != "" && v.Cause != x.Cause && v.Confidence != protocol.Possible && !slices.Contains(x.known(), v.Cause) &&
		!(v.Cause == protocol.CodeMDNSMasked && s.masks() && !slices.Contains(x.MustNot, v.Cause)) {
		return fmt.Sprintf("want %q, another that is only possible, or none", x.Cause)
	}
	return ""
}

// connected is what the cheapest trial that connected says is needed; "": none did.
func connected(r protocol.Report) protocol.Needs {
	for _, way := range []struct {
		kind  protocol.TrialKind
		needs protocol.Needs
	}{
		{protocol.TrialHost, protocol.NeedsNothing}, {protocol.TrialSTUN, protocol.NeedsSTUN},
		{protocol.TrialRelayUDP, protocol.NeedsTURNUDP}, {protocol.TrialRelayTCP, protocol.NeedsTURNTCP},
	} {
		for _, t := range r.Trials {
			if t.Kind == way.kind && t.Outcome == protocol.OutcomeConnected {
				return way.needs
			}
		}
	}
	return ""
}

// known are the findings that are true in the scenario.
func (x Expect) known() []protocol.Code {
	return slices.DeleteFunc(slices.Concat([]protocol.Code{x.Cause}, x.Must, x.May), func(c protocol.Code) bool { return c == "" })
}

// unknown tells of a finding that is sure of itself whether the scenario does not know it to be true. What is worth knowing and no fault is free.
func (s Play) unknown(f protocol.Finding) bool {
	sure := f.Confidence == protocol.Certain && f.Severity != protocol.SeverityInfo || f.Confidence == protocol.Likely && f.Severity == protocol.SeverityError
	return sure && !slices.Contains(s.Expect.known(), f.Code) && !(f.Code == protocol.CodeMDNSMasked && s.masks())
}

// masks tells whether there is a browser that hides its addresses. That this breaks the trial without servers is true wherever nobody resolves them, and most
// scenarios are about something else: whose mdns-masked would be wrong says so.
func (s Play) masks() bool {
	return s.Kinds[0] != Headless && !s.A.Revealed || s.Kinds[1] != Headless && !s.B.Revealed
}

// Missing are the codes that no finding of the report has.
func Missing(codes []protocol.Code, r protocol.Report) []protocol.Code {
	return slices.DeleteFunc(slices.Clone(codes), func(c protocol.Code) bool {
		return slices.ContainsFunc(r.Findings, func(f protocol.Finding) bool { return f.Code == c })
	})
}

// foreign: neither from the page itself nor from the server, which has that address and ServerIP.
func foreign(request string, server ...netip.Addr) bool {
	u, err := url.Parse(request)
	if err != nil {
		return true
	}
	switch u.Scheme {
	case "data", "blob", "about":
		return false
	}
	host, err := netip.ParseAddr(u.Hostname())
	return err != nil || host.String() != ServerIP && !slices.Contains(server, host)
}
