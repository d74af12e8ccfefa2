package protocol

import "encoding/json"

// ClientType names a frame from a peer to the server.
type ClientType string

// The frames from a peer to the server.
const (
	ClientHello          ClientType = "hello"
	ClientDescription    ClientType = "description"
	ClientCandidate      ClientType = "candidate"
	ClientApplied        ClientType = "applied"
	ClientState          ClientType = "state"
	ClientCandidateError ClientType = "candidateError"
	ClientSample         ClientType = "sample"
	ClientMeasurement    ClientType = "measurement"
	ClientEnvironment    ClientType = "environment"
	ClientTrialError     ClientType = "trialError"
	ClientProbe          ClientType = "probe"
	ClientRun            ClientType = "run"
	ClientAck            ClientType = "ack"
	ClientLeave          ClientType = "leave"
)

// ClientMessage is a frame from a peer to the server. The member named like Type holds the body; ack and leave have none.
type ClientMessage struct {
	Type ClientType `json:"type"`
	// Seq counts this peer's frames from 1, over reconnections. A frame with a Seq that was seen before is ignored (that is what makes resuming lose
	// nothing and repeat nothing). 0: not numbered, not resent (hello, ack, sample).
	Seq int64 `json:"seq,omitempty"`
	// Ack is the highest ServerMessage.Seq that this peer has seen.
	Ack            int64           `json:"ack,omitempty"`
	Hello          *Hello          `json:"hello,omitempty"`
	Description    *Description    `json:"description,omitempty"`
	Candidate      *Candidate      `json:"candidate,omitempty"`
	Applied        *Applied        `json:"applied,omitempty"`
	State          *State          `json:"state,omitempty"`
	CandidateError *CandidateError `json:"candidateError,omitempty"`
	Sample         *Sample         `json:"sample,omitempty"`
	Measurement    *Measurement    `json:"measurement,omitempty"`
	Environment    *Environment    `json:"environment,omitempty"`
	TrialError     *TrialError     `json:"trialError,omitempty"`
	Probe          *Probe          `json:"probe,omitempty"`
	Run            *Run            `json:"run,omitempty"`
}

// MaxSnapshotEveryMs bounds what a hello may ask for: a program that shows its progress once in a second still looks alive.
const MaxSnapshotEveryMs = 1000

// Hello is the first frame on every connection.
type Hello struct {
	Label     string   `json:"label,omitempty"` // what the person calls this machine; at most 64 characters are kept
	Kind      PeerKind `json:"kind"`
	UserAgent string   `json:"userAgent,omitempty"`
	Lang      Lang     `json:"lang,omitempty"` // the language of the snapshots
	// Trials are the kinds that this peer can run. None: it only relays and looks (automation, benchmarks).
	Trials []TrialKind `json:"trials,omitempty"`
	// Live asks for snapshots and events as they come.
	Live bool `json:"live,omitempty"`
	// SnapshotEveryMs is the least time between two of them, at most MaxSnapshotEveryMs; 0: as often as the server makes them. Who draws no picture spares both ends most of the work.
	SnapshotEveryMs int `json:"snapshotEveryMs,omitempty"`
	// Beside is the id of the peer on whose machine this one stands, or "auto" for the one that comes from the same address. Only a headless peer may be
	// beside another: it takes no place in the room, and is tried against that peer's other end.
	Beside string `json:"beside,omitempty"`
	// Resume is the token of the welcome of the connection that dropped; Received the highest ServerMessage.Seq seen on it; Events the number of
	// recorded events seen.
	Resume   string `json:"resume,omitempty"`
	Received int64  `json:"received,omitempty"`
	Events   int    `json:"events,omitempty"`
}

// Description is an SDP offer or answer (RFC 8829) of one trial.
type Description struct {
	Trial TrialID `json:"trial"`
	Kind  string  `json:"kind"` // "offer" or "answer"
	SDP   string  `json:"sdp"`
	AtMs  float64 `json:"atMs,omitempty"` // since the trial began at the peer that made it
}

