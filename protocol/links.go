package protocol

// PageLink is the page at one of the server's addresses.
type PageLink struct {
	Host string `json:"host"` // an IP address, or the name that the operator advertises
	// URL and SecureURL are the start page over HTTP and over HTTPS; empty: not served there.
	URL       string `json:"url,omitempty"`
	SecureURL string `json:"secureUrl,omitempty"`
	Device    string `json:"device,omitempty"` // the name of the interface, as in "eth0"
	Reach     Reach  `json:"reach"`
}

// Reach is how far an address of the server goes.
type Reach string

// The reaches.
const (
	ReachAdvertised Reach = "advertised" // the operator says so (serve --advertise)
	ReachVisited    Reach = "visited"    // another machine has come this way
	ReachNetwork    Reach = "network"    // of an interface that leads to a network
	ReachVirtual    Reach = "virtual"    // of a device for this machine's own containers or virtual machines
	ReachLoopback   Reach = "loopback"   // of this machine alone
)
