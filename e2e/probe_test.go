package e2e

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/pion/stun/v3"
)

// The lab's own test: what do real browsers do in each network, without icescope? A tiny STUN server and an empty page stand on the server's node,
// and the descriptions and candidates are carried between the two pages by the test itself.

// probeJS makes one RTCPeerConnection per trial and keeps what it sees. next() resolves with what is to be carried to the other page.
const probeJS = `
window.P = (() => {
	const trials = {}, out = []; let wake = null;
	const say = m => { out.push(m); if (wake) { wake(); wake = null; } };
	const make = (id, iceServers, filter) => {
		const t0 = performance.now(), ms = () => Math.round(performance.now() - t0);
		const pc = new RTCPeerConnection({ iceServers });
		const t = trials[id] = { pc, local: [], errors: [], states: [], stats: null, pairs: {}, cands: {}, queue: [] };
		pc.onicecandidate = e => {
			const c = e.candidate;
			t.local.push(ms() + " " + (c ? c.candidate + (c.url ? " <" + c.url + ">" : "") : "end"));
			if (c && !(filter && c.candidate.includes(filter))) say({ id, candidate: c });
		};
		pc.onicecandidateerror = e => t.errors.push([ms(), e.errorCode, e.errorText, e.url, e.address].join(" "));
		pc.onconnectionstatechange = () => t.states.push(ms() + " conn " + pc.connectionState);
		pc.oniceconnectionstatechange = () => t.states.push(ms() + " ice " + pc.iceConnectionState);
		pc.onicegatheringstatechange = () => t.states.push(ms() + " gathering " + pc.iceGatheringState);
		t.channel = pc.createDataChannel("probe", { negotiated: true, id: 0 });
		t.channel.onopen = () => t.states.push(ms() + " open");
		const sample = async () => {
			for (const s of (await pc.getStats()).values()) {
				if (s.type == "candidate-pair") t.pairs[s.id] = s;
				if (s.type == "local-candidate" || s.type == "remote-candidate") t.cands[s.id] = s;
			}
		};
		t.sample = sample;
		t.timer = setInterval(sample, 200);
		return t;
	};
	return {
		async offer(id, iceServers, filter) { const t = make(id, iceServers, filter); await t.pc.setLocalDescription(); say({ id, iceServers, filter, sdp: t.pc.localDescription }); },
		async next() { if (!out.length) await new Promise(r => wake = r); return out.splice(0); },
		async deliver(messages) {
			for (const m of messages) {
				if (m.sdp) {
					const t = trials[m.id] || make(m.id, m.iceServers, m.filter);
					await t.pc.setRemoteDescription(m.sdp);
					if (m.sdp.type == "offer") { await t.pc.setLocalDescription(); say({ id: m.id, sdp: t.pc.localDescription }); }
				} else { const t = trials[m.id]; try { await t.pc.addIceCandidate(m.candidate) } catch (e) { t.errors.push("add " + e) } }
			}
		},
		async result(id, patience) { // comes when the trial has connected, or when patience is over
			for (const end = performance.now() + patience; performance.now() < end && trials[id]?.channel.readyState != "open";) await new Promise(r => setTimeout(r, 20));
			const t = trials[id]; if (!t) return { states: [], local: [], errors: ["never made"], pairs: [] };
			await t.sample();
			const name = i => { const c = t.cands[i]; return c ? c.candidateType + " " + (c.address || "?") + ":" + c.port : i };
			return { ice: t.pc.iceConnectionState, conn: t.pc.connectionState, open: t.channel.readyState == "open", states: t.states, local: t.local, errors: t.errors,
				remote: Object.values(t.cands).filter(c => c.type == "remote-candidate").map(c => name(c.id)),
				localStats: Object.values(t.cands).filter(c => c.type == "local-candidate").map(c => name(c.id) + " raddr " + c.relatedAddress),
				pairs: Object.values(t.pairs).map(p => name(p.localCandidateId) + " > " + name(p.remoteCandidateId) + " " + p.state + (p.nominated ? " nominated" : "") +
					" rqS=" + p.requestsSent + " rqR=" + p.requestsReceived + " rsS=" + p.responsesSent + " rsR=" + p.responsesReceived) };
		},
	};
})();`

type probeResult struct {
	ICE, Conn                                        string
	Open                                             bool
	States, Local, LocalStats, Remote, Errors, Pairs []string
}

// serveProbe answers STUN on two ports and an empty page on 8080 until ctx ends.
func serveProbe(ctx context.Context, ns string) error {
	return InNamespace(ns, func() error {
		for _, port := range []string{"3478", "3479"} {
			c, err := net.ListenPacket("udp4", ServerIP+":"+port)
			if err != nil {
				return err
			}
			context.AfterFunc(ctx, func() { c.Close() })
			go answerSTUN(c)
		}
		l, err := net.Listen("tcp4", ServerIP+":8080")
		if err != nil {
			return err
		}
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><link rel=icon href=data:,><title>probe</title>")
		})}
		context.AfterFunc(ctx, func() { s.Close() })
		go func() { _ = s.Serve(l) }()
		return nil
	})
}

