package stunsrv

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"runtime"
	"sync/atomic"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// floodSources is how many sources a flood forges.
const floodSources = 1 << 20

// TestFloodOfSources: a million sources take no more memory than a book has, whatever becomes of their sightings, and the receiver is told of at most maxSightings at a time.
func TestFloodOfSources(t *testing.T) {
	told := 0
	s := newSightings(func(protocol.Sighting) { told++ })
	sights := make([]sight, 64)
	flood := func() {
		for i := 0; i < floodSources; i += len(sights) {
			for k := range sights {
				ip := binary.BigEndian.AppendUint32(nil, uint32(i+k)<<8)
				sights[k].seen = seen{source: netip.AddrPortFrom(netip.AddrFrom4([4]byte(ip)), uint16(i)), local: server4, kind: kindBinding, answered: true}
			}
			s.add(sights)
		}
	}
	flood() // the lists have their size
	s.flush()
	flood()
	s.flush()
	told = 0
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	flood()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 {
		t.Errorf("%d bytes more", grown)
	}
	s.flush()
	if told != maxSightings {
		t.Errorf("told of %d", told)
	}
}

// TestFloodLeavesHonestClients: garbage as fast as it can be sent, beside requests of many kinds, and each honest request is answered, over UDP and TCP.
func TestFloodLeavesHonestClients(t *testing.T) {
	var sighted atomic.Int64
	s := run(t, Config{Primary: []string{":0"}, OnSighting: func(protocol.Sighting) { sighted.Add(1) }})
	at := s.at("127.0.0.1", PrimaryPort)
	stop, stopped := make(chan struct{}), make(chan struct{})
	flooding := dialUDP(t, at)
	go func() {
		defer close(stopped)
		r := rand.New(rand.NewPCG(1, 2))
		garbage := make([]byte, 1200)
		for i := range garbage {
			garbage[i] = byte(r.Uint32())
		}
		for {
			select {
			case <-stop:
				return
			default:
			}
			garbage[0], garbage[1] = byte(r.Uint32()), byte(r.Uint32())
			_, _ = flooding.Write(garbage[:r.IntN(len(garbage))])
		}
	}()
	asked, lost := 200, 0
	for range asked {
		conn, request := dialUDP(t, at), bindingRequest(t)
		if answer, ok := ask(conn, request.Raw); ok {
			mapped(t, answer, request)
		} else {
			lost++ // the queue of a socket is finite, and honest clients ask again (RFC 8489 section 6.2.1)
		}
		conn.Close()
		tcp, request := dialTCP(t, at), bindingRequest(t)
		mapped(t, exchange(t, tcp, request.Raw), request)
		tcp.Close()
	}
	close(stop)
	<-stopped
	if lost > asked/10 {
		t.Errorf("%d of %d were lost", lost, asked)
	}
	if sighted.Load() == 0 {
		t.Error("nobody was told of")
	}
}

func ask(conn *net.UDPConn, request []byte) ([]byte, bool) {
	buf := make([]byte, 2048)
	if _, err := conn.Write(request); err != nil {
		return nil, false
	}
	n, err := conn.Read(buf)
	return buf[:n], err == nil
}
