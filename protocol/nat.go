package protocol

import "strings"

// NATSchema is the value of NATResult.Schema.
const NATSchema = "icescope.nat/v1"

// Corner is one of the four places of a STUN server (RFC 5780 section 6): primary or secondary IP, then primary or secondary port.
type Corner string

// The corners. Primary is whatever the client asks first.
const (
	CornerPP Corner = "PP"
	CornerPS Corner = "PS" // the other port
	CornerSP Corner = "SP" // the other IP
	CornerSS Corner = "SS" // both
)

// ClassicNAT is the name that RFC 3489 section 5 has for a NAT. RFC 4787 gave these names up; people have not.
type ClassicNAT string

// The names. Empty where what was measured does not tell.
const (
	ClassicOpen           ClassicNAT = "Open Internet"
	ClassicFirewall       ClassicNAT = "Symmetric UDP Firewall"
	ClassicFullCone       ClassicNAT = "Full Cone"
	ClassicRestricted     ClassicNAT = "Restricted Cone"
	ClassicPortRestricted ClassicNAT = "Port Restricted Cone"
	ClassicSymmetric      ClassicNAT = "Symmetric"
	ClassicBlocked        ClassicNAT = "UDP Blocked"
)

// Classic translates what was measured into a name of RFC 3489 (its section 10.1), or "" where that does not tell.
func Classic(translated *bool, mapping, filtering Behavior) ClassicNAT {
	switch {
	case mapping == AddressDependent || mapping == AddressAndPortDependent:
		return ClassicSymmetric
	case translated == nil:
		return ""
	case !*translated && filtering == EndpointIndependent:
		return ClassicOpen
	case !*translated && (filtering == AddressDependent || filtering == AddressAndPortDependent):
		return ClassicFirewall
	case !*translated || mapping != EndpointIndependent:
		return ""
	}
	switch filtering {
	case EndpointIndependent:
		return ClassicFullCone
	case AddressDependent:
		return ClassicRestricted
	case AddressAndPortDependent:
		return ClassicPortRestricted
	}
	return ""
}

// Callers is who may call a machine that waits at the address that STUN told it, as far as filtering decides it (RFC 4787 section 5).
type Callers string

// The callers. Empty: not known.
const (
	CallersAnyone           Callers = "anyone"            // it can wait to be called
	CallersKnownAddresses   Callers = "known-addresses"   // from addresses that it has sent to before, any port
	CallersKnownAddressPort Callers = "known-ports"       // only from the very ip:port that it has sent to: it must call
	CallersNobody           Callers = "nobody-unexpected" // its mapping is another towards each destination: whoever is called learns the right one too late
)

// CallersOf says who may call.
func CallersOf(mapping, filtering Behavior) Callers {
	switch {
	case mapping == NotMeasurable || mapping == "":
		return ""
	case filtering == EndpointIndependent && mapping == EndpointIndependent:
		return CallersAnyone
	case mapping != EndpointIndependent:
		return CallersNobody
	case filtering == AddressDependent:
		return CallersKnownAddresses
	case filtering == AddressAndPortDependent:
		return CallersKnownAddressPort
	}
	return ""
}

// Passage is whether a packet that nobody asked for comes in from a corner; for PP, which is always asked first, whether its answers do.
type Passage string

// The passages.
const (
	PassageOpen    Passage = "passes"
	PassageBlocked Passage = "blocked"
	PassageUnknown Passage = "unknown"
)

// NATCorner is what the steps say of one corner of the server.
type NATCorner struct {
	Corner   Corner  `json:"corner"`
	AddrPort string  `json:"address"` // ip:port; empty: not known
	State    Passage `json:"state"`
}

// CornersOf says of all four corners what comes in from there. A silence means "blocked" only where it was concluded what the filtering is: until a control has shown that the corner can be heard at all,
// it says nothing.
func CornersOf(filtering Behavior, tests []NATTest) []NATCorner {
	out := make([]NATCorner, 0, 4)
	for _, corner := range []Corner{CornerPP, CornerPS, CornerSP, CornerSS} {
		c := NATCorner{Corner: corner, State: PassageUnknown}
		var asked string
		for _, t := range tests {
			if t.Corner != corner || t.Transport != "udp" {
				continue
			}
			unasked := strings.HasPrefix(string(t.Step), "filter-")
			if unasked && c.AddrPort == "" {
				c.AddrPort = t.ofCorner()
			}
			if asked == "" {
				asked = t.ofCorner()
			}
			switch {
			case !unasked && corner != CornerPP: // it was asked itself, and that opens the filter
			case t.Result == StepAnswered:
				c.State = PassageOpen
			case t.Result == StepUnanswered && corner != CornerPP && filtering != NotMeasurable && c.State == PassageUnknown:
				c.State = PassageBlocked
			}
		}
		if c.AddrPort == "" {
			c.AddrPort = asked
		}
		out = append(out, c)
	}
	return out
}

// ofCorner is the corner's own ip:port: a check is sent from it, a request to it, and one whose answer is to come from elsewhere names it only when it is answered.
func (t NATTest) ofCorner() string {
	switch {
	case t.Packet == "connectivity check":
		return t.From
	case strings.Contains(t.Packet, "CHANGE-REQUEST"):
		return t.Answerer
	}
	return t.To
}

// NATStep names one step of a classification. It is the key of its lesson in the catalog (nat.step.NAME.…).
type NATStep string

