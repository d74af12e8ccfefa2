// Package server is the only composition root: it makes the rooms below, joins them to each other, and serves them over HTTP, HTTPS and STUN.
//
// It is not the place for what a frame or a request means; that is decided in signaling, session and stunsrv.
package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/icescope/icescope/archive"
	"github.com/icescope/icescope/docs"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/session"
	"github.com/icescope/icescope/signaling"
	"github.com/icescope/icescope/stunsrv"
	"github.com/icescope/icescope/web"
)

const (
	// readHeaderTimeout: a request's head is one packet, so that who needs longer than a few retransmissions only holds a socket.
	readHeaderTimeout = 10 * time.Second
	// readTimeout is for head and body; the API takes no body.
	readTimeout = 15 * time.Second
	// writeTimeout: a recording of 10 MiB over a line of 2 Mbit/s. It does not bind WebSockets: taking one over clears the deadlines.
	writeTimeout = 60 * time.Second
	// idleTimeout is longer than a page's next click, shorter than what firewalls keep in their tables.
	idleTimeout = 2 * time.Minute
	// maxHeader: a browser's head is under 2 KiB, with others' cookies for the same host under 8.
	maxHeader = 16 << 10
	// shutdownWait is how long requests that are being answered may take to end.
	shutdownWait = 3 * time.Second
)

// Server is icescope as a process. Its life:
//
//  1. New opens every socket, or none, and makes the rooms. Clients may connect from then on; they wait in the kernel.
//  2. Serve runs hub, session, STUN and HTTP as one group: where one of them fails, all end.
//  3. When its context ends, Serve returns after all that it started has ended. The sockets are closed.
//  4. Close is for a Server that is never served.
type Server struct {
	config Config
	log    *slog.Logger
	http   []listening
	stun   *stunsrv.Server
	hub    *signaling.Hub
	talk   *session.Conductor
	kept   *archive.Store
	urls   stunURLs
	turn   *turnURLs // nil: no relay
	addrs  Addrs
	ready  atomic.Bool

	devices map[netip.Addr]string // the names of the interfaces that have the machine's addresses
	visited visited
}

// listening is an HTTP server and its socket.
type listening struct {
	net.Listener
	server *http.Server
	secure bool
	front  *front // the Listener, where secure
}

// Addrs is where a Server listens, and what people open.
type Addrs struct {
	HTTP  string   `json:"http"`
	HTTPS string   `json:"https,omitempty"`
	STUN  []string `json:"stun"` // ip:port, a wildcard resolved to the machine's addresses
	// TURN are the URLs for who opens the first of URLs; empty: there is no relay.
	TURN []string `json:"turn,omitempty"`
	// Corners are the IPs and ports of the STUN server by family; one without a secondary IP cannot tell address-dependent behaviour.
	Corners    []protocol.CornerSet `json:"corners"`
	URLs       []string             `json:"urls"`
	SecureURLs []string             `json:"secureUrls,omitempty"`
}

// New listens. An error says what could not be done and what to try.
func New(config Config) (_ *Server, err error) {
	if err := config.validate(); err != nil {
		return nil, err
	}
	s := &Server{config: config, log: config.Logger}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.kept, err = archive.Open(archive.Config{Dir: config.Data, KeepFor: config.KeepFor, KeepBytes: config.KeepBytes, Version: config.Version, Logger: config.Logger}); err != nil {
		return nil, err
	}
	machine, devices, err := machineAddrs()
	if err != nil {
		return nil, fmt.Errorf("reading this machine's addresses: %w", err)
	}
	metrics := newMetrics(config.Version, func() signaling.Stats { return s.hub.Stats() }, func() stunsrv.TURNStats { return s.stun.TURNStats() })
	if err := s.listenSTUN(metrics); err != nil {
		return nil, err
	}
	s.devices, s.visited.own = devices, machine
	s.urls = stunURLs{advertise: config.Advertise, bound: boundTo(config.STUN), ports: s.stunPorts(), machine: machine, corners: s.stun.Corners}
	var relayServers func(string, netip.Addr, string, protocol.TrialKind) []protocol.ICEServer
	if !config.NoTURN {
		s.turn = &turnURLs{stun: s.urls, credentials: s.stun.TURNCredentials, trusted: config.TLSCert != ""}
		relayServers = func(host string, local netip.Addr, room string, kind protocol.TrialKind) []protocol.ICEServer {
			return s.turn.servers(host, local, room, kind) // the port of TLS is known later
		}
	}
	s.talk = session.New(session.Config{
		STUN: countedChecks{s.stun, metrics}, RelayServers: relayServers, ICEServers: s.urls.servers, DirectChecks: !config.NoDirectCheck, NATChecks: !config.NoNATCheck,
		Version: config.Version, Logger: s.log, STUNAddrs: s.stunAddrs, Prefixes: s.prefixes(), Corners: s.stun.Corners, FreshPort: s.freshPort, Archive: s.kept,
	})
	s.hub = signaling.New(signaling.Config{Handler: s.talk, OpenRooms: config.OpenRooms, Version: config.Version, Logger: s.log})
	handler, err := s.routes(metrics)
	if err != nil {
		return nil, err
	}
	if err := s.listenHTTP(handler, machine); err != nil {
		return nil, err
	}
	s.addrs = s.addresses(machine)
	return s, nil
}

