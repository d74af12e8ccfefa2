package protocol

import "strconv"

// Subprotocol is the WebSocket subprotocol (RFC 6455 section 1.9) that both ends must agree on.
const Subprotocol = "icescope.v1"

// TrialKind is the experiment that a trial makes: it fixes the ICE configuration, and so what success or failure proves.
type TrialKind string

// The trials. Three of them are without a peer, see Solo: alone is what a page does by itself when it joins; gather is done beside custom, with the
// same servers, because a browser stops gathering as soon as it is connected and so hides a server that does not answer; nat is the measurement of filtering,
// in which the server itself plays the other end.
const (
	TrialAlone    TrialKind = "alone"
	TrialGather   TrialKind = "gather"
	TrialNAT      TrialKind = "nat"
	TrialHost     TrialKind = "host"
	TrialSTUN     TrialKind = "stun"
	TrialRelayUDP TrialKind = "relay-udp"
	TrialRelayTCP TrialKind = "relay-tcp"
	TrialCustom   TrialKind = "custom"
)

// Solo tells whether it is without a peer. What belongs to it is recorded and never relayed.
func (k TrialKind) Solo() bool { return k == TrialAlone || k == TrialGather || k == TrialNAT }

// Relay tells whether only relayed candidates take part.
func (k TrialKind) Relay() bool { return k == TrialRelayUDP || k == TrialRelayTCP }

// TrialID names one trial in one run of a room: its kind, a hyphen, and the number of the run, from 1. Example: "relay-udp-2".
type TrialID string

// NewTrialID joins kind and run.
func NewTrialID(kind TrialKind, run int) TrialID {
	return TrialID(string(kind) + "-" + strconv.Itoa(run))
}

// Split takes an identifier apart. ok is false where it is not of the form that NewTrialID makes.
func (id TrialID) Split() (kind TrialKind, run int, ok bool) {
	for i := len(id) - 1; i > 0; i-- {
		if id[i] == '-' {
			n, err := strconv.Atoi(string(id[i+1:]))
			return TrialKind(id[:i]), n, err == nil && n > 0
		}
	}
	return "", 0, false
}

// Kind is the first part of the identifier, or "" where it is malformed.
func (id TrialID) Kind() TrialKind {
	kind, _, ok := id.Split()
	if !ok {
		return ""
	}
	return kind
}

// Outcome is how a trial ended. Empty while it runs.
type Outcome string

// The outcomes. Stuck is a trial whose ICE connected and whose DTLS or data never did: no browser ends that by itself.
const (
	OutcomeConnected Outcome = "connected"
	OutcomeFailed    Outcome = "failed"
	OutcomeStuck     Outcome = "stuck"
	OutcomeSkipped   Outcome = "skipped"
)

// Reason says why a trial has its outcome, in one word for programs.
type Reason string

// The reasons.
const (
	ReasonMeasured     Reason = "measured"       // connected, and data and video are measured
	ReasonUnanswered   Reason = "unanswered"     // checks were sent on every pair and none was answered within the time that answers take
	ReasonNoPairs      Reason = "no-pairs"       // no pair could be formed from the candidates of both ends
	ReasonNoCandidates Reason = "no-candidates"  // an end gathered nothing
	ReasonNoSTUNAnswer Reason = "no-stun-answer" // the server's answer is still missing, and nothing else connects
	ReasonAgentFailed  Reason = "agent-failed"   // an ICE agent gave up by itself
	ReasonDTLSTimeout  Reason = "dtls-timeout"   // ICE connected, DTLS did not within its clock
	ReasonDataTimeout  Reason = "data-timeout"   // DTLS connected, the data channel did not answer within its clock
	ReasonPeerError    Reason = "peer-error"     // an end could not run the trial (its text is in the event)
	ReasonPeerLeft     Reason = "peer-left"      // an end left the room
	ReasonSuperseded   Reason = "superseded"     // run again before it had ended
	ReasonNotOffered   Reason = "not-offered"    // this server, or one of the ends, cannot run it
	ReasonNoRelay      Reason = "no-relay"       // of a relay trial: an end was given no relayed address
	ReasonHeld         Reason = "held"           // connected, measured, and kept up for as long as was asked
	ReasonPathLost     Reason = "path-lost"      // connected, and then lost without coming back
	ReasonLogged       Reason = "logged"         // of an imported recording: connected, as a browser's own log says
	ReasonCutShort     Reason = "cut-short"      // of an imported recording: closed, or the log ends, before anything was decided
)

// Experiment is a run that is made to separate causes which explain the same evidence. Its trials count for the rules and not for what the pair needs.
type Experiment string

