package e2e

import (
	"fmt"
	"net/netip"
	"net/url"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// Judge says what a run's result has wrong, one complaint a line; none: it is as expected.
func Judge(s Play, r Result) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	final, settled := r.Final.Verdict, r.Settled.Verdict
	silent := s.Weak && final.Needs == protocol.NeedsUndetermined && (final.Cause == "" || final.Confidence == protocol.Possible)
	if (final.Needs != s.Expect.Needs || final.Cause != s.Expect.Cause) && !silent {
		complain("verdict: needs %q because of %q; want %q because of %q", final.Needs, final.Cause, s.Expect.Needs, s.Expect.Cause)
	}
	// The newest run of a scenario with pasted servers is the custom one, and its verdict another matter.
	if s.ICEServers == "" && (settled.Needs != final.Needs || settled.Cause != final.Cause) {
		complain("a final verdict changed: %q because of %q became %q because of %q", final.Needs, final.Cause, settled.Needs, settled.Cause)
	}
	for _, code := range Missing(s.Expect.Must, r.Settled) {
		complain("finding %s is missing", code)
	}
	for _, f := range slices.Concat(r.Final.Findings, r.Settled.Findings) {
		if slices.Contains(s.Expect.MustNot, f.Code) && !(s.Weak && f.Confidence == protocol.Possible) {
			complain("finding %s is wrong here: %s", f.Code, f.Summary)
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
