package stunsrv

// corner is one of the four places that an answer can leave from: two IPs times two ports (RFC 5780 section 6). The bits are those of the difference,
// so that here^changeIP^changePort is what CHANGE-REQUEST will ask for. Today there is one IP per family, so sp and ss are never there.
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
