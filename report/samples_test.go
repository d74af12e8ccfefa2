package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icescope/icescope/protocol"
)

var update = flag.Bool("update", false, "write testdata and schema.json again")

// samples are the stories that the goldens tell; their sentences are written as diagnosis would.
var samples = map[string]func(protocol.Lang) protocol.Report{
	"asymmetric-nat":   asymmetricNAT,
	"flat":             flat,
	"stun-unreachable": stunUnreachable,
}

func eachSample(t *testing.T, f func(t *testing.T, name string, r protocol.Report)) {
	for name, make := range samples {
		for _, lang := range []protocol.Lang{protocol.English, protocol.Japanese} {
			full := name + "." + string(lang)
			t.Run(full, func(t *testing.T) { f(t, full, make(lang)) })
		}
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(bytes.ReplaceAll(want, []byte("\r\n"), []byte("\n"))), string(got)); diff != "" {
		t.Errorf("%s (go test ./report -update writes it again):\n%s", path, diff)
	}
}

func TestGoldens(t *testing.T) {
	eachSample(t, func(t *testing.T, name string, r protocol.Report) {
		golden(t, name+".json", JSON(r))
		golden(t, name+".md", []byte(Markdown(r)))
		golden(t, name+".html", []byte(HTML(r)))
	})
}

func TestRedactedGolden(t *testing.T) {
	r := Redact(asymmetricNAT(protocol.English))
	golden(t, "asymmetric-nat.redacted.en.json", JSON(r))
	golden(t, "asymmetric-nat.redacted.en.md", []byte(Markdown(r)))
}

func TestJSONRoundTrip(t *testing.T) {
	eachSample(t, func(t *testing.T, _ string, r protocol.Report) {
		var back protocol.Report
		if err := json.Unmarshal(JSON(r), &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(JSON(r)), string(JSON(back))); diff != "" {
			t.Error(diff)
		}
	})
}

func ptr[T any](v T) *T { return &v }

// pick is the sentence in the sample's language.
func pick(lang protocol.Lang, en, ja string) string {
	if lang == protocol.Japanese {
		return ja
	}
	return en
}

const (
	chromiumUA = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	maskedA    = "5f3c1a52-8a0e-4c55-9d6b-6f3a0d1f7b11.local"
	maskedB    = "c0a7d7de-31b2-4e0a-8d15-2b9f5cbe9e42.local"
)

func emptyReport(lang protocol.Lang) protocol.Report {
	return protocol.Report{
		Schema: protocol.ReportSchema, Room: "k7m2-qx4d", GeneratedAt: "2026-03-02T09:14:31+09:00", Lang: lang,
		Tool: protocol.Tool{Name: "icescope", Version: "v1.0.0"}, Events: 214, Run: 1,
		Server: protocol.ServerReport{STUN: []string{"10.20.0.5:3478", "10.20.0.5:3479"}, Prefixes: []string{"10.20.0.0/24"}},
	}
}

func browser(id, label, http string, stun ...string) protocol.PeerReport {
	return protocol.PeerReport{
		ID: id, Label: label, Kind: protocol.KindBrowser, UserAgent: chromiumUA, Browser: "Chromium 156", Online: true, HTTPAddress: http,
		STUNAddresses: stun, HTTPRTTMs: ptr(1.4), Masked: ptr(true), SecureContext: ptr(false),
		NAT: protocol.NATReport{Translated: ptr(false), Mapping: protocol.NotMeasurable, Filtering: protocol.NotMeasurable, State: protocol.NATOff, Tests: []protocol.NATTest{},
			Corners: protocol.CornersOf(protocol.NotMeasurable, nil)},
	}
}

func candidate(trial protocol.TrialKind, typ, address string, port int, priority uint32, atMs float64, event int) protocol.CandidateReport {
	pref, local, component := protocol.Preferences(priority)
	return protocol.CandidateReport{
		Trial: trial, Type: typ, Protocol: "udp", Address: address, Port: port, Foundation: fmt.Sprint(priority % 97), Component: component,
		Priority: priority, TypePreference: pref, LocalPreference: local, AtMs: atMs, Masked: protocol.IsMDNS(address), Signaled: true,
		ReceivedByPeer: trial != protocol.TrialAlone, Event: event, UsernameFragment: "u7Qx",
	}
}

