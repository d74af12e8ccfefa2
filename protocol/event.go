package protocol

// EventType names an event of a recording.
type EventType string

// The events. Those that a peer reported carry the body of the frame; the others are the server's own.
const (
	EventRoom           EventType = "room"           // the first event: what recorded, and when
	EventJoined         EventType = "joined"         // a peer or watcher joined
	EventDropped        EventType = "dropped"        // its WebSocket dropped
	EventResumed        EventType = "resumed"        // it came back within its 30 s
	EventLeft           EventType = "left"           // it left, or did not come back
	EventRun            EventType = "run"            // someone asked for trials
	EventStart          EventType = "start"          // a trial was started at both ends
	EventStop           EventType = "stop"           // a trial was ended by the session
	EventDescription    EventType = "description"    // a peer signaled an offer or answer
	EventCandidate      EventType = "candidate"      // a peer signaled a candidate
	EventApplied        EventType = "applied"        // the other end received and applied it, or could not
	EventState          EventType = "state"          // a state changed at a peer
	EventCandidateError EventType = "candidateError" // an icecandidateerror at a peer
	EventSample         EventType = "sample"         // what getStats said at a peer
	EventMeasurement    EventType = "measurement"    // what a peer measured
	EventEnvironment    EventType = "environment"    // what a page says of its surroundings
	EventTrialError     EventType = "trialError"     // a peer could not run a trial
	EventSighting       EventType = "sighting"       // the STUN server saw a request that it could tie to a peer
	EventCheck          EventType = "check"          // the server sent a signed connectivity check to a peer, and this came of it
	EventProbe          EventType = "probe"          // a headless peer asked something beside ICE, and this came of it
	EventPing           EventType = "ping"           // a round trip over a peer's WebSocket
	EventBroken         EventType = "broken"         // a peer sent a frame that was refused
	EventFull           EventType = "full"           // the recording reached its limit; what follows is lost
)

// Event is one line of a recording: something that was seen, never changed afterwards. The member named like Type holds the body; dropped, resumed and
// left may have none.
type Event struct {
	Seq  int       `json:"seq"`  // from 0, without gaps
	AtMs float64   `json:"atMs"` // since the room was made, by the server's monotonic clock; never decreases
	Type EventType `json:"type"`
	// Peer is the id of the peer that the event is about or came from; empty for the session's own.
	Peer           string          `json:"peer,omitempty"`
	Room           *RoomMade       `json:"room,omitempty"`
	Joined         *Joined         `json:"joined,omitempty"`
	Left           *Left           `json:"left,omitempty" ts:"optional"`
	Run            *RunMade        `json:"run,omitempty"`
	Start          *TrialStart     `json:"start,omitempty"`
	Stop           *Stop           `json:"stop,omitempty"`
	Description    *Description    `json:"description,omitempty"`
	Candidate      *Candidate      `json:"candidate,omitempty"`
	Applied        *Applied        `json:"applied,omitempty"`
	State          *State          `json:"state,omitempty"`
	CandidateError *CandidateError `json:"candidateError,omitempty"`
	Sample         *Sample         `json:"sample,omitempty"`
	Measurement    *Measurement    `json:"measurement,omitempty"`
	Environment    *Environment    `json:"environment,omitempty"`
	TrialError     *TrialError     `json:"trialError,omitempty"`
	Sighting       *Sighting       `json:"sighting,omitempty"`
	Check          *Check          `json:"check,omitempty"`
	Probe          *Probe          `json:"probe,omitempty"`
	Ping           *Ping           `json:"ping,omitempty"`
	Broken         *Error          `json:"broken,omitempty"`
}

// RoomMade is the head of a recording.
type RoomMade struct {
	Schema  string `json:"schema"` // RecordingSchema
	Room    string `json:"room"`
	Started string `json:"started"` // RFC 3339, the wall clock at AtMs 0
	Version string `json:"version"`
	// STUN are the addresses that this server answers on, as ip:port, so that a replay knows which sources are the server's own.
	STUN []string `json:"stun,omitempty"`
	// Prefixes are the on-link prefixes of the server's own interfaces (CIDR): a peer inside one of them stands in the same segment as the server.
	Prefixes []string `json:"prefixes,omitempty"`
	// ICEServers is what the trial "stun" uses.
	ICEServers []ICEServer `json:"iceServers,omitempty"`
	// Corners are the server's quadruples (RFC 5780 section 6), one a family; none where it has no second IP.
	Corners []CornerSet `json:"corners,omitempty"`
	// NATChecks tells whether the server may measure filtering.
	NATChecks bool `json:"natChecks,omitempty"`
	// Imported is there where no server recorded this: it was made of what browsers had logged by themselves. What a server would have seen is then not measured,
	// and that it is missing says nothing.
	Imported *Imported `json:"imported,omitempty"`
}

// Imported tells what a recording was made of that no server recorded.
type Imported struct {
	Sources []ImportSource `json:"sources"`
	// Notes are what these logs cannot say, and what had to be assumed of them.
	Notes []ImportNote `json:"notes"`
}

// ImportSource is one log.
type ImportSource struct {
	Peer string `json:"peer"` // whose log it is
	Kind string `json:"kind"` // "webrtc-internals", "about-webrtc" (the saved page) or "about-webrtc-report" (one connection's "Copy Report")
	Name string `json:"name"` // of the file
}

// ImportNote is a sentence of the catalog, import.note.KEY, and its arguments.
type ImportNote struct {
	Key  string            `json:"key"`
	Args map[string]string `json:"args,omitempty" ts:"Record<string, string>"`
}

