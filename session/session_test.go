package session_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/pion/logging"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4/vnet"
)

// The whole job without a browser: two headless peers on a network in memory, the real hub, the real session, and what comes of it.
func TestTheWholeJob(t *testing.T) {
	strict := &vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
	symmetric := &vnet.NATType{MappingBehavior: vnet.EndpointAddrPortDependent, FilteringBehavior: vnet.EndpointAddrPortDependent}
	type outcome struct {
		kind    protocol.TrialKind
		outcome protocol.Outcome
		reasons []protocol.Reason
	}
	measured := []protocol.Reason{protocol.ReasonMeasured}
	silent := []protocol.Reason{protocol.ReasonUnanswered, protocol.ReasonNoPairs}
	for name, c := range map[string]struct {
		nat   *vnet.NATType
		drop  func(vnet.Chunk) bool
		needs protocol.Needs
		want  []outcome
	}{
		"flat": {nil, nil, protocol.NeedsNothing, []outcome{
			{protocol.TrialHost, protocol.OutcomeConnected, measured}, {protocol.TrialSTUN, protocol.OutcomeConnected, measured}}},
		"two NATs that STUN opens": {strict, nil, protocol.NeedsSTUN, []outcome{
			{protocol.TrialHost, protocol.OutcomeFailed, silent}, {protocol.TrialSTUN, protocol.OutcomeConnected, measured}}},
		"two NATs that map by destination": {symmetric, nil, protocol.NeedsUndetermined, []outcome{
			{protocol.TrialHost, protocol.OutcomeFailed, silent}, {protocol.TrialSTUN, protocol.OutcomeFailed, silent}}},
		"nothing passes between the NATs": {strict, func(c vnet.Chunk) bool { return !fromOrTo(c, stunAddress) }, protocol.NeedsUndetermined, []outcome{
			{protocol.TrialHost, protocol.OutcomeFailed, silent}, {protocol.TrialSTUN, protocol.OutcomeFailed, silent}}},
		"nothing passes at all": {strict, func(vnet.Chunk) bool { return true }, protocol.NeedsUndetermined, []outcome{
			{protocol.TrialHost, protocol.OutcomeFailed, silent},
			{protocol.TrialSTUN, protocol.OutcomeFailed, append(silent, protocol.ReasonNoSTUNAnswer)}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, session.Config{})
			n := buildNetwork(t, c.nat, c.drop, w.talk.Sighting) // one at a time: vnet counts in a package variable
			t.Parallel()
			defer n.stop()
			got := w.meet(n.a, n.b)
			w.checkReplay()
			checkSnapshot(t, w.events(), got)

			v := got.Verdict
			if v.Needs != c.needs || !v.Final || len(v.Pending) > 0 {
				t.Errorf("verdict %+v, want %s", v, c.needs)
			}
			if c.needs == protocol.NeedsNothing && (v.Confidence != protocol.Certain || v.Cause != "") {
				t.Errorf("verdict %+v, want certainty and no cause", v)
			}
			for _, want := range c.want {
				i := slices.IndexFunc(got.Trials, func(r protocol.TrialReport) bool { return r.Kind == want.kind })
				if i < 0 || got.Trials[i].Outcome != want.outcome || !slices.Contains(want.reasons, got.Trials[i].Reason) {
					t.Errorf("%s: %+v, want %s by one of %s", want.kind, got.Trials, want.outcome, want.reasons)
				}
			}
			if len(got.Trials) != len(c.want) {
				t.Errorf("%d trials, want %d", len(got.Trials), len(c.want))
			}
			for _, f := range got.Findings {
				t.Logf("%s %s %s %v %s: %s", f.Severity, f.Confidence, f.Code, f.Peers, f.Trial, f.Summary)
				// Nothing but the NATs is there, or a filter that looks like them: no error may be called certain, and of blocked UDP nothing more than possible.
				if f.Severity == protocol.SeverityError && (f.Confidence == protocol.Certain || f.Code == protocol.CodeUDPBlocked && f.Confidence != protocol.Possible) {
					t.Errorf("%s is called %s: %s", f.Code, f.Confidence, f.Summary)
				}
			}
			t.Logf("%s, cause %q, %s: %s", v.Needs, v.Cause, v.Confidence, v.Summary)
		})
	}
}

