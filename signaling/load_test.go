package signaling

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// tcpHub is a hub on a TCP port of this machine.
type tcpHub struct {
	*Hub
	host string
}

func (h tcpHub) url(room string) string { return "ws://" + h.host + "/ws?room=" + room }

func listen(t testing.TB, config Config) (tcpHub, func()) {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := tcpHub{New(config), l.Addr().String()}
	ctx, cancel := context.WithCancel(context.Background())
	server := http.Server{Handler: h}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(l) })
	running.Go(func() { _ = h.Run(ctx) })
	return h, func() {
		cancel()
		_ = server.Close()
		running.Wait()
	}
}

// bare says hello and reads the welcome.
func bare(ctx context.Context, url string) (*websocket.Conn, error) {
	dialer := websocket.Dialer{WriteBufferPool: &pool, ReadBufferSize: 512}
	ws, _, err := dialer.DialContext(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	if err := ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","hello":{"kind":"headless"}}`)); err != nil {
		return ws, err
	}
	_, _, err = ws.ReadMessage()
	return ws, err
}

var pool sync.Pool

// Thousands come and go, all of a sudden, in 1,000 rooms; a pair in another room notices nothing, and nothing is left behind.
func TestManyConnectionsComeAndGo(t *testing.T) {
	conns := 10_000
	if testing.Short() || raceEnabled {
		conns = 1_000
	}
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Fatal(err)
	}
	// Both ends of a connection are in this process. Where more is refused (only root may raise the maximum), fewer connections are opened.
	more := syscall.Rlimit{Cur: max(files.Max, 24_000), Max: max(files.Max, 24_000)}
	if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more) == nil {
		files = more
	} else {
		files.Cur = files.Max
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
	}
	if room := int(min(files.Cur, 1<<20))/2 - 200; conns > room {
		t.Logf("%d connections of %d: the limit of open files is %d", room, conns, files.Cur)
		conns = room
	}
	h, stop := listen(t, Config{OpenRooms: true})
	defer stop()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	pair := func() (a, b *websocket.Conn) {
		a, err := bare(ctx, h.url("pair"))
		if err != nil {
			t.Fatal(err)
		}
		if b, err = bare(ctx, h.url("pair")); err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	a, b := pair()
	defer a.Close()
	defer b.Close()
	before := used()
	goroutines := runtime.NumGoroutine()

	// The pair talks all the while; each answer must come within a second.
	talking, enough := context.WithCancel(ctx)
	var talk sync.WaitGroup
	rounds := 0
	talk.Go(func() {
		for talking.Err() == nil {
			_ = b.SetReadDeadline(time.Now().Add(time.Second))
			if err := a.WriteMessage(websocket.TextMessage, benchFrame0); err != nil {
				t.Error(err)
				return
			}
			if _, _, err := b.ReadMessage(); err != nil {
				t.Errorf("after %d rounds: %v", rounds, err)
				return
			}
			rounds++
			select {
			case <-talking.Done():
			case <-time.After(2 * time.Millisecond): // a pace, so that the other thousands get the processor
			}
		}
	})
	defer talk.Wait()
	defer enough()

	// Sixteen open connections; ten go into each of 1,000 rooms, two peers and eight watchers.
	all := make([]*websocket.Conn, conns)
	var opening sync.WaitGroup
	for n := range 16 {
		opening.Go(func() {
			for i := n; i < conns; i += 16 {
				ws, err := bare(ctx, h.url(fmt.Sprintf("r%d", i%1000)))
				if err != nil {
					t.Errorf("connection %d: %v", i, err)
					return
				}
				all[i] = ws
			}
		})
	}
	opening.Wait()
	stats := h.Stats()
	for _, ws := range all {
		if ws != nil {
			_ = ws.NetConn().Close() // without a word
		}
	}
	if !settles(func() bool { return h.Stats().Conns == 2 }) {
		t.Errorf("%d connections are left", h.Stats().Conns)
	}
	enough()
	talk.Wait()
	if rounds == 0 {
		t.Error("the pair never talked")
	}
	if !settles(func() bool { return runtime.NumGoroutine() <= goroutines }) {
		t.Errorf("%d goroutines before, %d after", goroutines, runtime.NumGoroutine())
	}
	clear(all)
	// What may stay is the 1,000 rooms, and their members, who have 30 s to resume: under 1 KiB each.
	left := uint64(conns+1000) << 10
	if !settles(func() bool { return used() < before+left }) {
		t.Errorf("%d KiB before, %d KiB after", before>>10, used()>>10)
	}
	t.Logf("%d connections in %d rooms; %d rounds of the pair meanwhile", stats.Conns, stats.Rooms, rounds)
}

var benchFrame0 = []byte(`{"type":"candidate","candidate":{"trial":"host-1","candidate":"` + candidateLine + `"}}`)

// used is what lives on the heap. HeapInuse would count the holes between, which depend on what else the process did.
func used() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRelay is one message at a time from socket to socket over the loopback, with both ends in this process.
func BenchmarkRelay(b *testing.B) {
	h, stop := listen(b, Config{OpenRooms: true})
	defer stop()
	x, err := bare(b.Context(), h.url("r"))
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	y, err := bare(b.Context(), h.url("r"))
	if err != nil {
		b.Fatal(err)
	}
	defer y.Close()
	for _, c := range h.openConns() { // a benchmark says more in a second than a peer may
		c.frames.SetLimit(rate.Inf)
		c.bytes.SetLimit(rate.Inf)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := x.WriteMessage(websocket.TextMessage, benchFrame0); err != nil {
			b.Fatal(err)
		}
		if _, _, err := y.ReadMessage(); err != nil {
			b.Fatal(err)
		}
	}
}
