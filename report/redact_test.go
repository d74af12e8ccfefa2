package report

import (
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icescope/icescope/protocol"
	"pgregory.net/rapid"
)

// anyAddress draws from few networks, so that neighbours are common, and from all families.
func anyAddress(t *rapid.T) netip.Addr {
	small := func(name string) int {
		return rapid.SampledFrom([]int{0, 1, 2, 3, 16, 127, 168, 254, 255}).Draw(t, name)
	}
	text := ""
	switch rapid.IntRange(0, 8).Draw(t, "family") {
	case 0:
		text = fmt.Sprintf("10.%d.%d.%d", small("x"), small("y"), small("z"))
	case 1:
		text = fmt.Sprintf("172.%d.%d.%d", rapid.IntRange(16, 31).Draw(t, "x"), small("y"), small("z"))
	case 2:
		text = fmt.Sprintf("192.168.%d.%d", small("y"), small("z"))
	case 3:
		text = fmt.Sprintf("100.%d.%d.%d", rapid.IntRange(64, 127).Draw(t, "x"), small("y"), small("z"))
	case 4:
		text = fmt.Sprintf("169.254.%d.%d", small("y"), small("z"))
	case 5:
		text = fmt.Sprintf("%d.%d.%d.%d", rapid.SampledFrom([]int{1, 8, 133, 198, 203, 240}).Draw(t, "w"), small("x"), small("y"), small("z"))
	case 6:
		text = fmt.Sprintf("fe80::%x:%x", small("y"), small("z")+1)
	case 7:
		text = fmt.Sprintf("fd%02x:%x::%x", small("x"), small("y"), small("z")+1)
	case 8:
		text = fmt.Sprintf("2001:db8:%x:%x::%x", small("x"), small("y"), small("z")+1)
	}
	return netip.MustParseAddr(text)
}

// literals are the addresses in a text, found by other means than the redactor's.
func literals(text string) map[netip.Addr]bool {
	out := map[netip.Addr]bool{}
	for _, field := range regexp.MustCompile(`[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F]*:[0-9a-fA-F:]*:[0-9a-fA-F]*`).FindAllString(text, -1) {
		if a, err := netip.ParseAddr(field); err == nil {
			out[a] = true
		}
	}
	return out
}

func joinPort(a netip.Addr) string { return netip.AddrPortFrom(a, 50000).String() }

// reportOf puts each address into every kind of place there is.
func reportOf(addresses []netip.Addr) protocol.Report {
	r := emptyReport(protocol.English)
	r.Server = protocol.ServerReport{}
	p := browser("a", "desk at "+addresses[0].String(), joinPort(addresses[0]))
	p.HTTPRTTMs = nil
	for _, a := range addresses {
		p.STUNAddresses = append(p.STUNAddresses, joinPort(a))
		c := candidate(protocol.TrialSTUN, "srflx", a.String(), 50000, 1677729535, 1, 1)
		c.RelatedAddress, c.URL, c.AppliedError = a.String(), "turn:"+joinPort(a)+"?transport=udp", "no route to "+a.String()+"."
		p.Candidates = append(p.Candidates, c)
		p.NAT.Evidence = append(p.NAT.Evidence, "観測"+a.String()+"から", "["+a.String()+"]", strings.ToUpper(a.String())+",")
		r.Findings = append(r.Findings, protocol.Finding{ID: "x", Code: "x", Severity: protocol.SeverityError, Summary: joinPort(a) + " → " + a.String() + "/24",
			Remedy: a.String() + ":", Evidence: []protocol.Evidence{{Text: "(" + a.String() + ")"}}})
		r.Signaling = append(r.Signaling, protocol.SignalReport{Text: line1(a.String(), 1, "host raddr "+a.String()+" rport 2")},
			protocol.SignalReport{Text: "not a candidate: " + a.String()})
		r.Trials = append(r.Trials, protocol.TrialReport{ID: "host-1", Kind: protocol.TrialHost, A: "a", B: "b", SelectedPair: &protocol.PairName{Local: joinPort(a), Remote: a.String()},
			Pairs: []protocol.PairReport{{Local: protocol.PairEnd{Address: a.String()}, Aliases: []string{joinPort(a)}}}})
		r.Verdict.RecommendedICEServers = append(r.Verdict.RecommendedICEServers, protocol.ICEServer{URLs: []string{"stun:" + joinPort(a)}})
	}
	r.Peers = []protocol.PeerReport{p}
	return r
}

func TestRedactLeaksNoAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addresses := rapid.SliceOfN(rapid.Custom(anyAddress), 1, 4).Draw(t, "addresses")
		whole := reportOf(addresses)
		if found := literals(string(JSON(whole))); !found[addresses[0]] {
			t.Fatalf("the test is blind: %s is not found in the report as it is", addresses[0])
		}
		r := Redact(whole)
		for form, text := range map[string]string{"JSON": string(JSON(r)), "Markdown": Markdown(r), "HTML": HTML(r)} {
			found := literals(text)
			for _, a := range addresses {
				if found[a] && !within(untouched, a) {
					t.Errorf("%s holds %s", form, a)
				}
			}
		}
	})
}

