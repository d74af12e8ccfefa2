package protocol

// ReportSchema is the value of Report.Schema. The JSON Schema of the same name stands in report/schema.json.
const ReportSchema = "icescope.report/v1"

// Report is the verdict with all it stands on: what the page draws as a snapshot, and what is exported.
type Report struct {
	Schema      string  `json:"schema"`
	Room        string  `json:"room"`
	GeneratedAt string  `json:"generatedAt"` // RFC 3339
	Lang        Lang    `json:"lang"`
	Tool        Tool    `json:"tool"`
	Redacted    bool    `json:"redacted,omitempty"`
	Events      int     `json:"events"` // how many events of the recording it was made from
	Run         int     `json:"run"`    // the number of the newest run; 0: none yet
	Verdict     Verdict `json:"verdict"`
	// Findings, the most important first. Those of an earlier run stand last.
	Findings []Finding    `json:"findings"`
	Peers    []PeerReport `json:"peers"`
	// Trials of the newest run of each kind, in the order of Needs.
	Trials []TrialReport `json:"trials"`
	// Signaling is the log: which description and candidate came when, from whom, and what became of it at the other end.
	Signaling []SignalReport `json:"signaling"`
	Server    ServerReport   `json:"server"`
	// Expectation is what the NATs of the first two peers let one expect; null: nobody to expect it of.
	Expectation *Expectation `json:"expectation"`
	// Experiments are those that would separate what is still unsure, and those that were run.
	Experiments []ExperimentReport `json:"experiments"`
	// Beside are the headless peers on the machines of others, and what came of their trials.
	Beside []BesideReport `json:"beside"`
	// Imported is there where the report was made of browsers' own logs.
	Imported *ImportReport `json:"imported,omitempty"`
	// Picture is the path between the two ends, ready to be drawn.
	Picture *Picture `json:"picture,omitempty"`
}

// ImportReport tells what a report was made of that no server recorded, and what that cannot say.
type ImportReport struct {
	Sources []ImportSource `json:"sources"`
	Notes   []string       `json:"notes"`
}

// ExperimentReport is a run that separates causes: proposed, under way, or done.
type ExperimentReport struct {
	Kind     Experiment `json:"kind"`
	Findings []Code     `json:"findings"`          // what it separates
	By       string     `json:"by"`                // "session": it runs by itself; "person": someone must act
	State    string     `json:"state"`             // "proposed", "running", "done"
	Peer     string     `json:"peer,omitempty"`    // at whose machine
	Run      int        `json:"run,omitempty"`     // the run that was made for it
	Text     string     `json:"text"`              // what to do and what it tells, in the reader's language
	Command  string     `json:"command,omitempty"` // to type on that machine
	// Trials are those of its run.
	Trials []TrialReport `json:"trials,omitempty" ts:"optional"`
}

// BesideReport is what a headless peer on a peer's machine found against the same other end.
type BesideReport struct {
	Peer   string        `json:"peer"`   // the headless one
	Beside string        `json:"beside"` // the one on whose machine it stands
	Trials []TrialReport `json:"trials"`
}

// Tool names the program that made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// ServerReport is what the server says of itself.
type ServerReport struct {
	STUN     []string `json:"stun"` // ip:port
	Prefixes []string `json:"prefixes,omitempty"`
}

// Verdict is the answer.
type Verdict struct {
	Needs Needs `json:"needs"`
	// Cause is the code of what breaks the next cheaper way; empty where nothing is needed or no cause is known.
	Cause      Code       `json:"cause" ts:"Code | ''"`
	Confidence Confidence `json:"confidence"`
	Summary    string     `json:"summary"` // one sentence in the reader's language
	// Advice is what to do now, in one or two sentences.
	Advice string `json:"advice,omitempty"`
	// RecommendedICEServers goes into new RTCPeerConnection({iceServers: …}). Empty: none is needed, or none is known to help.
	RecommendedICEServers []ICEServer `json:"recommendedIceServers"`
	// Final is true when Needs and Cause can change no more in this run.
	Final bool `json:"final"`
	// Pending are the trials of the newest run that are still out.
	Pending []TrialKind `json:"pending"`
}