func counters(sent, received, answered, back int64, state string) *protocol.PairCounters {
	return &protocol.PairCounters{RequestsSent: &sent, RequestsReceived: &received, ResponsesSent: &answered, ResponsesReceived: &back, State: state}
}

func signal(event int, atMs float64, from, to string, trial protocol.TrialKind, what, text string) protocol.SignalReport {
	return protocol.SignalReport{Event: event, AtMs: atMs, From: from, To: to, Trial: trial, Run: 1, What: what, Text: text, AppliedMs: ptr(atMs + 7)}
}

func line1(address string, port int, typ string) string {
	return fmt.Sprintf("candidate:842163049 1 udp 2122260223 %s %d typ %s generation 0 ufrag u7Qx network-cost 999", address, port, typ)
}

// asymmetricNAT is the showpiece: O towards A is translated by one router, A towards O routed by another without translation. Both ends are masked.
func asymmetricNAT(lang protocol.Lang) protocol.Report {
	r := emptyReport(lang)
	r.Verdict = protocol.Verdict{
		Needs: protocol.NeedsSTUN, Cause: protocol.CodeAsymmetricNAT, Confidence: protocol.Certain, Final: true,
		Summary: pick(lang, "Host candidates alone cannot connect: answers from b come back under another address than a asked.",
			"ホスト候補だけでは接続できません。a が送った要求への応答が、宛先とは別のアドレスから返ってきます。"),
		Advice: pick(lang, "Give both ends this STUN server, or take the one-way NAT between the segments away.",
			"両端末にこのSTUNサーバーを設定するか、セグメント間の片方向NATを取り除いてください。"),
		RecommendedICEServers: []protocol.ICEServer{{URLs: []string{"stun:10.20.0.5:3478", "stun:10.20.0.5:3479"}}},
	}
	a := browser("a", pick(lang, "office desk", "事務所PC"), "192.168.50.10:51820", "192.168.50.10:53911", "192.168.50.10:53912")
	b := browser("b", pick(lang, "line 7", "第7ライン"), "192.168.60.20:40112", "192.168.50.254:61001", "192.168.50.254:61002")
	a.NAT.Evidence = []string{pick(lang, "the STUN server saw the address that the candidate names", "STUNサーバーが見た送信元と候補のアドレスが一致")}
	b.NAT.Translated, b.NAT.Mapping, b.NAT.RFC3489 = ptr(true), protocol.EndpointIndependent, protocol.ClassicNAT("")
	b.NAT.Evidence = []string{pick(lang, "seen by HTTP as 192.168.60.20, by STUN as 192.168.50.254", "HTTPでは 192.168.60.20、STUNでは 192.168.50.254 に見える")}
	for i, k := range []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN} {
		a.Candidates = append(a.Candidates, candidate(k, "host", maskedA, 53910+i, 2113937151, 12, 20+i))
		b.Candidates = append(b.Candidates, candidate(k, "host", maskedB, 61000+i, 2113937151, 15, 24+i))
	}
	sa := candidate(protocol.TrialSTUN, "srflx", "192.168.50.10", 53911, 1677729535, 31, 31)
	sa.RelatedAddress, sa.RelatedPort, sa.URL = "0.0.0.0", ptr(0), "stun:10.20.0.5:3478"
	sb := candidate(protocol.TrialSTUN, "srflx", "192.168.50.254", 61001, 1677729535, 33, 33)
	sb.RelatedAddress, sb.RelatedPort, sb.URL, sb.Selected = "0.0.0.0", ptr(0), "stun:10.20.0.5:3478", true
	sa.Selected = true
	a.Candidates = append(a.Candidates, sa)
	b.Candidates = append(b.Candidates, sb)
	r.Peers = []protocol.PeerReport{a, b}

	host := protocol.TrialReport{
		ID: "host-1", Kind: protocol.TrialHost, A: "a", B: "b", Offerer: "a", Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonUnanswered,
		Step: "check", StartedAtMs: 801, Clocks: protocol.Clocks{GatherMs: ptr(14.0), TotalMs: ptr(5120.0)},
		Pairs: []protocol.PairReport{{
			Local:  protocol.PairEnd{Address: maskedA, Port: 53910, Type: "host", Protocol: "udp"},
			Remote: protocol.PairEnd{Address: maskedB, Port: 61000, Type: "host", Protocol: "udp"},
			State:  "in-progress", A: counters(12, 11, 11, 0, "in-progress"), B: counters(12, 12, 12, 0, "in-progress"),
			Directions: protocol.PairDirections{AToB: protocol.DirNonSymmetric, BToA: protocol.DirLostOnReturn},
			Aliases:    []string{"192.168.50.254:61000"}, Events: []int{171, 173},
		}},
	}
	host.Pairs[0].A.NonSymmetric = ptr(int64(11))
	selected := counters(9, 8, 8, 9, "succeeded")
	selected.BytesSent, selected.BytesReceived, selected.RTTMs = ptr(int64(418000)), ptr(int64(402331)), ptr(1.8)
	stun := protocol.TrialReport{
		ID: "stun-1", Kind: protocol.TrialSTUN, A: "a", B: "b", Offerer: "a", Outcome: protocol.OutcomeConnected, Reason: protocol.ReasonMeasured,
		Step: "done", StartedAtMs: 801, Clocks: protocol.Clocks{GatherMs: ptr(33.0), CheckMs: ptr(71.0), DTLSMs: ptr(24.0), TotalMs: ptr(2210.0)},
		SelectedPair: &protocol.PairName{Local: "192.168.50.10:53911", Remote: "192.168.50.254:61001"},
		Pairs: []protocol.PairReport{
			{
				Local:  protocol.PairEnd{Address: maskedA, Port: 53911, Type: "host", Protocol: "udp"},
				Remote: protocol.PairEnd{Address: "192.168.50.254", Port: 61001, Type: "srflx", Protocol: "udp"},
				State:  "succeeded", Selected: true, A: selected, B: counters(8, 9, 9, 8, "succeeded"),
				Directions: protocol.PairDirections{AToB: protocol.DirAnswered, BToA: protocol.DirAnswered}, Events: []int{180, 182},
			},
			{
				Local:  protocol.PairEnd{Address: maskedA, Port: 53911, Type: "host", Protocol: "udp"},
				Remote: protocol.PairEnd{Address: maskedB, Port: 61001, Type: "host", Protocol: "udp"},
				State:  "in-progress", StateB: "failed", A: counters(4, 4, 4, 0, "in-progress"),
				Directions: protocol.PairDirections{AToB: protocol.DirUnanswered, BToA: protocol.DirNotObservable}, Events: []int{180},
			},
		},
		Data:  &protocol.DataReport{RTTMs: 1.8, JitterMs: 0.3, LossPercent: ptr(0.0), ThroughputKbps: ptr(48210.0), RoundTripsMs: []float64{1.7, 1.8, 2.1}},
		Video: &protocol.VideoReport{FramesDecoded: 44, A: &protocol.VideoResult{FramesDecoded: 44, Width: 320, Height: 180}, B: &protocol.VideoResult{FramesDecoded: 46}},
	}
	r.Trials = []protocol.TrialReport{host, stun}
	r.Findings = []protocol.Finding{
		{
			ID: "asymmetric-nat:a>b", Code: protocol.CodeAsymmetricNAT, Title: pick(lang, "NAT in one direction only", "片方向だけのNAT"),
			Severity: protocol.SeverityError, Confidence: protocol.Certain, Peers: []string{"a", "b"}, Direction: &protocol.Direction{From: "a", To: "b"},
			Trial: protocol.TrialHost, Run: 1,
			Summary: pick(lang, "Requests from a reach b and are answered, but the answers arrive from 192.168.50.254 and not from the address that was asked; ICE must throw them away (RFC 8445 section 7.2.5.2.1).",
				"a の要求は b に届き、b は応答しています。しかし応答は宛先ではなく 192.168.50.254 から届くため、ICEは破棄しなければなりません(RFC 8445 7.2.5.2.1節)。"),
			Evidence: []protocol.Evidence{
				{Text: pick(lang, "a sent 12 requests, 11 arrived at b, b answered 11, none was accepted by a", "a は要求を12件送信、b に11件到着、b は11件応答、a が受理した応答は0件"), Events: []int{171, 173}},
				{Text: pick(lang, "11 answers came from 192.168.50.254:61000", "192.168.50.254:61000 からの応答が11件"), Events: []int{173}},
				{Text: pick(lang, "with STUN the pair 192.168.50.10:53911 – 192.168.50.254:61001 connects", "STUNありでは 192.168.50.10:53911 – 192.168.50.254:61001 が接続"), Events: []int{180, 182}},
			},
			Remedy: pick(lang, "On the router that leads from 192.168.60.0/24 to 192.168.50.0/24, take the source NAT away, or translate one to one both ways. Until then every application needs STUN.",
				"192.168.60.0/24 から 192.168.50.0/24 へのルーターで送信元NATを外すか、双方向の1対1変換にしてください。それまではすべてのアプリケーションにSTUNが必要です。"),
			SeparatingExperiment: pick(lang, "Run again with the other end offering: the finding must stay.", "オファー側を入れ替えて再実行してください。結果は変わらないはずです。"),
		},
		{
			ID: "mdns-masked:a:b", Code: protocol.CodeMDNSMasked, Title: pick(lang, "Addresses hidden behind .local names", ".local名によるアドレスの秘匿"),
			Severity: protocol.SeverityInfo, Confidence: protocol.Certain, Peers: []string{"a", "b"},
			Summary:  pick(lang, "Both browsers hide their host addresses; the other end must resolve them by multicast DNS.", "両方のブラウザーがホストアドレスを隠しており、相手側はマルチキャストDNSで解決する必要があります。"),
			Evidence: []protocol.Evidence{{Text: maskedA + ", " + maskedB, Events: []int{20, 24}}},
			Remedy:   pick(lang, "Open the page over HTTPS and allow the camera: the real addresses then show.", "HTTPSでページを開いてカメラを許可すると、実際のアドレスが見えます。"),
		},
	}
	at := 815.0
	for i, k := range []protocol.TrialKind{protocol.TrialHost, protocol.TrialSTUN} {
		r.Signaling = append(r.Signaling,
			signal(14+4*i, at, "a", "b", k, "offer", pick(lang, "2310 bytes", "2310バイト")),
			signal(20+i, at+3, "a", "b", k, "candidate", line1(maskedA, 53910+i, "host")),
			signal(22+4*i, at+21, "b", "a", k, "answer", pick(lang, "1987 bytes", "1987バイト")),
			signal(24+i, at+25, "b", "a", k, "candidate", line1(maskedB, 61000+i, "host")),
		)
		at += 4
	}
	lost := signal(33, 851, "b", "a", protocol.TrialSTUN, "candidate", line1("192.168.50.254", 61001, "srflx raddr 0.0.0.0 rport 0"))
	r.Signaling = append(r.Signaling, signal(31, 849, "a", "b", protocol.TrialSTUN, "candidate", line1("192.168.50.10", 53911, "srflx raddr 0.0.0.0 rport 0")), lost,
		signal(35, 870, "a", "b", protocol.TrialSTUN, "end-of-candidates", ""))
	return r
}

