package stunsrv

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"

	"github.com/icescope/icescope/protocol"
)

// maxPartnerFrame is in bytes: room for the longest answer in base64, or some dozen sightings.
const maxPartnerFrame = 16 << 10

// partnerFrame is what partners send each other: two bytes of length, and then JSON with one of these. One with none is a sign of life.
type partnerFrame struct {
	Hello     *partnerHello       `json:"hello,omitempty"`
	Verdict   *partnerVerdict     `json:"verdict,omitempty"`
	Emit      *partnerEmit        `json:"emit,omitempty"`
	Emitted   *partnerEmitted     `json:"emitted,omitempty"`
	Arrival   *partnerArrival     `json:"arrival,omitempty"`
	Sightings []protocol.Sighting `json:"sightings,omitempty"`
}

// partnerHello is each end's first frame.
type partnerHello struct {
	Instance string `json:"instance"` // a random name of this process
	// The two ends of the connection as this side sees them. Where the other side sees others, something translates between them.
	Local  netip.Addr `json:"local"`
	Remote netip.Addr `json:"remote"`
	Ports  [2]uint16  `json:"ports"` // of STUN, primary and alternate; 0: none
}

// partnerVerdict follows it: may the two be partners? The connection is of use when both say so.
type partnerVerdict struct {
	Refused string `json:"refused,omitempty"` // why not
}

// partnerEmit asks the partner to send a datagram from a corner of its own.
type partnerEmit struct {
	From   netip.AddrPort `json:"from"`
	To     netip.AddrPort `json:"to"`
	Packet []byte         `json:"packet"`
	Ticket uint64         `json:"ticket,omitempty"` // asks for an emitted; 0: none
}

// partnerEmitted says that a datagram has been handed to the kernel, or why not.
type partnerEmitted struct {
	Ticket uint64 `json:"ticket"`
	Error  string `json:"error,omitempty"`
}

// partnerArrival is a response to a check that was sent for the partner.
type partnerArrival struct {
	Source netip.AddrPort `json:"source"`
	Local  netip.AddrPort `json:"local"`
	Packet []byte         `json:"packet"`
}

func (f *partnerFrame) encode() ([]byte, error) {
	text, err := json.Marshal(f)
	if err == nil && len(text) > maxPartnerFrame {
		err = fmt.Errorf("a frame of %d bytes, at most %d", len(text), maxPartnerFrame)
	}
	if err != nil {
		return nil, err
	}
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(text))), text...), nil
}

// readPartnerFrame reads the next frame. An error ends the connection.
func readPartnerFrame(r io.Reader) (*partnerFrame, error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint16(head[:])
	if size > maxPartnerFrame {
		return nil, fmt.Errorf("a frame of %d bytes, at most %d", size, maxPartnerFrame)
	}
	text := make([]byte, size)
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, err
	}
	f := new(partnerFrame)
	if err := json.Unmarshal(text, f); err != nil {
		return nil, fmt.Errorf("a frame that is none: %w", err)
	}
	return f, nil
}