// meet lets two peers into the room until the verdict is final and nothing is out, and returns the last report that the first of them saw.
func (w *world) meet(a, b *vnet.Net) protocol.Report {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var (
		peers sync.WaitGroup
		first peer.Result
	)
	for i, n := range []*vnet.Net{a, b} {
		peers.Go(func() {
			result, err := peer.Run(ctx, peer.Config{URL: w.url + "/r/" + w.code, Net: n, OneShot: i == 0, Label: []string{"left", "right"}[i]})
			if err != nil {
				w.t.Errorf("%v", err)
			}
			if i == 0 {
				first = result
				cancel()
			}
		})
	}
	peers.Wait()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		w.t.Errorf("not final within %v", patience)
	}
	return first.Report
}

// network is a WAN with a STUN server at stunAddress, ports 3478 and 3479, and a host for each end.
type network struct {
	a, b *vnet.Net
	stop func()
}

var quiet = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}

func fromOrTo(c vnet.Chunk, ip string) bool {
	source, _, _ := net.SplitHostPort(c.SourceAddr().String())
	destination, _, _ := net.SplitHostPort(c.DestinationAddr().String())
	return source == ip || destination == ip
}

// buildNetwork puts both hosts on the WAN itself (nat nil), or each in a LAN of its own behind such a NAT. What drop says is lost on the WAN.
func buildNetwork(t testing.TB, nat *vnet.NATType, drop func(vnet.Chunk) bool, seen func(protocol.Sighting)) *network {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	wan, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "198.51.100.0/24", LoggerFactory: quiet})
	check(err)
	if drop != nil {
		wan.AddChunkFilter(func(c vnet.Chunk) bool { return !drop(c) })
	}
	host := func(r *vnet.Router, ip string) *vnet.Net {
		h, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		check(err)
		check(r.AddNet(h))
		return h
	}
	lan := func(cidr, outside, ip string) *vnet.Net {
		r, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: cidr, StaticIPs: []string{outside}, NATType: nat, LoggerFactory: quiet})
		check(err)
		h := host(r, ip)
		check(wan.AddRouter(r))
		return h
	}
	server := host(wan, stunAddress)
	n := &network{}
	if nat == nil {
		n.a, n.b = host(wan, "198.51.100.2"), host(wan, "198.51.100.3")
	} else {
		n.a, n.b = lan("10.1.0.0/24", "198.51.100.11", "10.1.0.2"), lan("10.2.0.0/24", "198.51.100.12", "10.2.0.2")
	}
	check(wan.Start())
	first, second := serveSTUN(t, server, stunAddress+":3478", seen), serveSTUN(t, server, stunAddress+":3479", seen)
	n.stop = func() {
		first()
		second()
		if err := wan.Stop(); err != nil {
			t.Error(err)
		}
	}
	return n
}

// serveSTUN answers Binding requests (RFC 8489 section 12), and tells of them, until the function that it returns is called.
func serveSTUN(t testing.TB, n *vnet.Net, address string, seen func(protocol.Sighting)) (stop func()) {
	t.Helper()
	conn, err := n.ListenPacket("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buf := make([]byte, 1500)
		for {
			size, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			request := &stun.Message{Raw: append([]byte(nil), buf[:size]...)}
			if request.Decode() != nil || request.Type != stun.BindingRequest {
				continue
			}
			source := from.(*net.UDPAddr)
			response, err := stun.Build(request, stun.BindingSuccess, &stun.XORMappedAddress{IP: source.IP, Port: source.Port}, stun.Fingerprint)
			if err == nil {
				_, err = conn.WriteTo(response.Raw, from)
			}
			if err != nil && !errors.Is(err, net.ErrClosed) {
				t.Error(err)
			}
			seen(protocol.Sighting{Source: source.String(), Local: address, Transport: "udp", Kind: "binding", Answered: true, Requests: 1})
		}
	})
	return func() { _ = conn.Close(); serving.Wait() }
}

// Who asks for fewer snapshots is sent fewer, and the last of them all the same.
func TestSnapshotsNoMoreOftenThanAskedFor(t *testing.T) {
	w := newWorld(t, session.Config{})
	slow := protocol.Hello{Kind: protocol.KindWatcher, Live: true, SnapshotEveryMs: 200}
	began := time.Now()
	seldom, a := w.join(slow), w.join(browser)
	for range 20 {
		a.sync()
	}
	n := len(w.events())
	seldom.wait("the last snapshot", func(m protocol.ServerMessage) bool { return m.Snapshot != nil && m.Snapshot.Events >= n })
	often, few := len(a.all(snapshot)), len(seldom.all(snapshot))
	if most := int(time.Since(began)/(200*time.Millisecond)) + 1; few > most || few >= often {
		t.Errorf("%d snapshots at the most were asked for, %d came; the others got %d", most, few, often)
	}
}