// flat is one segment without anything in between.
func flat(lang protocol.Lang) protocol.Report {
	r := emptyReport(lang)
	r.Verdict = protocol.Verdict{
		Needs: protocol.NeedsNothing, Confidence: protocol.Certain, Final: false, Pending: []protocol.TrialKind{protocol.TrialSTUN},
		Summary: pick(lang, "This pair connects with the addresses that the machines know of themselves.", "この2台は、端末自身のアドレスだけで接続できます。"),
	}
	a := browser("a", "", "10.20.0.31:51820", "10.20.0.31:50001")
	b := browser("b", "kiosk", "10.20.0.32:40112", "10.20.0.32:50002")
	b.Kind, b.Browser, b.UserAgent = protocol.KindHeadless, "icescope v1.0.0", "icescope/v1.0.0"
	a.Masked, b.Masked = ptr(false), ptr(false)
	a.SecureContext, a.Permission = ptr(true), "granted"
	a.Candidates = []protocol.CandidateReport{candidate(protocol.TrialHost, "host", "10.20.0.31", 50001, 2122260223, 9, 20)}
	tcp := candidate(protocol.TrialHost, "host", "10.20.0.31", 9, 1518280447, 10, 21)
	tcp.Protocol, tcp.TCPType = "tcp", "active"
	v6 := candidate(protocol.TrialHost, "host", "fd12:3456:789a:1::31", 50003, 2122194687, 10, 22)
	v6.ReceivedByPeer, v6.AppliedError = true, "OperationError: no such m-line"
	a.Candidates = append(a.Candidates, tcp, v6)
	b.Candidates = []protocol.CandidateReport{candidate(protocol.TrialHost, "host", "10.20.0.32", 50002, 2122260223, 11, 23)}
	r.Peers = []protocol.PeerReport{a, b}
	r.Trials = []protocol.TrialReport{
		{
			ID: "host-1", Kind: protocol.TrialHost, A: "a", B: "b", Offerer: "a", Outcome: protocol.OutcomeConnected, Reason: protocol.ReasonMeasured, Step: "done",
			Clocks:       protocol.Clocks{GatherMs: ptr(11.0), CheckMs: ptr(52.0), DTLSMs: ptr(19.0), TotalMs: ptr(2004.0)},
			SelectedPair: &protocol.PairName{Local: "10.20.0.31:50001", Remote: "10.20.0.32:50002"},
			Pairs: []protocol.PairReport{{
				Local:  protocol.PairEnd{Address: "10.20.0.31", Port: 50001, Type: "host", Protocol: "udp"},
				Remote: protocol.PairEnd{Address: "10.20.0.32", Port: 50002, Type: "host", Protocol: "udp"},
				State:  "succeeded", Selected: true, A: counters(5, 6, 6, 5, "succeeded"), B: counters(6, 5, 5, 6, "succeeded"),
				Directions: protocol.PairDirections{AToB: protocol.DirAnswered, BToA: protocol.DirAnswered}, Events: []int{90},
			}},
			Data: &protocol.DataReport{RTTMs: 0.6, JitterMs: 0.1, LossPercent: ptr(0.0), ThroughputKbps: ptr(91000.0)},
		},
		{ID: "stun-1", Kind: protocol.TrialSTUN, A: "a", B: "b", Offerer: "a", Step: "check", Clocks: protocol.Clocks{GatherMs: ptr(20.0)}},
	}
	r.Signaling = []protocol.SignalReport{signal(14, 800, "a", "b", protocol.TrialHost, "offer", pick(lang, "2310 bytes", "2310バイト"))}
	return r
}

