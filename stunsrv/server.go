package stunsrv

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Server is a STUN server whose sockets are open.
//
//  1. Listen binds everything, or nothing. Requests wait in the kernel.
//  2. Serve answers until its context ends; Check waits for it to begin, and ends with it. When Serve returns, the sockets are closed and no goroutine is left.
//  3. Close is for a Server that is never served.
type Server struct {
	config    Config
	log       *slog.Logger
	software  []byte
	sockets   []*socket
	listeners []*listener
	ports     [2]uint16 // by Port; 0: none
	pairs     [2]*pair  // by family; nil: one IP
	lent      [2]atomic.Pointer[pair]
	partners  partners
	whoami    whoamiLimit
	sightings *sightings
	checks    checks
	conns     conns
	fresh     freshPorts
	turn      *relayServer  // nil: none
	serving   chan struct{} // closed when the loops run
	closing   sync.Once
}

// Listen binds the addresses of config over UDP and TCP. An error says what could not be bound and what to try instead.
func Listen(config Config) (*Server, error) {
	hosts, port, err := config.places()
	if err != nil {
		return nil, err
	}
	if !havePacketInfo {
		hosts = withoutWildcards(hosts)
	}
	places, err := config.partnerPlaces(port)
	if err != nil {
		return nil, err
	}
	pairs, err := config.pairs(hosts, machineInterfaces())
	if err != nil {
		return nil, err
	}
	s := &Server{config: config, log: config.Log, pairs: pairs, serving: make(chan struct{})}
	s.sightings = newSightings(config.OnSighting)
	if config.PartnerKey != "" {
		s.partners.init(config.PartnerKey, places)
		s.sightings = newSightings(s.saw)
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if config.Software != "" {
		s.software = appendAttribute(nil, attrSoftware, []byte(config.Software))
	}
	if config.TURN != nil {
		relaying := *config.TURN
		if err := relaying.validate(); err != nil {
			return nil, err
		}
		s.turn = newRelayServer(relaying, s.log)
	}
	s.checks.init()
	s.conns.open, s.conns.crowd = make(map[*net.TCPConn]struct{}), crowd{}
	if err := s.bind(withSecondaries(hosts, pairs), port, config.AlternatePort); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// Port is the number of one of the two ports; 0: there is none.
func (s *Server) Port(p Port) uint16 { return s.ports[p] }

// Serve answers until ctx ends, and returns when every goroutine has. An error other than nil says that a socket cannot be read any more. Call it once.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, sock := range s.sockets {
		group.Go(func() error { return s.serveUDP(ctx, sock) })
	}
	for _, l := range s.listeners {
		group.Go(func() error { return s.serveTCP(ctx, l) })
	}
	group.Go(func() error { s.sightings.run(ctx); return nil })
	for _, place := range s.partners.places {
		group.Go(func() error { s.callPartner(ctx, place); return nil })
	}
	close(s.serving)
	group.Go(func() error {
		<-ctx.Done()
		s.Close()
		return nil
	})
	err := group.Wait()
	s.conns.wait()
	s.fresh.wait()
	if s.turn != nil {
		s.turn.wait()
	}
	s.sightings.flush()
	return err
}

// Close closes all sockets. Serve does it by itself.
func (s *Server) Close() {
	s.closing.Do(func() {
		for _, sock := range s.sockets {
			sock.conn.Close()
		}
		for _, l := range s.listeners {
			l.Close()
		}
		s.conns.close()
		s.fresh.closeAll()
		if s.turn != nil {
			s.turn.close()
		}
		s.checks.close()
	})
}