func answerSTUN(c net.PacketConn) {
	b := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: append([]byte{}, b[:n]...)}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		u := from.(*net.UDPAddr)
		if r, err := stun.Build(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: u.IP, Port: u.Port}, stun.Fingerprint); err == nil {
			_, _ = c.WriteTo(r.Raw, from)
		}
	}
}

// probeWait is how long a trial that is to fail may try: an answer that comes, comes in a tenth of it. PROBE_WAIT=17s shows how the browser itself ends.
const probeWait = 3 * time.Second

var probing = flag.Bool("probe", false, "measure what the browsers themselves do in each network (after a new browser or kernel)")

// TestProbe proves each network: host-only and STUN trials must connect, or not, as the scenario says. With -v it prints all that both browsers saw;
// PROBE_KINDS="firefox firefox" measures others than Chromium, which then need not behave alike.
func TestProbe(t *testing.T) {
	if !*probing {
		t.Skip("the networks' own proof takes minutes and proves nothing of icescope: go test ./e2e -run TestProbe -probe -v")
	}
	kinds, wait := [2]Kind{Chromium, Chromium}, probeWait
	if k := os.Getenv("PROBE_KINDS"); k != "" {
		if _, err := fmt.Sscan(k, &kinds[0], &kinds[1]); err != nil {
			t.Fatal(err)
		}
	}
	need(t, "ip", "nft", string(kinds[0]), string(kinds[1]))
	if d, err := time.ParseDuration(os.Getenv("PROBE_WAIT")); err == nil {
		wait = d
	}
	for _, s := range Scenarios {
		t.Run(s.Name, func(t *testing.T) { probe(t, s, kinds, wait) })
	}
}

func probe(t *testing.T, s Scenario, kinds [2]Kind, wait time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), startDeadline+wait)
	defer cancel()
	began := time.Now()
	l, err := Build(s.Network)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	built := time.Since(began)
	if err := serveProbe(ctx, l.NS(NodeServer)); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	var pages [2]Browser
	var errs [2]error
	inParallel(2, func(i int) {
		side := []Side{s.A, s.B}[i]
		pages[i], errs[i] = Start(ctx, kinds[i], Options{NS: l.NS([]string{NodeA, NodeB}[i]), Revealed: side.Revealed})
		if errs[i] == nil {
			errs[i] = pages[i].Open(ctx, "http://"+ServerIP+":8080/")
		}
		if errs[i] == nil {
			errs[i] = pages[i].Eval(ctx, "void "+"(0,eval)("+string(must(json.Marshal(probeJS)))+")", nil)
		}
	})
	for i := range pages {
		if pages[i] != nil {
			defer pages[i].Close()
		}
	}
	if errs[0] != nil || errs[1] != nil {
		t.Fatal(errs)
	}
	t.Logf("built in %v, browsers in %v", built, time.Since(began))
	loop, stop := context.WithCancel(ctx)
	defer stop()
	for i := range pages {
		go func() {
			for loop.Err() == nil {
				var m json.RawMessage
				if pages[i].Eval(loop, "P.next()", &m) != nil {
					return
				}
				_ = pages[1-i].Eval(loop, "P.deliver("+string(m)+")", nil)
			}
		}()
	}
	filter := ""
	if s.A.InitScript != "" {
		filter = "typ srflx"
	}
	trials := []string{"host", "stun"}
	servers := map[string]string{"host": "[]", "stun": `[{urls:["stun:10.9.0.10:3478","stun:10.9.0.10:3479"]}]`}
	if s.ICEServers != "" {
		trials, servers["custom"] = append(trials, "custom"), s.ICEServers
	}
	for _, id := range trials {
		if err := pages[0].Eval(ctx, fmt.Sprintf("P.offer(%q, %s, %q)", id, servers[id], filter), nil); err != nil {
			t.Fatal(err)
		}
	}
	deadline := time.Now().Add(wait)
	for _, id := range trials {
		for i := range pages {
			var r probeResult
			if err := pages[i].Eval(ctx, fmt.Sprintf("P.result(%q, %d)", id, max(0, time.Until(deadline).Milliseconds())), &r); err != nil {
				t.Fatal(err)
			}
			if want, asked := map[string]bool{"host": s.Expect.Host, "stun": s.Expect.STUN}[id]; asked && kinds == [2]Kind{Chromium, Chromium} && r.Open != want {
				t.Errorf("%s: connected %v at %s, want %v", id, r.Open, []string{"A", "B"}[i], want)
			}
			text := fmt.Sprintf("%s %s(%s): ice=%s conn=%s open=%v\n  states %q", id, []string{"A", "B"}[i], kinds[i], r.ICE, r.Conn, r.Open, r.States)
			for _, x := range []struct {
				name  string
				lines []string
			}{{"local", r.Local}, {"localStats", r.LocalStats}, {"remote", r.Remote}, {"error", r.Errors}, {"pair", r.Pairs}} {
				for _, line := range x.lines {
					text += "\n  " + x.name + " " + line
				}
			}
			t.Log(text)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