// CornerSet is the two IPs and two ports of one family.
type CornerSet struct {
	Primary       string `json:"primary"` // IP
	Secondary     string `json:"secondary,omitempty"`
	PrimaryPort   int    `json:"primaryPort"`
	SecondaryPort int    `json:"secondaryPort,omitempty"`
}

// RecordingSchema is the value of RoomMade.Schema.
const RecordingSchema = "icescope.recording/v1"

// Joined tells who joined.
type Joined struct {
	Label       string      `json:"label,omitempty"`
	Kind        PeerKind    `json:"kind"`
	UserAgent   string      `json:"userAgent,omitempty"`
	HTTPAddress string      `json:"httpAddress"` // source ip:port of the WebSocket's TCP connection
	Trials      []TrialKind `json:"trials,omitempty"`
	Host        string      `json:"host,omitempty"` // the host that the page was opened with
	TLS         bool        `json:"tls,omitempty"`
	Beside      string      `json:"beside,omitempty"` // the id of the peer on whose machine it stands; empty: it is one of the two
	// Unlogged is an end of an imported recording whose own log is not there: all that is known of it is what the other end was told.
	Unlogged bool `json:"unlogged,omitempty"`
}

// Left tells why a peer is gone.
type Left struct {
	Reason string `json:"reason"` // "leave", "expired", "too-slow", "shutdown"
}

// RunMade records who asked for which trials.
type RunMade struct {
	Number      int         `json:"number"`
	Trials      []TrialKind `json:"trials"`
	SwapOfferer bool        `json:"swapOfferer,omitempty"`
	Automatic   bool        `json:"automatic,omitempty"`
	Experiment  Experiment  `json:"experiment,omitempty" ts:"Experiment | ''"`
	HoldMs      int         `json:"holdMs,omitempty"`
	// Repeat tells that the server tries again by itself what failed because the machine of an end could not keep up, or what another trial has shown to work.
	Repeat bool `json:"repeat,omitempty"`
	// Peers are the two ends, where one of them stands beside another peer; empty: the two of the room.
	Peers []string `json:"peers,omitempty"`
}

// TrialStart records a trial's beginning.
type TrialStart struct {
	Trial      TrialID     `json:"trial"`
	Offerer    string      `json:"offerer"` // peer id
	Answerer   string      `json:"answerer"`
	ICEServers []ICEServer `json:"iceServers,omitempty"`
	RelayOnly  bool        `json:"relayOnly,omitempty"`
	// Experiment is the one that the trial was made for; its outcome is not what the pair needs.
	Experiment  Experiment `json:"experiment,omitempty" ts:"Experiment | ''"`
	HoldMs      int        `json:"holdMs,omitempty"`
	UfragLength int        `json:"ufragLength,omitempty"`
	Family      string     `json:"family,omitempty"`
	// Corners, of a trial nat: the server's as of now, where a partner may have come or gone since the room was made.
	Corners []CornerSet `json:"corners,omitempty"`
}

// Sighting is one request that the STUN server saw. Event.Peer is the peer it was tied to.
type Sighting struct {
	Source    string `json:"source"`              // ip:port
	Local     string `json:"local"`               // ip:port of the socket that it came to
	Transport string `json:"transport"`           // "udp" or "tcp"
	Kind      string `json:"kind"`                // "binding", "whoami", or "check": a connectivity check that a browser sent to the server, which is not answered
	Answered  bool   `json:"answered"`            // an answer was handed to the kernel
	UserAgent string `json:"software,omitempty"`  // the SOFTWARE attribute
	TiedBy    string `json:"tiedBy,omitempty"`    // "candidate" (a signaled candidate has this very address), "username" (a check of a measurement of this peer's NAT) or "address" (same IP as the WebSocket)
	Requests  int    `json:"requests,omitempty"`  // how many requests from this source this event stands for, at least 1
	SourceTTL int    `json:"sourceTTL,omitempty"` // the IP TTL or hop limit it arrived with; 0: not known
	Username  string `json:"username,omitempty"`  // of a check: USERNAME, the asked ufrag, a colon, and the asker's (RFC 8445 section 7.2.2); the measurement's id stands for this server's own ufrag
}

// Check is a signed connectivity check (a Binding request with MESSAGE-INTEGRITY, RFC 8445 section 7.2.2) that the server sent to a peer's own address.
type Check struct {
	Trial TrialID `json:"trial"`
	// Purpose is "direct" (the direct path to an unmasked host address), "filter" (from a corner that the peer has not sent to, to the address that STUN saw), or
	// "control" (from the same corner after the peer has sent to it, to the address that this was seen to come from).
	Purpose string `json:"purpose"`
	Corner  Corner `json:"corner,omitempty"` // of filter and control: as seen from the corner that the peer asked
	From    string `json:"from"`             // ip:port of the server's socket
	To      string `json:"to"`               // ip:port
	Sent    int    `json:"sent"`             // packets
	// Result is "answered" (from To), "non-symmetric" (from another address, in Answerer), "unanswered", or "error".
	Result   string  `json:"result"`
	Answerer string  `json:"answerer,omitempty"` // the source ip:port of the answer
	Mapped   string  `json:"mapped,omitempty"`   // its XOR-MAPPED-ADDRESS
	RTTMs    float64 `json:"rttMs,omitempty"`
	Error    string  `json:"error,omitempty"`
}

// Ping is one round trip over the WebSocket.
type Ping struct {
	RTTMs float64 `json:"rttMs"`
}
