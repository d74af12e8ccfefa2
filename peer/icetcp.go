package peer

import (
	"errors"
	"net"

	"github.com/pion/logging"
	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"
	"golang.org/x/net/netutil"
)

// passiveTCP waits for ICE over TCP (RFC 6544) at one port, which is one trial's alone. Browsers only ever connect, so that two of them do not meet over TCP;
// this end is what they can connect to. The system chooses the port, and so one above 1023: Chromium takes no lower one (libwebrtc, ice_transport_internal.cc).
type passiveTCP struct {
	mux      tcpMux
	listener net.Listener
}

// tcpMux is pion's ice.TCPMux.
type tcpMux = interface {
	Close() error
	GetConnByUfrag(ufrag string, isIPv6 bool, local net.IP) (net.PacketConn, error)
	RemoveConnByUfrag(ufrag string)
}

const (
	// maxTCP is how many connections wait or live in one trial at once: the other end makes one for each of its addresses.
	maxTCP = 16
	// tcpQueue is pion's, of packets read and not yet used.
	tcpQueue = 16
)

func listenTCP(n transport.Net, family string, log logging.LeveledLogger) (*passiveTCP, error) {
	network := map[string]string{familyIPv4: "tcp4", familyIPv6: "tcp6"}[family]
	if network == "" {
		network = "tcp"
	}
	listener, err := n.ListenTCP(network, &net.TCPAddr{})
	if err != nil {
		return nil, err
	}
	limited := netutil.LimitListener(listener, maxTCP)
	return &passiveTCP{mux: webrtc.NewICETCPMux(log, limited, tcpQueue), listener: limited}, nil
}

// close ends the listening and all connections, and waits for both.
func (p *passiveTCP) close() {
	if p == nil {
		return
	}
	if err := p.mux.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		_ = p.listener.Close()
	}
}