// Addrs is where the server listens; ports that were asked for as 0 are resolved.
func (s *Server) Addrs() Addrs { return s.addrs }

// Serve runs until ctx ends or a part fails, and returns when all parts have ended. Call it once.
func (s *Server) Serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.hub.Run(ctx) })
	group.Go(func() error { return s.stun.Serve(ctx) })
	for _, l := range s.http {
		group.Go(func() error { return l.serve(ctx) })
	}
	// The session ends last: until then the others tell it what they saw, and who left.
	talking, hush := context.WithCancel(context.WithoutCancel(ctx))
	defer hush()
	talked := make(chan error, 1)
	go func() { talked <- s.talk.Run(talking) }()
	// The archive ends after it: rooms that end are kept.
	keeping, shut := context.WithCancel(context.WithoutCancel(ctx))
	defer shut()
	closed := make(chan error, 1)
	go func() { closed <- s.kept.Run(keeping) }()

	s.ready.Store(true)
	unready := context.AfterFunc(ctx, func() { s.ready.Store(false) })
	defer unready()
	err := group.Wait()
	hush()
	err = errors.Join(err, <-talked)
	shut()
	return errors.Join(err, <-closed)
}

// Close closes all sockets. Serve does it by itself.
func (s *Server) Close() {
	for _, l := range s.http {
		l.Close()
	}
	if s.stun != nil {
		s.stun.Close()
	}
	if s.kept != nil {
		s.kept.Close()
	}
}

// listenSTUN comes first: the session sends its checks from there. What it sees it tells to the session, which is there before anything is served.
func (s *Server) listenSTUN(metrics *metrics) (err error) {
	config, err := s.config.stun()
	if err != nil {
		return err
	}
	config.OnSighting = func(seen protocol.Sighting) {
		metrics.sighting(seen)
		s.talk.Sighting(seen)
	}
	s.stun, err = stunsrv.Listen(config)
	return err
}

func (s *Server) listenHTTP(handler http.Handler, machine []netip.Addr) error {
	server := func() *http.Server {
		return &http.Server{
			Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
			MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug), // clients' faults: scanners, refused certificates
			ConnState: s.visited.connected,
		}
	}
	plain, err := net.Listen("tcp", s.config.HTTP)
	if err != nil {
		return fmt.Errorf("HTTP: %w; try another address with --http", err)
	}
	s.http = append(s.http, listening{Listener: plain, server: server()})
	if s.config.HTTPS == "" {
		return nil
	}
	certificate, err := s.certificate(machine)
	if err != nil {
		return fmt.Errorf("HTTPS: %w", err)
	}
	secure, err := net.Listen("tcp", s.config.HTTPS)
	if err != nil {
		return fmt.Errorf(`HTTPS: %w; try another address with --https, or none with --https ""`, err)
	}
	var turn func(net.Conn)
	if s.turn != nil {
		turn = s.stun.ServeTURN
		s.turn.tlsPort = uint16(secure.Addr().(*net.TCPAddr).Port)
	}
	over, front := server(), newFront(secure, certificate, turn, s.log)
	over.TLSConfig = front.config.Clone() // http.Server sees "h2" in it, and then takes it from connections that have agreed on it
	s.http = append(s.http, listening{Listener: front, server: over, secure: true, front: front})
	return nil
}

// certificate is the operator's, or one of our own for every name that this machine may be opened by.
func (s *Server) certificate(machine []netip.Addr) (tls.Certificate, error) {
	if s.config.TLSCert != "" {
		return tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
	}
	names := []string{"localhost"}
	if host, err := os.Hostname(); err == nil && host != "" && host != "localhost" {
		names = append(names, host)
	}
	if s.config.Advertise != "" {
		names = append(names, hostOnly(s.config.Advertise))
	}
	for _, addr := range machine {
		names = append(names, addr.String())
	}
	dir := s.config.TLSDir
	if dir == "" {
		dir = certificateDir()
	}
	return selfSigned(dir, names, time.Now(), s.log)
}

func (s *Server) routes(metrics *metrics) (http.Handler, error) {
	ui, built := web.FS()
	page, err := newPage(ui, built)
	if err != nil {
		return nil, fmt.Errorf("the page in this binary cannot be read: %w", err)
	}
	documents, err := newDocuments(docs.Files, s.config.Lang)
	if err != nil {
		return nil, err
	}
	if !built {
		s.log.Warn("the page is not built into this binary; make build does it")
	}
	return routes{
		page: page, docs: documents, socket: s.hub, metrics: metrics.handler(s.log), ready: &s.ready,
		api:   &api{rooms: live{s.hub, s.talk}, info: s.info, lang: s.config.Lang},
		kept:  &kept{store: s.kept, lang: s.config.Lang, hidden: s.config.NoList, durable: s.kept.Durable(), hours: s.kept.KeepFor().Hours()},
		bring: newDiagnoser(s.config.Lang),
		draw:  newDrawer(),
	}.handler(), nil
}

