package e2e

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v3"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/vnet"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/server"
)

const (
	manyRooms = 100
	// natRooms of them stand behind two NATs of vnet, where the addresses that the peers know of themselves lead nowhere.
	natRooms = 20
	// manyPatience is for all of them, on two cores that have other work, too.
	manyPatience = 5 * time.Minute
	// wanSTUN is this server as the networks of vnet see it.
	wanSTUN = "198.51.100.1"
)

// TestManyRooms has two headless peers in each of a hundred rooms at once, on loopback or behind NATs that are played, against whole servers: every room's verdict is right,
// and nothing is left at the end.
func TestManyRooms(t *testing.T) {
	if testing.Short() {
		t.Skip("a hundred rooms take a minute")
	}
	if load := loadAverage(); load > maxLoad*float64(runtime.NumCPU()) && os.Getenv("CI") != "true" {
		t.Skipf("the load of this machine is %.0f: what others take from both ends is no property of a network, so this is not tested", load)
	}
	before := runtime.NumGoroutine()
	began := time.Now()
	most := watchMemory()
	ctx, cancel := context.WithTimeout(t.Context(), manyPatience)
	defer cancel()
	var rooms sync.WaitGroup
	all := make([]roomResult, manyRooms)
	flat, wan := serveMany(t, ""), serveMany(t, wanSTUN)
	for i := range all {
		rooms.Go(func() {
			if i < natRooms {
				all[i] = behindNATs(ctx, fmt.Sprintf("%s/r/nat%d", wan.url, i), wan.port)
			} else {
				all[i] = meet(ctx, fmt.Sprintf("%s/r/flat%d", flat.url, i), nil, nil)
			}
		})
	}
	rooms.Wait()
	took := time.Since(began)
	flat.stop()
	wan.stop()

	var slowest time.Duration
	needs := map[protocol.Needs]int{}
	for i, r := range all {
		want := protocol.NeedsNothing
		if i < natRooms {
			want = protocol.NeedsSTUN
		}
		slowest = max(slowest, r.took)
		if r.err != nil {
			t.Errorf("room %d: %v", i, r.err)
			continue
		}
		for _, v := range []protocol.Report{r.a, r.b} {
			needs[v.Verdict.Needs]++
			if v.Verdict.Needs != want || !v.Verdict.Final {
				t.Errorf("room %d: needs %s, final %t, want %s: %s", i, v.Verdict.Needs, v.Verdict.Final, want, outcomesOf(v))
			}
		}
	}
	t.Logf("%d rooms, %d peers: all were done after %v, the slowest room took %v; %d MiB of heap and %d goroutines at the most; verdicts %v", manyRooms, 2*manyRooms, took.Round(time.Millisecond),
		slowest.Round(time.Millisecond), most.stop()>>20, most.goroutines, needs)
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; runtime.Gosched() {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
	}
}

// maxLoad is how many programs may want a processor, for each that there is, before a hundred rooms say more of the machine than of themselves.
const maxLoad = 4

// loadAverage is the kernel's, of the last minute; 0: it does not say.
func loadAverage() (load float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	_, _ = fmt.Sscan(string(text), &load)
	return load
}

type roomResult struct {
	a, b protocol.Report
	took time.Duration
	err  error
}

func outcomesOf(r protocol.Report) string {
	var all []string
	for _, t := range r.Trials {
		all = append(all, fmt.Sprintf("%s %s %s", t.ID, t.Outcome, t.Reason))
	}
	return strings.Join(all, ", ")
}

// meet runs both peers of a room until its verdict is final, and all its trials are over.
func meet(ctx context.Context, url string, netA, netB transport.Net) (r roomResult) {
	began := time.Now()
	errs := make([]error, 2)
	reports := make([]protocol.Report, 2)
	joined := make(chan struct{})
	var ends sync.WaitGroup
	for i, n := range []transport.Net{netA, netB} {
		ends.Go(func() {
			if i == 1 { // so that each is who it is
				select {
				case <-joined:
				case <-ctx.Done():
					return
				}
			}
			first := sync.OnceFunc(func() {
				if i == 0 {
					close(joined)
				}
			})
			result, err := peer.Run(ctx, peer.Config{URL: url, Net: n, IncludeLoopback: n == nil, OneShot: true, Version: "test", Progress: func(protocol.Report) { first() }})
			first() // where it was not let in
			errs[i], reports[i] = err, result.Report
		})
	}
	ends.Wait()
	r.a, r.b, r.err, r.took = reports[0], reports[1], errors.Join(append(errs, ctx.Err())...), time.Since(began)
	return r
}