func TestRedactKeepsNetworks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		addresses := rapid.SliceOfN(rapid.Custom(anyAddress), 2, 5).Draw(t, "addresses")
		r := Redact(reportOf(addresses))
		out := make([]netip.Addr, len(addresses))
		for i, c := range r.Peers[0].Candidates {
			out[i] = netip.MustParseAddr(c.Address)
			if got := r.Peers[0].STUNAddresses[i]; got != joinPort(out[i]) {
				t.Errorf("%s is %s in one place and %s in another", addresses[i], out[i], got)
			}
			if out[i].IsPrivate() != addresses[i].IsPrivate() || out[i].IsLinkLocalUnicast() != addresses[i].IsLinkLocalUnicast() || out[i].Is4() != addresses[i].Is4() {
				t.Errorf("%s became %s, which is of another kind", addresses[i], out[i])
			}
		}
		for i, a := range addresses {
			for j, b := range addresses {
				if a.Is4() != b.Is4() {
					continue
				}
				bits := []int{24, 25, 28, 31, 32}
				if a.Is6() {
					bits = []int{64, 65, 100, 127, 128}
				}
				for _, n := range bits {
					before := netip.PrefixFrom(a, n).Contains(b)
					after := netip.PrefixFrom(out[i], n).Contains(out[j])
					if before != after {
						t.Errorf("same /%d: %s, %s: %v; %s, %s: %v", n, a, b, before, out[i], out[j], after)
					}
				}
			}
		}
	})
}

func TestRedactKeepsContainment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Custom(anyAddress).Filter(func(a netip.Addr) bool { return a.Is4() && a.IsPrivate() }).Draw(t, "address")
		p, err := a.Prefix(rapid.IntRange(16, 31).Draw(t, "bits"))
		if err != nil {
			t.Fatal(err)
		}
		r := emptyReport(protocol.English)
		r.Server.Prefixes = []string{p.String()}
		r.Peers = []protocol.PeerReport{browser("a", "", joinPort(a))}
		out := Redact(r)
		if got := netip.MustParsePrefix(out.Server.Prefixes[0]); !got.Contains(netip.MustParseAddrPort(out.Peers[0].HTTPAddress).Addr()) {
			t.Errorf("%s in %s became %s in %s", a, p, out.Peers[0].HTTPAddress, got)
		}
	})
}

func TestRedactTakesNames(t *testing.T) {
	r := stunUnreachable(protocol.English)
	r.Peers[0].Label = "Dr. 山田's desk"
	r.Peers[1].Label = "stun"
	r.Findings[0].Summary = "A (Dr. 山田's desk) cannot reach TURN.ward3.example, resolved at turn.ward3.example:3478 in room k7m2-qx4d; ask 山田"
	r.Findings[0].Evidence = []protocol.Evidence{{Text: strings.ToUpper(maskedA) + " and " + maskedA}}
	r.Verdict.RecommendedICEServers = []protocol.ICEServer{{URLs: []string{"turn:turn.ward3.example:3478?transport=udp", "stun:gw"}, Username: "1700000000:yamada", Credential: "hunter2-hunter2"}}
	r.Peers[0].Errors[0].URL = "turn:turn.ward3.example:3478?transport=udp"
	out := Redact(r)
	all := string(JSON(out)) + Markdown(out) + HTML(out)
	for _, secret := range []string{"山田's", "ward3", "k7m2", "yamada", "hunter2", maskedA, strings.ToUpper(maskedA), "Mozilla", "stun:gw"} {
		if strings.Contains(strings.ToLower(all), strings.ToLower(secret)) {
			t.Errorf("%q is still there", secret)
		}
	}
	if want := "A (peer a) cannot reach host-1.example, resolved at host-1.example:3478 in room redacted; ask 山田"; out.Findings[0].Summary != want {
		t.Errorf("got  %s\nwant %s", out.Findings[0].Summary, want) // a part of a label is no label
	}
	if got := out.Verdict.RecommendedICEServers[0].URLs; !reflect.DeepEqual(got, []string{"turn:host-1.example:3478?transport=udp", "stun:host-2.example"}) {
		t.Errorf("a label that is a scheme changed a URL, or a host was forgotten: %v", got)
	}
	if e := out.Findings[0].Evidence[0].Text; e != "name-1.local and name-1.local" {
		t.Errorf("one .local name became %q", e)
	}
	if out.Peers[1].Label != "peer b" || !out.Redacted || r.Redacted {
		t.Error("the label, or the mark, is wrong")
	}
}