// Finding is one cause, with what it stands on.
type Finding struct {
	// ID is stable within a room: code, then peers, direction and trial where they tell two findings of one code apart.
	ID         string     `json:"id"`
	Code       Code       `json:"code"`
	Title      string     `json:"title"` // the cause in a few words
	Severity   Severity   `json:"severity"`
	Confidence Confidence `json:"confidence"`
	Peers      []string   `json:"peers"`
	Direction  *Direction `json:"direction,omitempty"`
	Trial      TrialKind  `json:"trial,omitempty"`
	Run        int        `json:"run,omitempty"`
	Summary    string     `json:"summary"`
	Evidence   []Evidence `json:"evidence"`
	Remedy     string     `json:"remedy"`
	// Settings are what to type where: by product, ready to be copied, with words in capitals to fill in.
	Settings []Setting `json:"settings,omitempty" ts:"optional"`
	// SeparatingExperiment is what would tell this cause from those that explain as much.
	SeparatingExperiment string `json:"separatingExperiment,omitempty"`
}

// Setting is one line, or some, for one product.
type Setting struct {
	For  string `json:"for"`
	Text string `json:"text"`
}

// Direction is from one peer towards another.
type Direction struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Evidence is one observation in words, and the numbers of the events that hold it.
type Evidence struct {
	Text   string `json:"text"`
	Events []int  `json:"events"`
}

// PeerReport is one peer and all that is known of its place in the network.
type PeerReport struct {
	ID            string            `json:"id"`
	Label         string            `json:"label"`
	Kind          PeerKind          `json:"kind"`
	UserAgent     string            `json:"userAgent"`
	Browser       string            `json:"browser,omitempty"` // short form of the user agent: "Chromium 156"
	Online        bool              `json:"online"`
	HTTPAddress   string            `json:"httpAddress"`
	STUNAddresses []string          `json:"stunAddresses"` // sources that the STUN server saw, ip:port
	HTTPRTTMs     *float64          `json:"httpRttMs,omitempty"`
	Masked        *bool             `json:"masked"` // host addresses hidden behind .local names; null: not known
	SecureContext *bool             `json:"secureContext"`
	Permission    string            `json:"mediaPermission,omitempty"`
	Proxy         string            `json:"proxy,omitempty"` // an HTTP proxy that the page came through
	Interfaces    []Interface       `json:"interfaces,omitempty"`
	NAT           NATReport         `json:"nat"`
	Candidates    []CandidateReport `json:"candidates"`
	Errors        []ErrorReport     `json:"candidateErrors"`
}

// NATReport is the NAT between a peer and this server.
type NATReport struct {
	Translated *bool    `json:"translated"` // null: not known
	Mapping    Behavior `json:"mapping"`
	Filtering  Behavior `json:"filtering"`
	Hairpin    *bool    `json:"hairpin"`
	// RFC3489 is the old name; empty where what was measured does not tell.
	RFC3489  ClassicNAT `json:"rfc3489" ts:"ClassicNAT | ''"`
	Evidence []string   `json:"evidence"`
	State    NATState   `json:"state"`
	// Callers is who may call this machine; empty: not known.
	Callers Callers `json:"callers" ts:"Callers | ''"`
	// Summary says in the reader's language what this NAT does and what follows.
	Summary string `json:"summary"`
	// Tests are the steps in the order of the lesson.
	Tests []NATTest `json:"tests"`
	// Corners are all four places of the server, and whether a packet comes in from there.
	Corners []NATCorner `json:"corners"`
	// MeasuredMs is how long after it joined the peer was classified; null: not yet.
	MeasuredMs *float64 `json:"measuredMs"`
}