// The experiments. The first four the session runs by itself, for the others a person must act.
const (
	ExperimentSwap     Experiment = "swap-offerer" // the other end makes the offers, so that the roles of ICE and DTLS change ends
	ExperimentPort     Experiment = "port"         // STUN from a port of this server that was never asked before
	ExperimentSize     Experiment = "size"         // connectivity checks as long as ICE allows, with username fragments of 253 characters
	ExperimentFamily   Experiment = "family"       // one IP family alone
	ExperimentReveal   Experiment = "reveal"       // the browser may show its host addresses (a permission); its run is an ordinary one
	ExperimentHeadless Experiment = "headless"     // icescope peer --beside on the browser's machine, or in its place
	ExperimentHold     Experiment = "hold"         // the connection is kept up and watched
)

// Role is which end of a trial makes the offer (RFC 3264). The offerer is the controlling ICE agent (RFC 8445 section 6.1.1).
type Role string

// The roles.
const (
	RoleOfferer  Role = "offerer"
	RoleAnswerer Role = "answerer"
)

// PeerKind tells a browser tab from the headless peer; a watcher sees everything and takes part in nothing.
type PeerKind string

// The kinds of peer.
const (
	KindBrowser  PeerKind = "browser"
	KindHeadless PeerKind = "headless"
	KindWatcher  PeerKind = "watcher"
)

// Lang is a language that icescope speaks.
type Lang string

// The languages.
const (
	English  Lang = "en"
	Japanese Lang = "ja"
)

// Needs is the verdict: the cheapest thing that this pair needs in order to connect.
type Needs string

// The verdicts, from cheap to dear. NeedsUndetermined means that what was tried does not connect and something dearer was not tried,
// or that nothing has ended yet.
const (
	NeedsNothing      Needs = "nothing"
	NeedsSTUN         Needs = "stun"
	NeedsTURNUDP      Needs = "turn-udp"
	NeedsTURNTCP      Needs = "turn-tcp"
	NeedsUnreachable  Needs = "unreachable"
	NeedsUndetermined Needs = "undetermined"
)

// Severity orders findings for the reader.
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"   // it breaks a way to connect
	SeverityWarning Severity = "warning" // it will break one sooner or later, or slows it
	SeverityInfo    Severity = "info"    // worth knowing, no fault
)

// Confidence is how sure a finding is (causes.md). Certain needs positive evidence of its own.
type Confidence string

// The confidences, from sure to unsure.
const (
	Certain  Confidence = "certain"
	Likely   Confidence = "likely"
	Possible Confidence = "possible"
)

// DirectionState is what one direction of a candidate pair did, judged from the counters of both ends.
type DirectionState string

// The states of a direction (facts.md section 2). For aToB: did b answer the requests that a sent, and did a get the answers?
const (
	DirAnswered      DirectionState = "answered"       // requests arrived, and answers came back
	DirUnanswered    DirectionState = "unanswered"     // requests were sent and none arrived, or none was answered
	DirLostOnReturn  DirectionState = "lost-on-return" // requests arrived and were answered, and no answer came back
	DirNonSymmetric  DirectionState = "non-symmetric"  // answers came back from another address than was asked (RFC 8445 section 7.2.5.2.1)
	DirNotObservable DirectionState = "not-observable" // the counters that would tell are not to be had (Firefox), or nothing was sent
)

// Behavior is a NAT's mapping or filtering behaviour in the words of RFC 4787 sections 4.1 and 5.
type Behavior string

// The behaviours. NotMeasurable is never a guess at one of the others.
const (
	EndpointIndependent     Behavior = "endpoint-independent"
	AddressDependent        Behavior = "address-dependent"
	AddressAndPortDependent Behavior = "address-and-port-dependent"
	NotMeasurable           Behavior = "not-measurable"
)

// ArrowState is what becomes of packets in one direction.
type ArrowState string

// The states of arrows.
const (
	ArrowAlive         ArrowState = "alive"
	ArrowDead          ArrowState = "dead"           // asked, and nothing came
	ArrowLostOnReturn  ArrowState = "lost-on-return" // arrived and answered, the answer never came
	ArrowNonSymmetric  ArrowState = "non-symmetric"  // the answer came from another address than was asked
	ArrowStuck         ArrowState = "stuck"          // checks are answered, and the connection is not made all the same
	ArrowNotSent       ArrowState = "not-sent"       // there was no address to send to
	ArrowNotObservable ArrowState = "not-observable" // tried, and the browsers do not tell
	ArrowMeasuring     ArrowState = "measuring"
	ArrowNotMeasured   ArrowState = "not-measured"
)