// TestRedactCorners: a corner of the server is called the same as in the steps that it is read off.
func TestRedactCorners(t *testing.T) {
	for _, at := range []string{"10.9.0.10:3479", "[fd00:9::10]:3479"} {
		tests := []protocol.NATTest{{Step: protocol.StepFilterPort, Transport: "udp", Packet: "connectivity check", From: at, Corner: protocol.CornerPS, Result: protocol.StepAnswered, Text: "From " + at + "."}}
		r := protocol.Report{Peers: []protocol.PeerReport{{ID: "a", NAT: protocol.NATReport{Tests: tests, Corners: protocol.CornersOf(protocol.EndpointIndependent, tests)}}}}
		nat := Redact(r).Peers[0].NAT
		if got := nat.Corners[1]; got.AddrPort == at || got.AddrPort != nat.Tests[0].From || nat.Tests[0].Text != "From "+got.AddrPort+"." || got.Corner != protocol.CornerPS || got.State != protocol.PassageOpen {
			t.Errorf("%s: %+v, %+v", at, got, nat.Tests[0])
		}
	}
}

func TestRedactLeavesTheOriginal(t *testing.T) {
	r, again := asymmetricNAT(protocol.English), asymmetricNAT(protocol.English)
	Redact(r)
	if diff := cmp.Diff(again, r); diff != "" {
		t.Error(diff)
	}
}

func TestFindAddresses(t *testing.T) {
	for text, want := range map[string][]string{
		"":                              nil,
		"at 12:34:56 on 2026-03-02":     nil,
		"a:b, std::vec, 300.1.2.3":      {"d::"}, // a name that is an address is taken for one: better too much than too little
		"10.0.0.5:3478.":                {"10.0.0.5"},
		"[fe80::1%eth0]:80":             {"fe80::1"},
		"face10.0.0.5":                  {"10.0.0.5"},
		"010.0.0.05":                    {"10.0.0.5"},
		"peer:fe80::1.":                 {"fe80::1"},
		"::ffff:10.0.0.5":               {"::ffff:10.0.0.5"},
		"10.0.0.0/8 and 10.0.0.7/32":    {"10.0.0.0", "10.0.0.7"},
		"AB:CD:EF:01:23:45:67:89:AB:CD": nil,
	} {
		var got []string
		for _, f := range findAddresses(text) {
			got = append(got, f.addr.WithZone("").String())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", text, diff)
		}
	}
}

func TestRedactEvents(t *testing.T) {
	sdp := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=candidate:77 1 udp 1 192.168.5.6 9 typ host\r\n"
	in := []protocol.Event{
		{Type: protocol.EventRoom, Room: &protocol.RoomMade{Schema: protocol.RecordingSchema, Room: "k7m2-qx4d", Version: "1.2.3.4", STUN: []string{"192.168.5.1:3478"}}},
		{Type: protocol.EventJoined, Peer: "a", Joined: &protocol.Joined{Label: "desk", Kind: protocol.KindBrowser, UserAgent: chromiumUA, HTTPAddress: "192.168.5.6:1", Host: "ward3:8080"}},
		{Type: protocol.EventEnvironment, Peer: "a", Environment: &protocol.Environment{PageURL: "http://ward3:8080/r/k7m2-qx4d"}},
		{Type: protocol.EventDescription, Peer: "a", Description: &protocol.Description{Trial: "host-1", Kind: "offer", SDP: sdp}},
		{Type: protocol.EventCandidate, Peer: "a", Candidate: &protocol.Candidate{Trial: "host-1", Line: line1("192.168.5.6", 9, "host")}},
	}
	out := RedactEvents(in)
	if want := "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=ice-pwd:redacted-redacted-redacted\r\na=candidate:f1 1 udp 1 10.1.0.6 9 typ host\r\n"; len(out) != len(in) ||
		!regexp.MustCompile(`^`+strings.ReplaceAll(regexp.QuoteMeta(want), `10\.1\.0\.6`, `10\.1\.0\.\d+`)+`$`).MatchString(out[3].Description.SDP) {
		t.Errorf("got %q", out[3].Description.SDP)
	}
	if c, err := protocol.ParseCandidate(out[4].Candidate.Line); err != nil || c.Address+":1" != out[1].Joined.HTTPAddress {
		t.Errorf("%v %v %s", c, err, out[1].Joined.HTTPAddress)
	}
	if out[0].Room.Version != "1.2.3.4" || out[2].Environment.PageURL != "http://host-1.example:8080/r/redacted" || out[1].Joined.Label != "peer a" {
		t.Errorf("%+v %+v %+v", out[0].Room, out[1].Joined, out[2].Environment)
	}
	if in[1].Joined.Label != "desk" {
		t.Error("the original changed")
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("10.0.0.5 fe80::1 stun:x.example a.local")
	f.Add("[::ffff:1.2.3.4%e]:1/24")
	f.Fuzz(func(t *testing.T, s string) {
		r := emptyReport(protocol.English)
		r.Peers = []protocol.PeerReport{{ID: "a", Label: s, HTTPAddress: s}}
		r.Findings = []protocol.Finding{{Summary: s, Code: protocol.Code(s)}}
		once := Redact(r)
		if diff := cmp.Diff(string(JSON(once)), string(JSON(Redact(r)))); diff != "" {
			t.Errorf("not the same twice: %s", diff)
		}
	})
}