// CandidateReport is one candidate that a peer signaled, or that only its statistics know.
type CandidateReport struct {
	Trial            TrialKind `json:"trial"`
	Type             string    `json:"type"`
	Protocol         string    `json:"protocol"`
	Address          string    `json:"address"`
	Port             int       `json:"port"`
	RelatedAddress   string    `json:"relatedAddress,omitempty"`
	RelatedPort      *int      `json:"relatedPort,omitempty"`
	Foundation       string    `json:"foundation"`
	Component        int       `json:"component"`
	Priority         uint32    `json:"priority"`
	TypePreference   int       `json:"typePreference"` // RFC 8445 section 5.1.2.1: bits 24 to 31
	LocalPreference  int       `json:"localPreference"`
	URL              string    `json:"url,omitempty"`
	TCPType          string    `json:"tcpType,omitempty"`
	UsernameFragment string    `json:"usernameFragment,omitempty"`
	AtMs             float64   `json:"atMs"`
	Masked           bool      `json:"masked,omitempty"`
	Signaled         bool      `json:"signaled"`
	ReceivedByPeer   bool      `json:"receivedByPeer"`
	AppliedError     string    `json:"appliedError,omitempty"`
	Selected         bool      `json:"selected,omitempty"`
	Event            int       `json:"event"` // the event that signaled it; -1: none
}

// ErrorReport is one icecandidateerror.
type ErrorReport struct {
	Trial TrialKind `json:"trial"`
	URL   string    `json:"url,omitempty"`
	Code  int       `json:"errorCode"`
	Text  string    `json:"errorText"`
	AtMs  float64   `json:"atMs"`
	Event int       `json:"event"`
}

// TrialReport is one trial.
type TrialReport struct {
	ID      TrialID   `json:"id"`
	Kind    TrialKind `json:"kind"`
	A       string    `json:"a"` // peer id of the end called a in Pairs
	B       string    `json:"b"`
	Offerer string    `json:"offerer"`
	Outcome Outcome   `json:"outcome" ts:"Outcome | ''"` // empty while it runs
	Reason  Reason    `json:"reason" ts:"Reason | ''"`
	// ReasonText is the reason in the reader's language.
	ReasonText string `json:"reasonText,omitempty"`
	// Step is how far it came: "gather", "exchange", "check", "dtls", "data", "video", "done".
	Step         string       `json:"step"`
	StartedAtMs  float64      `json:"startedAtMs"` // since the room was made
	Clocks       Clocks       `json:"clocks"`
	SelectedPair *PairName    `json:"selectedPair"`
	Pairs        []PairReport `json:"pairs"`
	Data         *DataReport  `json:"data,omitempty"`
	Video        *VideoReport `json:"video,omitempty"`
	Error        string       `json:"error,omitempty"`
	Hold         *HoldReport  `json:"hold,omitempty"`
	// Hindered is the id of the end whose machine could not keep up while the trial failed; what failed may be the machine then.
	Hindered string `json:"hindered,omitempty"`
}

// HoldReport is what became of a connection that was kept up.
type HoldReport struct {
	HeldMs   float64 `json:"heldMs"` // since it was measured
	WantedMs float64 `json:"wantedMs"`
	// Outages are the times without a connection.
	Outages []Outage `json:"outages"`
}

// Outage is one loss of a connection.
type Outage struct {
	FromMs float64 `json:"fromMs"` // since the room was made: the first end said "disconnected"
	// LastAnswerMs is when a pair's answers or bytes grew for the last time before; null: not counted.
	LastAnswerMs *float64 `json:"lastAnswerMs"`
	BackMs       *float64 `json:"backMs"`   // both ends were connected again; null: never
	Restarts     int      `json:"restarts"` // ICE restarts that were begun
}

// Clocks are how long each step of a trial took, in milliseconds; null: not reached.
type Clocks struct {
	GatherMs *float64 `json:"gatherMs"`
	CheckMs  *float64 `json:"checkMs"`
	DTLSMs   *float64 `json:"dtlsMs"`
	TotalMs  *float64 `json:"totalMs"`
}

// PairName names a pair by its ends' addresses, a's first.
type PairName struct {
	Local  string `json:"local"`
	Remote string `json:"remote"`
}

// PairReport is one candidate pair, with the counters of both ends.
type PairReport struct {
	Local      PairEnd        `json:"local"`  // a's end
	Remote     PairEnd        `json:"remote"` // b's end
	State      string         `json:"state"`  // as a sees it, else as b does
	StateB     string         `json:"stateB,omitempty"`
	Selected   bool           `json:"selected,omitempty"`
	A          *PairCounters  `json:"a"` // null: a never showed this pair
	B          *PairCounters  `json:"b"`
	Directions PairDirections `json:"directions"`
	// Aliases are further addresses that this pair was seen under: translated on the way (peer-reflexive).
	Aliases []string `json:"aliases,omitempty"`
	Events  []int    `json:"events"` // the last samples
}