// stunUnreachable is a firewall that lets the page through and drops UDP to the server; one end is still alone with its NAT unknown.
func stunUnreachable(lang protocol.Lang) protocol.Report {
	r := emptyReport(lang)
	r.Run = 2
	r.Verdict = protocol.Verdict{
		Needs: protocol.NeedsUndetermined, Cause: protocol.CodeSTUNUnreachable, Confidence: protocol.Likely, Final: true,
		Summary: pick(lang, "Neither host candidates nor STUN connect, because no UDP from a reaches this server. A relay remains to be tried.",
			"a からこのサーバーへのUDPが届かないため、ホスト候補でもSTUNでも接続できません。中継はまだ試していません。"),
		Advice: pick(lang, "Open udp/3478 towards 10.20.0.5.", "10.20.0.5 へのudp/3478を許可してください。"),
	}
	a := browser("a", "ward 3 <east>", "172.16.4.9:51820")
	b := browser("b", "server room", "10.20.0.32:40112", "10.20.0.32:50002")
	a.NAT.Translated = nil
	a.Candidates = []protocol.CandidateReport{candidate(protocol.TrialHost, "host", maskedA, 50001, 2113937151, 9, 20)}
	a.Errors = []protocol.ErrorReport{{Trial: protocol.TrialSTUN, URL: "stun:10.20.0.5:3478", Code: 701, Text: "STUN binding request timed out.", AtMs: 9520, Event: 77}}
	lost := candidate(protocol.TrialHost, "host", maskedB, 50002, 2113937151, 11, 23)
	lost.ReceivedByPeer = false
	b.Candidates = []protocol.CandidateReport{lost}
	r.Peers = []protocol.PeerReport{a, b}
	r.Trials = []protocol.TrialReport{
		{ID: "host-2", Kind: protocol.TrialHost, A: "a", B: "b", Offerer: "b", Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonNoPairs, Step: "check",
			Clocks: protocol.Clocks{GatherMs: ptr(11.0), TotalMs: ptr(8004.0)}},
		{ID: "stun-2", Kind: protocol.TrialSTUN, A: "a", B: "b", Offerer: "b", Outcome: protocol.OutcomeFailed, Reason: protocol.ReasonNoSTUNAnswer, Step: "gather",
			Clocks: protocol.Clocks{TotalMs: ptr(9600.0)}},
		{ID: "relay-udp-2", Kind: protocol.TrialRelayUDP, A: "a", B: "b", Offerer: "b", Outcome: protocol.OutcomeSkipped, Reason: protocol.ReasonNotOffered},
	}
	r.Findings = []protocol.Finding{
		{
			ID: "stun-unreachable:a", Code: protocol.CodeSTUNUnreachable, Title: pick(lang, "UDP to the STUN server is blocked", "STUNサーバーへのUDPが遮断"),
			Severity: protocol.SeverityError, Confidence: protocol.Likely, Peers: []string{"a"}, Trial: protocol.TrialSTUN, Run: 2,
			Summary: pick(lang, "The page reaches the server over TCP, but no STUN request from a ever arrived.", "ページはTCPでサーバーに届いていますが、a のSTUN要求は一度も届きませんでした。"),
			Evidence: []protocol.Evidence{
				{Text: pick(lang, "error 701 for stun:10.20.0.5:3478", "stun:10.20.0.5:3478 でエラー701"), Events: []int{77}},
				{Text: pick(lang, "round trip of 1.4 ms over HTTP from 172.16.4.9", "172.16.4.9 からのHTTP往復 1.4 ms"), Events: []int{3}},
			},
			Remedy:               pick(lang, "Permit udp/3478 and udp/3479 from 172.16.4.0/24 to 10.20.0.5.", "172.16.4.0/24 から 10.20.0.5 への udp/3478 と udp/3479 を許可してください。"),
			SeparatingExperiment: pick(lang, "On a, run: echo whoami | nc -u -w1 10.20.0.5 3478", "a で echo whoami | nc -u -w1 10.20.0.5 3478 を実行してください。"),
		},
		{
			ID: "insecure-context:a", Code: protocol.CodeInsecureContext, Title: pick(lang, "Page is no secure context", "セキュアコンテキストではないページ"),
			Severity: protocol.SeverityWarning, Confidence: protocol.Certain, Peers: []string{"a"}, Run: 1,
			Summary: pick(lang, "The page was opened over http:// and cannot ask for the camera.", "ページが http:// で開かれたため、カメラを要求できません。"),
			Remedy:  pick(lang, "Open https://10.20.0.5:8443/.", "https://10.20.0.5:8443/ を開いてください。"),
		},
	}
	lostLine := signal(23, 840, "b", "a", protocol.TrialHost, "candidate", line1(maskedB, 50002, "host"))
	lostLine.AppliedMs = nil
	r.Signaling = []protocol.SignalReport{signal(14, 800, "b", "a", protocol.TrialHost, "offer", pick(lang, "2310 bytes", "2310バイト")), lostLine}
	return r
}