// Candidate is one ICE candidate as a browser's icecandidate event gives it. An empty Line is the end of candidates (RFC 8838 section 13).
type Candidate struct {
	Trial TrialID `json:"trial"`
	// Line is the candidate-attribute (RFC 8839 section 5.1), beginning with "candidate:".
	Line             string  `json:"candidate"`
	SDPMid           *string `json:"sdpMid,omitempty"`
	SDPMLineIndex    *int    `json:"sdpMLineIndex,omitempty"`
	UsernameFragment string  `json:"usernameFragment,omitempty"`
	URL              string  `json:"url,omitempty"`  // the server that it was learned from, where the browser says so
	AtMs             float64 `json:"atMs,omitempty"` // since the trial began at the peer that gathered it
	Generation       int     `json:"generation,omitempty"`
}

// Applied says what became of a description or candidate that the server relayed to this peer.
type Applied struct {
	Trial TrialID `json:"trial"`
	// Ref is the ServerMessage.Ref of the relayed frame: the number of the event that recorded it.
	Ref   int     `json:"ref"`
	OK    bool    `json:"ok"`
	Error string  `json:"error,omitempty"` // the exception's text
	AtMs  float64 `json:"atMs,omitempty"`
}

// State is a change of one of the state attributes of an RTCPeerConnection, its transports or its data channel.
type State struct {
	Trial TrialID `json:"trial"`
	// What is "gathering", "ice", "connection", "signaling", "dtls", "data", or "restart": an ICE restart (RFC 8445 section 2.4) of a trial that is held, its
	// Value "begun" or "connected".
	What  string  `json:"what"`
	Value string  `json:"value"`
	Error string  `json:"error,omitempty"` // an RTCError's detail, where there is one
	AtMs  float64 `json:"atMs,omitempty"`
}

// CandidateError is an icecandidateerror event (facts.md section 5).
type CandidateError struct {
	Trial         TrialID `json:"trial"`
	Address       string  `json:"address,omitempty"`
	Port          int     `json:"port,omitempty"`
	URL           string  `json:"url,omitempty"`
	Code          int     `json:"errorCode"`
	Text          string  `json:"errorText,omitempty"`
	HostCandidate string  `json:"hostCandidate,omitempty"`
	AtMs          float64 `json:"atMs,omitempty"`
}

// Sample is what getStats said of one trial at one moment. A peer sends one at least every 500 ms while the trial runs, and one at its end.
type Sample struct {
	Trial  TrialID           `json:"trial"`
	AtMs   float64           `json:"atMs"`
	Local  []SampleCandidate `json:"local,omitempty"`
	Remote []SampleCandidate `json:"remote,omitempty"`
	Pairs  []SamplePair      `json:"pairs,omitempty"`
	// ICEState, DTLSState and SelectedPair are of the RTCTransportStats, empty where the browser has none.
	ICEState     string `json:"iceState,omitempty"`
	DTLSState    string `json:"dtlsState,omitempty"`
	SelectedPair string `json:"selectedPair,omitempty"`
	// Counters is true where this agent counts requests (requestsSent and so on): Chromium and pion do, Firefox does not.
	Counters bool `json:"counters"`
	// LocalFingerprint and RemoteFingerprint are those of the certificates that this agent uses and was shown (RFC 8122 section 5): algorithm, space, hex pairs
	// with colons, in upper case. Empty: not known.
	LocalFingerprint  string `json:"localFingerprint,omitempty"`
	RemoteFingerprint string `json:"remoteFingerprint,omitempty"`
	DTLSRole          string `json:"dtlsRole,omitempty"` // "client", "server"; empty: not known
}