// PairEnd is one end of a pair.
type PairEnd struct {
	Address  string `json:"address"` // an IP, a .local name, or empty where it is hidden
	Port     int    `json:"port"`
	Type     string `json:"type"`
	Protocol string `json:"protocol"`
}

// PairCounters are one end's counters; null: not counted by this browser.
type PairCounters struct {
	RequestsSent      *int64   `json:"requestsSent"`
	RequestsReceived  *int64   `json:"requestsReceived"`
	ResponsesSent     *int64   `json:"responsesSent"`
	ResponsesReceived *int64   `json:"responsesReceived"`
	NonSymmetric      *int64   `json:"nonSymmetric,omitempty"`
	BytesSent         *int64   `json:"bytesSent,omitempty"`
	BytesReceived     *int64   `json:"bytesReceived,omitempty"`
	PacketsSent       *int64   `json:"packetsSent,omitempty"`
	PacketsReceived   *int64   `json:"packetsReceived,omitempty"`
	RTTMs             *float64 `json:"rttMs,omitempty"`
	State             string   `json:"state"`
}

// PairDirections judges both directions.
type PairDirections struct {
	AToB DirectionState `json:"aToB"`
	BToA DirectionState `json:"bToA"`
}

// DataReport is the data channel's result, of both ends the worse.
type DataReport struct {
	RTTMs          float64   `json:"rttMs"`
	JitterMs       float64   `json:"jitterMs"`
	LossPercent    *float64  `json:"lossPercent"`
	ThroughputKbps *float64  `json:"throughputKbps"`
	RoundTripsMs   []float64 `json:"roundTripsMs,omitempty"`
}

// VideoReport is the video's result, by receiving end.
type VideoReport struct {
	FramesDecoded int          `json:"framesDecoded"` // of both ends the fewer
	A             *VideoResult `json:"a,omitempty"`
	B             *VideoResult `json:"b,omitempty"`
}

// SignalReport is one line of the signaling log.
type SignalReport struct {
	Event     int       `json:"event"`
	AtMs      float64   `json:"atMs"`
	From      string    `json:"from"`
	To        string    `json:"to,omitempty"`
	Trial     TrialKind `json:"trial"`
	Run       int       `json:"run"`
	What      string    `json:"what"` // "offer", "answer", "candidate", "end-of-candidates"
	Text      string    `json:"text"` // the candidate line, or the size of the description
	AppliedMs *float64  `json:"appliedMs"`
	Error     string    `json:"error,omitempty"`
}

// Info answers GET /api/v1/info.
type Info struct {
	Name       string      `json:"name"`
	Version    string      `json:"version"`
	ICEServers []ICEServer `json:"iceServers"` // as this client should write them
	Trials     []TrialKind `json:"trials"`
	OpenRooms  bool        `json:"openRooms"`
	// HTTPSURL is where the same page is a secure context; empty: nowhere.
	HTTPSURL string `json:"httpsUrl,omitempty"`
	// Links are where other machines open the page, the likeliest first.
	Links       []PageLink `json:"links,omitempty"`
	DirectCheck bool       `json:"directCheck"`
	NATCheck    bool       `json:"natCheck"` // filtering is measured by checks that the server sends to a browser's own mapped address
	// Alternate is the second IP of the STUN server; empty: it has none, and what needs one is not measurable.
	Alternate string `json:"alternate,omitempty"`
	// TURN are the URLs of this server's relay as this client should write them; empty: it is turned off.
	TURN []string `json:"turn,omitempty"`
	// Proxy is the Via or Forwarded header that this request carried.
	Proxy string `json:"proxy,omitempty"`
}

// RoomCreated answers POST /api/v1/rooms.
type RoomCreated struct {
	Room string `json:"room"`
	URL  string `json:"url"`
}
