package protocol

// ComparisonSchema is the value of Comparison.Schema.
const ComparisonSchema = "icescope.comparison/v1"

// Comparison is what two reports say differently: before and after a change to the network, or two places.
type Comparison struct {
	Schema string         `json:"schema"` // ComparisonSchema
	Lang   Lang           `json:"lang"`
	Before ComparedReport `json:"before"`
	After  ComparedReport `json:"after"`
	// Tone is that of the verdict, whatever else has changed.
	Tone    ChangeTone `json:"tone"`
	Summary string     `json:"summary"` // one or two sentences in the reader's language
	// Changes by group, in the order of the groups; empty: the two say the same.
	Changes []Change `json:"changes"`
	// Unchanged are the findings that both have, as sure in one as in the other.
	Unchanged []UnchangedFinding `json:"unchanged"`
	// HTML is all of this as the page shows it, where a server answers: a fragment without script and style.
	HTML string `json:"html,omitempty"`
}

// ComparedReport is one side of a comparison, as far as its reader must know which it is.
type ComparedReport struct {
	Room        string         `json:"room"`
	GeneratedAt string         `json:"generatedAt"` // RFC 3339
	Verdict     ComparedAnswer `json:"verdict"`
	Peers       []KeptPeer     `json:"peers"`
}

// ComparedAnswer is the verdict of one side.
type ComparedAnswer struct {
	Needs      Needs      `json:"needs"`
	Cause      Code       `json:"cause" ts:"Code | ''"`
	CauseTitle string     `json:"causeTitle,omitempty"` // in the reader's language
	Confidence Confidence `json:"confidence"`
	Final      bool       `json:"final"`
}

// Change is one thing that the two reports say differently.
type Change struct {
	Group ChangeGroup `json:"group"`
	// What changed, in a word for programs: "needs", "candidate-types", "mapping", "outcome", "finding" and so on (docs/report.md).
	What  string    `json:"what"`
	Peer  string    `json:"peer,omitempty"` // its letter in the later report, or in the earlier one where it is in no later one
	Trial TrialKind `json:"trial,omitempty"`
	Code  Code      `json:"code,omitempty"` // of a finding or a cause
	// Before and After are the two values in the reader's language; empty: there was nothing.
	Before string     `json:"before"`
	After  string     `json:"after"`
	Text   string     `json:"text"` // a sentence in the reader's language
	Tone   ChangeTone `json:"tone"`
}

// UnchangedFinding is one that both reports have.
type UnchangedFinding struct {
	Code     Code     `json:"code"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Peers    []string `json:"peers"` // letters of the later report
}

// ChangeGroup is the part of a report that a change belongs to.
type ChangeGroup string

// The groups, in the order in which they are read.
const (
	ChangeVerdict    ChangeGroup = "verdict"
	ChangeMachines   ChangeGroup = "machines"
	ChangeCandidates ChangeGroup = "candidates"
	ChangeNATs       ChangeGroup = "nats"
	ChangePaths      ChangeGroup = "paths"
	ChangeFindings   ChangeGroup = "findings"
)

// ChangeTone tells a change for the better from one for the worse.
type ChangeTone string

// The tones. Other is neither, or not known to be one: what was not measured is no loss.
const (
	ToneBetter ChangeTone = "better"
	ToneWorse  ChangeTone = "worse"
	ToneOther  ChangeTone = "other"
)
