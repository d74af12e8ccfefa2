package peer

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/stun/v3"
)

// turnDialer connects to TURN servers over TCP and TLS for pion, which takes it for a way through a proxy and leaves all of it to us. That way the answers of
// the server are read along as they are over UDP, and a certificate that icescope serve has signed itself can be taken.
type turnDialer struct {
	ctx      context.Context // the trial's
	w        *wire
	tls      map[string]bool // "host:port" of the turns: URLs
	insecure bool
}

// dialWithin is how long a server has to take a connection: as long as one over UDP has to answer.
const dialWithin = gatherWithin

func newTURNDialer(ctx context.Context, w *wire, servers []protocol.ICEServer, insecure bool) *turnDialer {
	d := &turnDialer{ctx: ctx, w: w, tls: map[string]bool{}, insecure: insecure}
	for _, s := range servers {
		for _, u := range s.URLs {
			if uri, err := stun.ParseURI(u); err == nil && uri.Scheme == stun.SchemeTypeTURNS {
				d.tls[net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))] = true
			}
		}
	}
	return d
}

// Dial is called by pion once for each TURN URL over TCP.
func (d *turnDialer) Dial(network, address string) (net.Conn, error) {
	if host, _, err := net.SplitHostPort(address); err == nil && isIPv6(host) {
		network = "tcp6" // pion says tcp4 whatever the server's address
	}
	to, err := d.w.ResolveTCPAddr(network, address)
	if err != nil {
		return nil, err
	}
	at := endpoint{addrPort(to), true}
	ctx, cancel := context.WithTimeout(d.ctx, dialWithin)
	defer cancel()
	dialer := d.w.CreateDialer(&net.Dialer{Timeout: dialWithin, Cancel: ctx.Done()}) //nolint:staticcheck // transport.Dialer takes no context
	plain, err := dialer.Dial(network, to.String())
	if err != nil {
		return nil, d.unreachable(at, err)
	}
	if !d.tls[address] {
		return &streamConn{Conn: plain, w: d.w, server: to}, nil
	}
	host, _, _ := net.SplitHostPort(address)                                                                                 // it was joined above
	secret := tls.Client(plain, &tls.Config{ServerName: host, InsecureSkipVerify: d.insecure, MinVersion: tls.VersionTLS12}) //nolint:gosec // see Config.Insecure
	if err := secret.HandshakeContext(ctx); err != nil {
		_ = plain.Close()
		return nil, d.unreachable(at, fmt.Errorf("TLS: %w", err))
	}
	return &streamConn{Conn: secret, w: d.w, server: to}, nil
}

// onlyIPv6Relays: are there TURN servers over UDP, and is each named by an IPv6 address?
func onlyIPv6Relays(servers []protocol.ICEServer) (six bool) {
	for _, s := range servers {
		for _, u := range s.URLs {
			uri, err := stun.ParseURI(u)
			if err != nil || uri.Scheme != stun.SchemeTypeTURN || uri.Proto != stun.ProtoTypeUDP {
				continue
			}
			if !isIPv6(uri.Host) {
				return false
			}
			six = true
		}
	}
	return six
}

func isIPv6(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Is6() && !ip.Is4In6()
}

// unreachable notes why there is no connection to a server, for its candidate error.
func (d *turnDialer) unreachable(at endpoint, err error) error {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	d.w.servers[at] = &server{asked: 1, errorCode: codeUnreachable, errorText: err.Error()}
	return err
}

// streamConn reads along until the server has allocated: what comes later is data, and much of it.
type streamConn struct {
	net.Conn
	w      *wire
	server net.Addr
	came   []byte // the beginning of a message that has not come to its end
	quiet  bool   // allocated, or no longer understood
}

// turnAnswerLimit bounds a control message of a TURN server that is waited for: REALM, NONCE and SOFTWARE have up to 763 bytes each (RFC 8489 section 14).
const turnAnswerLimit = 4096

// Write is given one message at a time (RFC 8656 section 3.1).
func (c *streamConn) Write(p []byte) (int, error) {
	c.w.sent(streamSocket{c.Conn}, p, c.server)
	return c.Conn.Write(p)
}

func (c *streamConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if !c.quiet && n > 0 {
		c.came = append(c.came, p[:n]...)
		for !c.quiet {
			message, rest := nextMessage(c.came)
			if message == nil {
				c.quiet = len(c.came) > turnAnswerLimit
				break
			}
			c.came = rest
			c.w.received(message, c.server)
			c.quiet = allocated(message)
		}
		if c.quiet {
			c.came = nil
		}
	}
	return n, err
}

// nextMessage is the first whole STUN message of a stream (RFC 8489 section 6.2.2: its length is in its header), or nil. Before it has allocated, a TURN server
// sends nothing else.
func nextMessage(stream []byte) (message, rest []byte) {
	const header = 20
	if len(stream) < header {
		return nil, stream
	}
	end := header + int(stream[2])<<8 + int(stream[3])
	if len(stream) < end {
		return nil, stream
	}
	return stream[:end], stream[end:]
}

var allocateSuccess = stun.NewType(stun.MethodAllocate, stun.ClassSuccessResponse)

func allocated(message []byte) bool {
	var t stun.MessageType
	t.ReadValue(uint16(message[0])<<8 | uint16(message[1]))
	return t == allocateSuccess
}

// streamSocket lets a connection be noted as if it were a socket; nothing is ever sent on it by us.
type streamSocket struct{ net.Conn }

func (streamSocket) ReadFrom([]byte) (int, net.Addr, error)      { return 0, nil, net.ErrClosed }
func (s streamSocket) WriteTo(p []byte, _ net.Addr) (int, error) { return s.Write(p) }

var _ net.PacketConn = streamSocket{}