// SampleCandidate is an RTCIceCandidateStats, local or remote. ID is the stats object's id and holds within one peer's trial only.
type SampleCandidate struct {
	ID             string `json:"id"`
	Type           string `json:"type"`              // host, srflx, prflx, relay
	Protocol       string `json:"protocol"`          // udp or tcp
	Address        string `json:"address,omitempty"` // empty where the browser hides it
	Port           int    `json:"port,omitempty"`
	Priority       uint32 `json:"priority,omitempty"`
	Foundation     string `json:"foundation,omitempty"`
	URL            string `json:"url,omitempty"`
	RelatedAddress string `json:"relatedAddress,omitempty"`
	RelatedPort    int    `json:"relatedPort,omitempty"`
	TCPType        string `json:"tcpType,omitempty"`
	RelayProtocol  string `json:"relayProtocol,omitempty"`
	NetworkType    string `json:"networkType,omitempty"`
	// UsernameFragment is the agent's own ICE username fragment of this candidate (RFC 8839 section 5.4), where it says so.
	UsernameFragment string `json:"usernameFragment,omitempty"`
}

// SamplePair is an RTCIceCandidatePairStats. Absent counters are not zero counters: they are null.
type SamplePair struct {
	ID                string `json:"id"`
	Local             string `json:"local"`  // SampleCandidate.ID
	Remote            string `json:"remote"` // SampleCandidate.ID
	State             string `json:"state"`
	Nominated         bool   `json:"nominated,omitempty"`
	RequestsSent      *int64 `json:"requestsSent,omitempty"`
	RequestsReceived  *int64 `json:"requestsReceived,omitempty"`
	ResponsesSent     *int64 `json:"responsesSent,omitempty"`
	ResponsesReceived *int64 `json:"responsesReceived,omitempty"`
	NonSymmetric      *int64 `json:"nonSymmetric,omitempty"` // responses from another address than was asked; the headless peer counts them
	BytesSent         *int64 `json:"bytesSent,omitempty"`
	BytesReceived     *int64 `json:"bytesReceived,omitempty"`
	// PacketsSent and PacketsReceived count what is not STUN: DTLS, SRTP. With the bytes they tell the size of what does not arrive.
	PacketsSent     *int64   `json:"packetsSent,omitempty"`
	PacketsReceived *int64   `json:"packetsReceived,omitempty"`
	RTTMs           *float64 `json:"rttMs,omitempty"`
}

// Measurement is what one end measured over a connected trial. Each part is null until it has been measured.
type Measurement struct {
	Trial TrialID      `json:"trial"`
	AtMs  float64      `json:"atMs"`
	Data  *DataResult  `json:"data,omitempty"`
	Video *VideoResult `json:"video,omitempty"`
}

// DataResult is what the data channel did: some round trips first, then a short burst on an unordered channel without retransmission.
type DataResult struct {
	RTTMs          float64   `json:"rttMs"`    // median
	JitterMs       float64   `json:"jitterMs"` // mean absolute difference of consecutive round trips (as RFC 3550 section 6.4.1, unsmoothed)
	LossPercent    *float64  `json:"lossPercent,omitempty"`
	ThroughputKbps *float64  `json:"throughputKbps,omitempty"`
	RoundTripsMs   []float64 `json:"roundTripsMs,omitempty"` // at most 32
}

// VideoResult is what arrived of the other end's drawn canvas.
type VideoResult struct {
	FramesDecoded int     `json:"framesDecoded"`
	FirstFrameMs  float64 `json:"firstFrameMs,omitempty"` // since the trial began
	Width         int     `json:"width,omitempty"`
	Height        int     `json:"height,omitempty"`
	FPS           float64 `json:"fps,omitempty"`
}