// served is one whole server.
type served struct {
	url  string
	port int // of STUN
	stop func()
}

// serveMany starts a server on free ports of loopback; advertise is what it calls itself in the URLs of its STUN.
func serveMany(t *testing.T, advertise string) served {
	t.Helper()
	s, err := server.New(server.Config{HTTP: "127.0.0.1:0", STUN: []string{"127.0.0.1:0"}, Advertise: advertise, OpenRooms: true, Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	at := netip.MustParseAddrPort(s.Addrs().STUN[0])
	return served{url: "http://" + s.Addrs().HTTP, port: int(at.Port()), stop: stop}
}

// behindNATs makes a network of its own for a room: each peer behind an ordinary NAT, and in the middle somebody who answers STUN as the server would.
func behindNATs(ctx context.Context, url string, stunPort int) (r roomResult) {
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	wan, err := vnet.NewRouter(&vnet.RouterConfig{CIDR: "198.51.100.0/24", LoggerFactory: quiet})
	if err != nil {
		return roomResult{err: err}
	}
	add := func(r *vnet.Router, ip string) (*vnet.Net, error) {
		n, err := vnet.NewNet(&vnet.NetConfig{StaticIPs: []string{ip}})
		if err != nil {
			return nil, err
		}
		return n, r.AddNet(n)
	}
	middle, err := add(wan, wanSTUN)
	nets := make([]*vnet.Net, 2)
	for i := range nets {
		var lan *vnet.Router
		var err2, err3 error
		lan, err2 = vnet.NewRouter(&vnet.RouterConfig{CIDR: fmt.Sprintf("10.%d.0.0/24", i+1), StaticIPs: []string{fmt.Sprintf("198.51.100.%d", 11+i)}, LoggerFactory: quiet,
			NATType: &vnet.NATType{MappingBehavior: vnet.EndpointIndependent, FilteringBehavior: vnet.EndpointAddrPortDependent}})
		if err2 == nil {
			nets[i], err2 = add(lan, fmt.Sprintf("10.%d.0.2", i+1))
			err3 = wan.AddRouter(lan)
		}
		err = errors.Join(err, err2, err3)
	}
	if err = errors.Join(err, wan.Start()); err != nil {
		return roomResult{err: err}
	}
	var answering sync.WaitGroup
	var conns []net.PacketConn
	for _, port := range []int{stunPort, stunPort + 1} {
		c, err := middle.ListenPacket("udp4", net.JoinHostPort(wanSTUN, fmt.Sprint(port)))
		if err != nil {
			continue
		}
		conns = append(conns, c)
		answering.Go(func() { answerBindings(c) })
	}
	r = meet(ctx, url, nets[0], nets[1])
	for _, c := range conns {
		r.err = errors.Join(r.err, c.Close())
	}
	answering.Wait()
	r.err = errors.Join(r.err, wan.Stop())
	return r
}

// answerBindings answers Binding requests (RFC 8489 section 12) until the socket is closed.
func answerBindings(c net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			return
		}
		m := &stun.Message{Raw: slices.Clone(buf[:n])}
		if m.Decode() != nil || m.Type != stun.BindingRequest {
			continue
		}
		at := from.(*net.UDPAddr)
		answer, err := stun.Build(stun.NewTransactionIDSetter(m.TransactionID), stun.BindingSuccess, &stun.XORMappedAddress{IP: at.IP, Port: at.Port}, stun.Fingerprint)
		if err == nil {
			_, _ = c.WriteTo(answer.Raw, from) // what is lost is asked again
		}
	}
}

// peak is the most that was used.
type peak struct {
	heap       uint64
	goroutines int
	end, ended chan struct{}
}

func watchMemory() *peak {
	m := &peak{end: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(m.ended)
		tick := time.NewTicker(500 * time.Millisecond)
		defer tick.Stop()
		for {
			var s runtime.MemStats
			runtime.ReadMemStats(&s)
			m.heap, m.goroutines = max(m.heap, s.HeapInuse), max(m.goroutines, runtime.NumGoroutine())
			select {
			case <-tick.C:
			case <-m.end:
				return
			}
		}
	}()
	return m
}

func (m *peak) stop() uint64 {
	close(m.end)
	<-m.ended
	return m.heap
}
