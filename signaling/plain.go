package signaling

import (
	"strconv"
	"strings"

	"github.com/icescope/icescope/protocol"
)

// decodePlain reads a candidate frame as JSON.stringify and encoding/json write it: no blanks, no escapes, ASCII, known members, none twice. Candidates are
// nearly all of a hub's traffic, and this takes a tenth of encoding/json's time. Whatever is not exactly so, broken frames included, is not ok here and
// left to encoding/json; FuzzFrame holds the two together.
func decodePlain(data []byte) (f *frame, ok bool) {
	s := scanner{s: string(data)}
	f = new(frame)
	var seen members
	for s.member() {
		switch name := s.string(); {
		case seen.again(name):
			return nil, false
		case name == "type":
			s.skip(':')
			f.Type = protocol.ClientType(s.string())
			if f.Type != protocol.ClientCandidate {
				return nil, false
			}
		case name == "seq":
			s.skip(':')
			f.Seq = s.integer()
		case name == "ack":
			s.skip(':')
			f.Ack = s.integer()
		case name == "candidate":
			s.skip(':')
			from := s.i
			f.Candidate = s.candidate()
			f.body = s.s[from:s.i]
		default:
			return nil, false
		}
	}
	return f, !s.bad && s.i == len(s.s) && f.Type != "" && f.Candidate != nil
}

func (s *scanner) candidate() *protocol.Candidate {
	c := &struct { // one allocation for three
		protocol.Candidate
		mid  string
		line int
	}{}
	outer := s.inside
	s.inside = false
	var seen members
	for s.member() {
		name := s.string()
		s.skip(':')
		switch {
		case seen.again(name):
			s.bad = true
		case name == "trial":
			c.Trial = protocol.TrialID(s.string())
		case name == "candidate":
			c.Line = s.string()
		case name == "sdpMid":
			c.mid = s.string()
			c.SDPMid = &c.mid
		case name == "sdpMLineIndex":
			c.line = int(s.integer())
			c.SDPMLineIndex = &c.line
		case name == "usernameFragment":
			c.UsernameFragment = s.string()
		case name == "url":
			c.URL = s.string()
		case name == "atMs":
			c.AtMs = s.decimal()
		case name == "generation":
			c.Generation = int(s.integer())
		default:
			s.bad = true
		}
	}
	s.inside = outer
	return &c.Candidate
}

// members are the names that an object had. Eight are all that any has here.
type members [8]string

// again notes a name, and tells whether it was there before.
func (m *members) again(name string) bool {
	for i, other := range m {
		if other == name {
			return true
		}
		if other == "" {
			m[i] = name
			return false
		}
	}
	return true
}

// scanner walks over compact JSON. Once bad, it finds nothing more.
type scanner struct {
	s      string
	i      int
	inside bool // of the object that member walks: its brace was read
	bad    bool
}

// skip steps over one character.
func (s *scanner) skip(c byte) {
	if s.bad || s.i >= len(s.s) || s.s[s.i] != c {
		s.bad = true
		return
	}
	s.i++
}

// member steps to the next member's name; false: the object has ended.
func (s *scanner) member() bool {
	if s.bad || s.i >= len(s.s) {
		s.bad = true
		return false
	}
	switch c := s.s[s.i]; {
	case !s.inside && c == '{', s.inside && c == ',':
		s.inside = true
		s.i++
		return true
	case s.inside && c == '}':
		s.inside = false
		s.i++
		return false
	}
	s.bad = true
	return false
}

// string reads a string without escapes.
func (s *scanner) string() string {
	s.skip('"')
	if s.bad {
		return ""
	}
	n := strings.IndexByte(s.s[s.i:], '"')
	if n < 0 {
		s.bad = true
		return ""
	}
	text := s.s[s.i : s.i+n]
	for i := range len(text) {
		if c := text[i]; c < ' ' || c == '\\' || c >= 0x80 {
			s.bad = true
			return ""
		}
	}
	s.i += n + 1
	return text
}

// digits reads a whole number's digits (RFC 8259 section 6: no leading zero), at most 15, which every type here can hold.
func (s *scanner) digits() string {
	from := s.i
	for s.i < len(s.s) && s.s[s.i] >= '0' && s.s[s.i] <= '9' {
		s.i++
	}
	text := s.s[from:s.i]
	if text == "" || len(text) > 15 || text[0] == '0' && len(text) > 1 {
		s.bad = true
		return "0"
	}
	return text
}

func (s *scanner) integer() (n int64) {
	for _, c := range []byte(s.digits()) {
		n = n*10 + int64(c-'0')
	}
	return n
}

// decimal reads digits with a fraction, or without.
func (s *scanner) decimal() float64 {
	from := s.i
	s.digits()
	if s.i < len(s.s) && s.s[s.i] == '.' {
		s.i++
		point := s.i
		for s.i < len(s.s) && s.s[s.i] >= '0' && s.s[s.i] <= '9' {
			s.i++
		}
		s.bad = s.bad || s.i == point
	}
	if s.bad {
		return 0
	}
	f, err := strconv.ParseFloat(s.s[from:s.i], 64)
	s.bad = s.bad || err != nil
	return f
}