// Environment is what the page can say of the place it runs in. A new one is sent when something of it changes.
type Environment struct {
	// PageURL is without the query.
	PageURL         string `json:"pageURL,omitempty"`
	SecureContext   *bool  `json:"secureContext,omitempty"`
	MediaDevices    *bool  `json:"mediaDevices,omitempty"`    // navigator.mediaDevices is there
	MediaPermission string `json:"mediaPermission,omitempty"` // "granted", "denied", "prompt" or "" (not known)
	WebRTC          *bool  `json:"webRTC,omitempty"`          // RTCPeerConnection is there and its constructor works
	Error           string `json:"error,omitempty"`
	// Proxy is what stood in the Via or Forwarded header of the page's own requests: an HTTP proxy is between. Empty: none was seen.
	Proxy string `json:"proxy,omitempty"`
	// Interfaces are the machine's own, as a headless peer sees them.
	Interfaces []Interface `json:"interfaces,omitempty" ts:"optional"`
}

// Interface is a network interface that is up.
type Interface struct {
	Name      string   `json:"name"`
	MTU       int      `json:"mtu"`       // bytes
	Addresses []string `json:"addresses"` // CIDR
	// Default: the default route of a family leaves here.
	Default bool `json:"default,omitempty"`
	// PointToPoint is how tunnels look.
	PointToPoint bool `json:"pointToPoint,omitempty"`
}

// Probe is one question that a headless peer asked beside ICE, and whether its answer came. No browser can ask it.
type Probe struct {
	// What is "binding-udp", "binding-tcp" (STUN to this server), "whoami-udp", "whoami-tcp" (plain words to the same port), or "size" (a connectivity check made Size bytes
	// long, over the pair that the trial has connected).
	What     string  `json:"what"`
	Trial    TrialID `json:"trial,omitempty"`
	From     string  `json:"from,omitempty"` // ip:port of the socket
	To       string  `json:"to"`             // ip:port
	Size     int     `json:"size,omitempty"` // bytes of UDP payload
	Sent     int     `json:"sent"`           // packets
	Answered bool    `json:"answered"`
	RTTMs    float64 `json:"rttMs,omitempty"`
	Error    string  `json:"error,omitempty"`
	AtMs     float64 `json:"atMs,omitempty"`
}

// TrialError says that this end could not run, or go on with, a trial.
type TrialError struct {
	Trial TrialID `json:"trial"`
	Step  string  `json:"step"` // "create", "offer", "answer", "data", "video", "stats"
	Error string  `json:"error"`
	Fatal bool    `json:"fatal,omitempty"`
}

// Run asks for trials to be run (again). With none named: all that are possible.
type Run struct {
	Trials []TrialKind `json:"trials,omitempty"`
	// SwapOfferer lets the other end make the offers this time.
	SwapOfferer bool `json:"swapOfferer,omitempty"`
	// ICEServers is what the user pasted, for the trial "custom": see ParseICEServers.
	ICEServers json.RawMessage `json:"iceServers,omitempty" ts:"unknown"`
	// Experiment is the one that this run is made for.
	Experiment Experiment `json:"experiment,omitempty" ts:"Experiment | ''"`
	// HoldMs keeps connected trials up for that long after they are measured, at most MaxHoldMs.
	HoldMs int `json:"holdMs,omitempty"`
}

// MaxHoldMs is ten minutes: the longest of the usual time-outs of UDP in firewalls and NATs, five minutes, twice over.
const MaxHoldMs = 10 * 60 * 1000

// ServerType names a frame from the server to a peer.
type ServerType string

// The frames from the server to a peer.
const (
	ServerWelcome     ServerType = "welcome"
	ServerError       ServerType = "error"
	ServerStart       ServerType = "start"
	ServerStop        ServerType = "stop"
	ServerDescription ServerType = "description"
	ServerCandidate   ServerType = "candidate"
	ServerSnapshot    ServerType = "snapshot"
	ServerEvents      ServerType = "events"
	ServerBye         ServerType = "bye"
)

