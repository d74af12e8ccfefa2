package protocol

// KeptReport is one line of the list of reports that the server keeps: what tells them apart, and never the code of the room.
type KeptReport struct {
	// ID opens the report: 128 random bits, 32 hexadecimal digits.
	ID string `json:"id"`
	// Room is a name in the place of the room's code, made of the ID: who knows the code of a room could join it.
	Room       string     `json:"room"`
	StartedAt  string     `json:"startedAt"` // RFC 3339: the room was made
	EndedAt    string     `json:"endedAt"`   // the last event that was kept
	Needs      Needs      `json:"needs"`
	Cause      Code       `json:"cause" ts:"Code | ''"`
	CauseTitle string     `json:"causeTitle,omitempty"` // in the reader's language
	Confidence Confidence `json:"confidence"`
	Runs       int        `json:"runs"`
	Peers      []KeptPeer `json:"peers"`
}

// KeptPeer is one end of a kept report.
type KeptPeer struct {
	ID      string   `json:"id"`
	Label   string   `json:"label"`
	Kind    PeerKind `json:"kind"`
	Browser string   `json:"browser,omitempty"` // "Chromium 156"
}

// KeptReports answers GET /api/v1/reports.
type KeptReports struct {
	Reports []KeptReport `json:"reports"` // the newest first
	// Next is the value of "before" for the page after this one; empty: this is the last.
	Next string `json:"next,omitempty"`
	// Durable tells whether the reports outlive the server's process.
	Durable bool `json:"durable"`
	// KeepForHours is after how many hours a report is deleted; 0: never by age.
	KeepForHours float64 `json:"keepForHours"`
}

// Diagnosed answers POST /api/v1/diagnose where two reports came of the files; where one did, the answer is that report.
type Diagnosed struct {
	Reports    []Report   `json:"reports"` // the earlier one first
	Comparison Comparison `json:"comparison"`
}
