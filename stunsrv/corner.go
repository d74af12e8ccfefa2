package stunsrv

// corner is one of the four places that an answer can leave from: two IPs times two ports (RFC 5780 section 6). The bits are those of the difference,
// so that here^from is what changes, and CHANGE-REQUEST asks for exactly that.
type corner uint8

const (
	pp corner = iota // primary IP, primary port
	ps               // primary IP, secondary port
	sp
	ss
	corners = 4
)

// Port chooses between the two ports of a server.
type Port uint8

// The ports.
const (
	PrimaryPort Port = iota
	AlternatePort
)