// ServerMessage is a frame from the server to a peer. The member named like Type holds the body.
type ServerMessage struct {
	Type ServerType `json:"type"`
	// Seq counts the frames that are kept for a resuming peer, from 1. 0: welcome, error, snapshot, events and bye, which are not.
	Seq int64 `json:"seq,omitempty"`
	// Ack is the highest ClientMessage.Seq that the server has processed.
	Ack int64 `json:"ack,omitempty"`
	// From is the id of the peer whose description or candidate this is; Ref the number of the event that recorded it, to be named in Applied.
	From        string       `json:"from,omitempty"`
	Ref         int          `json:"ref,omitempty"`
	Welcome     *Welcome     `json:"welcome,omitempty"`
	Error       *Error       `json:"error,omitempty"`
	Start       *Start       `json:"start,omitempty"`
	Stop        *Stop        `json:"stop,omitempty"`
	Description *Description `json:"description,omitempty"`
	Candidate   *Candidate   `json:"candidate,omitempty"`
	Snapshot    *Report      `json:"snapshot,omitempty"`
	Events      []Event      `json:"events,omitempty" ts:"optional"`
	Bye         *Bye         `json:"bye,omitempty"`
}

// Welcome answers Hello.
type Welcome struct {
	Room string `json:"room"`
	// Peer is this peer's id in the room: "a" is the first that joined, "b" the second; watchers are "w1", "w2" and so on.
	Peer string   `json:"peer"`
	Kind PeerKind `json:"kind"`
	// Resume is the secret that lets this peer come back after a dropped connection within ResumeSeconds.
	Resume        string `json:"resume"`
	ResumeSeconds int    `json:"resumeSeconds"`
	Resumed       bool   `json:"resumed,omitempty"`
	// Received is the highest ClientMessage.Seq that the server has; a resuming peer sends again what came after.
	Received int64 `json:"received"`
	// ICEServers is for the gathering that the page does alone.
	ICEServers []ICEServer `json:"iceServers,omitempty"`
	Version    string      `json:"version"`
}

// Error tells a client what was wrong. The connection goes on unless the WebSocket closes after it.
type Error struct {
	Code    ErrorCode `json:"code"`
	Message string    `json:"message"`       // what and where, in English, for a developer
	Hint    string    `json:"hint"`          // what to try
	Ref     int64     `json:"ref,omitempty"` // the ClientMessage.Seq that it is about
	Type    string    `json:"about,omitempty"`
}

// Start tells a peer to begin a trial with a new RTCPeerConnection.
type Start struct {
	Trial      TrialID     `json:"trial"`
	Role       Role        `json:"role"`
	Peer       string      `json:"peer"` // the other end's id
	ICEServers []ICEServer `json:"iceServers"`
	RelayOnly  bool        `json:"relayOnly,omitempty"`
	SampleMs   int         `json:"sampleMs"` // how often to send a sample
	RoundTrips int         `json:"roundTrips"`
	BurstMs    int         `json:"burstMs"`
	VideoMs    int         `json:"videoMs"`
	// HoldMs keeps the connection up after the measuring, until the server says stop: the peer goes on to sample and to report states. When its connection is
	// disconnected or failed, the offerer restarts ICE, and again every RestartMs while it is down: a new offer of the same trial, and its answer.
	HoldMs    int `json:"holdMs,omitempty"`
	RestartMs int `json:"restartMs,omitempty"`
	// UfragLength asks for username fragments of that many characters (RFC 8839 section 5.4: at most 256; two of 253 are what USERNAME of a check has room for), which makes connectivity checks long.
	UfragLength int `json:"ufragLength,omitempty"`
	// Family is "ipv4" or "ipv6": candidates of the other family are not signaled. Empty: both.
	Family string `json:"family,omitempty"`
}

// Stop tells a peer that a trial has ended: send the last sample, close the RTCPeerConnection.
type Stop struct {
	Trial   TrialID `json:"trial"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason"`
}

// Bye is the last frame before the server closes the connection by its own will.
type Bye struct {
	Reason string `json:"reason"` // "shutdown", "expired", "replaced", "too-slow"
	// RetryMs is how long to wait before connecting again; 0: do not.
	RetryMs int `json:"retryMs,omitempty"`
}