// The steps, in the order of the lesson.
const (
	StepAddressUDP     NATStep = "address-udp"     // RFC 8489: which address do you see? over UDP
	StepAddressTCP     NATStep = "address-tcp"     // the same over TCP
	StepAddressRewrite NATStep = "address-rewrite" // RFC 5780 section 3.6: MAPPED-ADDRESS against XOR-MAPPED-ADDRESS
	StepMappingAddress NATStep = "mapping-address" // RFC 5780 section 4.3 test II: the other IP, the same port
	StepMappingPort    NATStep = "mapping-port"    // test III: the other IP, the other port; with one IP: the same IP, the other port
	StepFilterPort     NATStep = "filter-port"     // RFC 5780 section 4.4 test III: the other port answers
	StepFilterAddress  NATStep = "filter-address"  // erratum 7971: the other IP answers, from the same port
	StepFilterBoth     NATStep = "filter-both"     // test II: the other IP and port answer
	StepControl        NATStep = "control"         // the corner that was not heard is asked itself: silence counts only if it can be heard at all
	StepPreservation   NATStep = "preservation"    // RFC 4787 section 4.2.1
	StepContiguity     NATStep = "contiguity"      // RFC 4787 section 4.2.3
	StepHairpin        NATStep = "hairpin"         // RFC 5780 section 3.4
	StepFragments      NATStep = "fragments"       // RFC 5780 section 3.5
	StepLifetime       NATStep = "lifetime"        // RFC 5780 section 4.6
)

// StepResult is what came of a step.
type StepResult string

// The results.
const (
	StepAnswered   StepResult = "answered"
	StepUnanswered StepResult = "unanswered"
	StepRefused    StepResult = "refused" // an error response, in Error
	StepSkipped    StepResult = "skipped" // Error says why
	StepFailed     StepResult = "failed"  // it could not be carried out; Error says why
	StepRunning    StepResult = "running"
)

// NATTest is one step as it was carried out: the packet, the corner that was to answer, and the answer.
type NATTest struct {
	Step      NATStep `json:"step"`
	Transport string  `json:"transport"` // "udp" or "tcp"
	// Packet is what was sent, in the words of the standard: "Binding request", "Binding request, CHANGE-REQUEST change-ip change-port", "connectivity check".
	Packet string `json:"packet"`
	From   string `json:"from,omitempty"` // ip:port that it was sent from, where that is known
	To     string `json:"to,omitempty"`   // ip:port that it was sent to
	// Corner is the one that is to answer (or, for a check that the server sends, to ask).
	Corner   Corner     `json:"corner,omitempty"`
	Result   StepResult `json:"result"`
	Answerer string     `json:"answerer,omitempty"` // ip:port that the answer came from
	Mapped   string     `json:"mapped,omitempty"`   // ip:port that the answer (or, in a room, the server) saw the request come from
	RTTMs    float64    `json:"rttMs,omitempty"`
	Error    string     `json:"error,omitempty"`
	Title    string     `json:"title"` // the step, in the reader's language
	Text     string     `json:"text"`  // what this result means, in the reader's language
	Events   []int      `json:"events,omitempty"`
}

// NATState tells how far a classification in a room has come.
type NATState string

// The states of a classification.
const (
	NATWaiting   NATState = "waiting"   // nothing to measure with yet
	NATMeasuring NATState = "measuring" // under way
	NATDone      NATState = "done"
	NATOff       NATState = "off" // turned off at the server, or this peer cannot take part
)

// NATResult is what `icescope nat --json` writes: the classification of the machine that it runs on.
type NATResult struct {
	Schema      string `json:"schema"` // NATSchema
	Tool        Tool   `json:"tool"`
	GeneratedAt string `json:"generatedAt"` // RFC 3339
	Lang        Lang   `json:"lang"`
	Server      string `json:"server"`             // ip:port that was asked first
	Software    string `json:"software,omitempty"` // what the server calls itself
	Dialect     string `json:"dialect"`            // "RFC 8489", "RFC 5780" or "RFC 3489"; empty: it never answered
	Other       string `json:"other,omitempty"`    // OTHER-ADDRESS or CHANGED-ADDRESS
	UDPBlocked  *bool  `json:"udpBlocked"`
	Local       string `json:"local,omitempty"`      // ip:port that the first request left from
	UDPAddress  string `json:"udpAddress,omitempty"` // ip:port that the server saw
	TCPAddress  string `json:"tcpAddress,omitempty"`
	// ServerTranslated: does a NAT stand before the server? Known where RESPONSE-ORIGIN differs from the address that was asked (RFC 5780 section 7.3).
	ServerTranslated *bool     `json:"serverTranslated"`
	NAT              NATReport `json:"nat"`
	PortPreservation *bool     `json:"portPreservation"`
	Contiguity       *bool     `json:"contiguity"`
	Rewritten        *bool     `json:"rewritten"` // MAPPED-ADDRESS differs from XOR-MAPPED-ADDRESS: an ALG
	Fragments        *bool     `json:"fragments"` // does a fragmented datagram pass, in both directions?
	Lifetime         *Lifetime `json:"lifetime"`
	TookMs           float64   `json:"tookMs"`
}

// Lifetime is how long a mapping that nothing refreshes lives (RFC 4787 section 4.3), in seconds.
type Lifetime struct {
	AtLeastS float64  `json:"atLeastS"` // it still lived after this
	BelowS   *float64 `json:"belowS"`   // it was gone after this; null: it outlived the longest pause that was tried
}

// Expectation is what the NAT behaviour of two peers lets one expect of a direct connection between the addresses that STUN told them.
type Expectation struct {
	A string `json:"a"` // peer ids
	B string `json:"b"`
	// Direct: null where what is known allows both.
	Direct *bool `json:"direct"`
	// First is who has to send first: "a", "b", "either" (each can wait to be called), "both" (each must send, at about the same time); empty: not known, or nothing helps.
	First string `json:"first"`
	Text  string `json:"text"` // in the reader's language
	// Contradicted is true where the trial "stun" came out otherwise.
	Contradicted bool `json:"contradicted,omitempty"`
}
