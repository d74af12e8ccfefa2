package diagnosis

import (
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// Diagnosis is a verdict with all it stands on, its sentences not yet in a language.
type Diagnosis struct {
	Room     protocol.RoomMade
	Events   int     // how many events it was made from
	LastMs   float64 // AtMs of the last of them
	Run      int
	Verdict  Verdict
	Findings []Finding
	Peers    []protocol.PeerReport
	// Trials are the newest of each kind. ReasonText is left empty.
	Trials      []protocol.TrialReport
	Signaling   []protocol.SignalReport
	Experiments []Experiment
	Beside      []protocol.BesideReport
	// Expectation is nil where there are not two peers.
	Expectation *Expectation
	Between     Between
}

// Between is how the two ends stand to each other.
type Between struct {
	A, B string // the ends of the newest trial, else the first two peers; empty: nobody yet
	// SameSegment: no router between them; nil: not known. Proven where the TTLs say so, else it is a guess by the addresses.
	SameSegment *bool
	Proven      bool
	// Shared is the outside address of one NAT that both stand behind; empty: none that is known of.
	Shared string
	// VPN are the peers whose way leads into the tunnel of a VPN, by what they themselves see of their interfaces.
	VPN []string
}

// Verdict is protocol.Verdict before translation.
type Verdict struct {
	Needs       protocol.Needs
	Cause       protocol.Code
	Confidence  protocol.Confidence
	Summary     catalog.Text
	Advice      catalog.Text
	Recommended []protocol.ICEServer
	Final       bool
	Pending     []protocol.TrialKind
}

// Finding is protocol.Finding before translation.
type Finding struct {
	Code       protocol.Code
	Severity   protocol.Severity
	Confidence protocol.Confidence
	Peers      []string
	Direction  *protocol.Direction
	Trial      protocol.TrialKind
	Run        int
	Title      catalog.Text
	Summary    catalog.Text
	Evidence   []Evidence
	Remedy     catalog.Text
	Experiment catalog.Text // zero: none

	// separatedBy are the experiments that would tell this cause from those that explain as much; experiments.go says who can run them.
	separatedBy []separation
	// breaks are the ways to connect that this cause breaks, for choosing the verdict's cause.
	breaks []protocol.TrialKind
}

// Experiment is protocol.ExperimentReport before translation.
type Experiment struct {
	protocol.ExperimentReport
	Text catalog.Text
	// Trials are the kinds of trial that its run needs.
	Kinds []protocol.TrialKind
}

// Evidence is one observation and the events that hold it.
type Evidence struct {
	Text   catalog.Text
	Events []int
}

// ID tells findings apart within a room, and stays the same while evidence is added.
func (x Finding) ID() string {
	id := string(x.Code)
	for _, p := range x.Peers {
		id += ":" + p
	}
	if x.Direction != nil {
		id += ":" + x.Direction.From + ">" + x.Direction.To
	}
	if x.Trial != "" {
		id += ":" + string(protocol.NewTrialID(x.Trial, x.Run))
	}
	return id
}

// Diagnose folds a whole recording and diagnoses it.
func Diagnose(events []protocol.Event) Diagnosis {
	f := NewFold()
	for i := range events {
		f.Add(&events[i])
	}
	return f.Diagnose()
}