// serve answers until ctx ends, then lets what is being answered end. WebSockets are the hub's: it closes them.
func (l listening) serve(ctx context.Context) error {
	ended := make(chan error, 1)
	go func() { ended <- l.server.Serve(l.Listener) }()
	if l.front != nil {
		sorted := make(chan struct{})
		go func() { defer close(sorted); l.front.run() }()
		defer func() { <-sorted }()
		defer l.front.Close()
	}
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
	defer cancel()
	if l.server.Shutdown(wait) != nil {
		_ = l.server.Close() // who has not read for so long does not get the rest
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// info answers GET /api/v1/info for the page that asks.
func (s *Server) info(r *http.Request) protocol.Info {
	i := protocol.Info{
		Name: "icescope", Version: s.config.Version, ICEServers: s.urls.servers(r.Host, localAddr(r)), Trials: s.talk.Trials(),
		OpenRooms: s.config.OpenRooms, DirectCheck: !s.config.NoDirectCheck, NATCheck: !s.config.NoNATCheck,
	}
	if s.turn != nil {
		i.TURN = s.turn.all(r.Host, localAddr(r))
	}
	for _, set := range s.stun.Corners() {
		i.Alternate = cmp.Or(i.Alternate, set.Secondary)
	}
	for _, l := range s.http {
		host := hostOnly(r.Host)
		if bound := boundAddr(l.Addr()); l.secure {
			if bound.IsValid() && !bound.IsUnspecified() {
				host = bound.String()
			}
			i.HTTPSURL = pageURL(l, host)
		}
	}
	i.Links = s.links()
	return i
}

// localAddr is this machine's end of the request's connection.
func localAddr(r *http.Request) netip.Addr {
	at, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return at.AddrPort().Addr().Unmap().WithZone("")
}

func (s *Server) addresses(machine []netip.Addr) Addrs {
	a := Addrs{STUN: s.stunAddrs(), Corners: s.stun.Corners()}
	for _, l := range s.http {
		if l.secure {
			a.HTTPS = l.Addr().String()
		} else {
			a.HTTP = l.Addr().String()
		}
	}
	for _, link := range s.links() {
		if link.URL != "" {
			a.URLs = append(a.URLs, link.URL)
		}
		if link.SecureURL != "" {
			a.SecureURLs = append(a.SecureURLs, link.SecureURL)
		}
	}
	if s.turn != nil {
		host := ""
		if addrs := reachable(boundAddr(s.http[0].Addr()), machine); len(addrs) > 0 {
			host = addrs[0].String()
		}
		a.TURN = s.turn.all(net.JoinHostPort(host, ""), netip.Addr{})
	}
	return a
}

func pageURL(l listening, host string) string {
	scheme := "http"
	if l.secure {
		scheme = "https"
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return ""
	}
	return scheme + "://" + net.JoinHostPort(host, port) + "/"
}

// stunAddrs are where peers find the STUN server: without loopback, unless there is nothing else.
func (s *Server) stunAddrs() []string {
	var out, loopback []string
	for _, a := range s.stun.Addrs() {
		if a.Addr().IsLoopback() {
			loopback = append(loopback, a.String())
		} else {
			out = append(out, a.String())
		}
	}
	if len(out) == 0 {
		return loopback
	}
	return out
}

func (s *Server) stunPorts() []uint16 {
	return []uint16{s.stun.Port(stunsrv.PrimaryPort), s.stun.Port(stunsrv.AlternatePort)}
}

func (s *Server) prefixes() []string {
	var out []string
	for _, p := range s.stun.Prefixes() {
		out = append(out, p.String())
	}
	return out
}

// boundTo are the addresses that listeners are bound to; none where one of them is bound to all.
func boundTo(listen []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range listen {
		addr, err := netip.ParseAddr(hostOnly(text))
		if err != nil || addr.IsUnspecified() {
			return nil
		}
		out = append(out, addr)
	}
	return out
}

// live joins hub and session to what the API asks of rooms.
type live struct {
	*signaling.Hub
	talk *session.Conductor
}

// Has tells whether a room is open.
func (l live) Has(code string) bool {
	_, ok := l.Room(code)
	return ok
}

// Report is the report of a room that is open.
func (l live) Report(code string, lang protocol.Lang) (protocol.Report, bool) {
	room, ok := l.Room(code)
	if !ok {
		return protocol.Report{}, false
	}
	return l.talk.Report(room, lang), true
}

// Recording is the recording of a room that is open.
func (l live) Recording(code string) ([]protocol.Event, bool) {
	room, ok := l.Room(code)
	if !ok {
		return nil, false
	}
	return l.talk.Recording(room), true
}
