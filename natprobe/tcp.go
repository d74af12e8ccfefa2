package natprobe

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/icescope/icescope/protocol"
)

// maxTCPAnswer bounds what a server may make us read.
const maxTCPAnswer = 2048

// addressTCP asks for the address over TCP (RFC 8489 section 6.2.2). It shows whether the server is there when UDP is not, and that NATs map the two apart.
func (p *probe) addressTCP(ctx context.Context) {
	t := protocol.NATTest{Step: protocol.StepAddressTCP, Transport: "tcp", Packet: binding, To: p.server.String(), Corner: protocol.CornerPP}
	began := time.Now()
	a, local, err := p.askTCP(ctx)
	if local.IsValid() {
		t.From = local.String()
	}
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		err = errors.New("refused")
	case err != nil && (ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded)):
		err = errSilent
	}
	t = outcome(t, a, time.Since(began), err)
	if t.Result == protocol.StepAnswered {
		p.mu.Lock()
		p.result.TCPAddress = t.Mapped
		p.mu.Unlock()
	}
	p.record(t)
}

func (p *probe) askTCP(ctx context.Context) (a answer, local netip.AddrPort, err error) {
	conn, err := p.network.DialTCP(ctx, p.server)
	if err != nil {
		return answer{}, local, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	local = addrPort(conn.LocalAddr())
	m, err := request()
	if err != nil {
		return answer{}, local, err
	}
	if _, err := conn.Write(m.Raw); err != nil {
		return answer{}, local, err
	}
	raw, err := readTCP(conn)
	if err != nil {
		return answer{}, local, err
	}
	a, err = parseAnswer(raw)
	if err == nil && a.id != m.TransactionID {
		err = errNotAnswer
	}
	a.from = p.server
	return a, local, err
}

// readTCP reads one message: over TCP its length stands in the header only.
func readTCP(conn net.Conn) ([]byte, error) {
	header := make([]byte, messageHeader)
	if _, err := io.ReadFull(conn, header); err != nil {
		return nil, err
	}
	n := int(binary.BigEndian.Uint16(header[2:]))
	if n > maxTCPAnswer {
		return nil, errNotAnswer
	}
	raw := append(header, make([]byte, n)...)
	_, err := io.ReadFull(conn, raw[messageHeader:])
	return raw, err
}
