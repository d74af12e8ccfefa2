package signaling

import (
	"encoding/json"
	"errors"

	"github.com/icescope/icescope/protocol"
)

// frame is a client's frame, decoded and checked.
type frame struct {
	protocol.ClientMessage
	// body is the JSON of the candidate or description as it came, where it may be passed on as it is; empty: it is to be encoded again.
	body string
}

// decode reads one frame and checks what can be checked without a room. Where it returns an error, the frame's type and seq are set as far as known.
func decode(data []byte) (*frame, *protocol.Error) {
	if f, ok := decodePlain(data); ok {
		return f, check(&f.ClientMessage)
	}
	f := new(frame)
	if err := json.Unmarshal(data, &f.ClientMessage); err != nil {
		var typ *json.UnmarshalTypeError
		if errors.As(err, &typ) && typ.Field != "" {
			return f, refuse(protocol.ErrBadMessage, "member %s cannot be a JSON %s", typ.Field, typ.Value)
		}
		return f, refuse(protocol.ErrBadJSON, "the frame is not a JSON object: %v", err)
	}
	return f, check(&f.ClientMessage)
}

// check says what is wrong with a frame by itself.
func check(m *protocol.ClientMessage) *protocol.Error {
	if m.Seq < 0 || m.Ack < 0 {
		return refuse(protocol.ErrBadMessage, "seq %d and ack %d must not be negative", m.Seq, m.Ack)
	}
	missing := func() *protocol.Error {
		return refuse(protocol.ErrBadMessage, "a frame of type %q needs a member %q", m.Type, m.Type)
	}
	switch m.Type {
	case protocol.ClientAck, protocol.ClientLeave:
		return nil
	case protocol.ClientHello:
		if m.Hello == nil {
			return missing()
		}
		return checkHello(m.Hello)
	case protocol.ClientDescription:
		if m.Description == nil {
			return missing()
		}
		if d := m.Description; d.Kind != "offer" && d.Kind != "answer" {
			return refuse(protocol.ErrBadMessage, "description kind %.20q is neither offer nor answer", d.Kind)
		} else if d.SDP == "" {
			return refuse(protocol.ErrBadMessage, "the description has no sdp")
		}
		return checkTrial(m.Description.Trial)
	case protocol.ClientCandidate:
		if m.Candidate == nil {
			return missing()
		}
		return checkCandidate(m.Candidate)
	case protocol.ClientApplied:
		if m.Applied == nil {
			return missing()
		}
		return checkTrial(m.Applied.Trial)
	case protocol.ClientState:
		if m.State == nil {
			return missing()
		}
		return checkTrial(m.State.Trial)
	case protocol.ClientCandidateError:
		if m.CandidateError == nil {
			return missing()
		}
		return checkTrial(m.CandidateError.Trial)
	case protocol.ClientSample:
		if m.Sample == nil {
			return missing()
		}
		return checkTrial(m.Sample.Trial)
	case protocol.ClientMeasurement:
		if m.Measurement == nil {
			return missing()
		}
		return checkTrial(m.Measurement.Trial)
	case protocol.ClientTrialError:
		if m.TrialError == nil {
			return missing()
		}
		return checkTrial(m.TrialError.Trial)
	case protocol.ClientEnvironment:
		if m.Environment == nil {
			return missing()
		}
		return nil
	case protocol.ClientProbe:
		if m.Probe == nil {
			return missing()
		}
		return nil
	case protocol.ClientRun:
		if m.Run == nil {
			return missing()
		}
		if m.Run.HoldMs < 0 || m.Run.HoldMs > protocol.MaxHoldMs {
			return refuse(protocol.ErrBadMessage, "run holds for %d ms; 0 to %d can be asked for", m.Run.HoldMs, protocol.MaxHoldMs)
		}
		if n := len(m.Run.Trials); n > maxTrials {
			return refuse(protocol.ErrBadMessage, "run names %d trials; %d are the most", n, maxTrials)
		}
		return nil
	}
	return refuse(protocol.ErrUnknownType, "no frame is of type %.40q", m.Type)
}

func checkHello(h *protocol.Hello) *protocol.Error {
	switch h.Kind {
	case protocol.KindBrowser, protocol.KindHeadless, protocol.KindWatcher:
	default:
		return refuse(protocol.ErrBadMessage, "kind %.20q is none of browser, headless, watcher", h.Kind)
	}
	if h.Beside != "" && h.Kind != protocol.KindHeadless {
		return refuse(protocol.ErrBadMessage, "a %s cannot be beside another peer, only a headless one can", h.Kind)
	}
	if n := len(h.Trials); n > maxTrials {
		return refuse(protocol.ErrBadMessage, "hello names %d trials; %d are the most", n, maxTrials)
	}
	if h.Received < 0 || h.Events < 0 {
		return refuse(protocol.ErrBadMessage, "received %d and events %d must not be negative", h.Received, h.Events)
	}
	h.Label, h.UserAgent = cut(h.Label, maxLabel), cut(h.UserAgent, maxUserAgent)
	return nil
}

func checkTrial(id protocol.TrialID) *protocol.Error {
	if _, _, ok := id.Split(); !ok {
		return refuse(protocol.ErrBadMessage, "trial %.40q is not a kind, a hyphen and a number", id)
	}
	return nil
}

func checkCandidate(c *protocol.Candidate) *protocol.Error {
	if e := checkTrial(c.Trial); e != nil {
		return e
	}
	if c.Line == "" { // the end of candidates (RFC 8838 section 13)
		return nil
	}
	if _, err := protocol.ParseCandidate(c.Line); err != nil {
		return refuse(protocol.ErrBadCandidate, "%v", err)
	}
	return nil
}

// cut keeps the first n characters.
func cut(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// bodyText is the JSON of the candidate or description.
func (f *frame) bodyText() string {
	switch {
	case f.body != "":
		return f.body
	case f.Candidate != nil && f.Type == protocol.ClientCandidate:
		return string(encode(f.Candidate))
	}
	return string(encode(f.Description))
}
