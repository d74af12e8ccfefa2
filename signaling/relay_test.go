package signaling

import (
	"strings"
	"testing"
	"testing/synctest"

	"github.com/icescope/icescope/protocol"
)

func TestRelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		v := w.dial(room)
		v.hello(protocol.KindWatcher)
		w.seen.take()

		a.candidate(1)
		if m := b.wantCandidate(1); m.Type != protocol.ServerCandidate || m.From != "a" || m.Ref != 1 || m.Seq != 1 {
			t.Errorf("relayed as %+v", m)
		}
		b.say(`{"type":"description","seq":1,"ack":1,"description":{"trial":"stun-2","kind":"answer","sdp":"v=0\r\n<&>é\u2028","atMs":1.5}}`)
		if m := a.next(); m.Description == nil || m.Description.SDP != "v=0\r\n<&>é\u2028" || m.Description.AtMs != 1.5 || m.From != "b" || m.Ack != 1 {
			t.Errorf("relayed as %s", encode(m))
		}
		a.say(`{"type":"candidate","seq":2,"candidate":{"trial":"host-1","candidate":""}}`) // the end of candidates
		if m := b.next(); m.Candidate == nil || m.Candidate.Line != "" {
			t.Errorf("relayed as %s", encode(m))
		}
		a.say(`{"type":"candidate","seq":3,"candidate":{"trial":"alone-1","candidate":"%s"}}`, candidateLine) // recorded, and nobody else's
		a.say(`{"type":"state","seq":4,"state":{"trial":"host-1","what":"ice","value":"checking"}}`)
		a.say(`{"type":"state","seq":4,"state":{"trial":"host-1","what":"ice","value":"checking"}}`) // once more
		a.wantQuiet()
		b.wantQuiet()
		v.wantQuiet()
		w.seen.want(t, "message a candidate 1", "message b description 1", "message a candidate 2", "message a candidate 3", "message a state 4")
	})
}

func TestRelayKeepsThePayloadsBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		room := w.create()
		a, b := w.join(room), w.join(room)
		for _, extension := range []string{"x #sig:00<>&'", "x é<>&"} { // the first is plain, the second goes through encoding/json
			a.say(`{"type":"candidate","candidate":{"trial":"host-1","candidate":"%s %s"}}`, candidateLine, extension)
			b.next()
			if raw := string(b.raw[len(b.raw)-1]); !strings.Contains(raw, `"`+candidateLine+" "+extension+`"`) {
				t.Errorf("%s arrived as %s", extension, raw)
			}
		}
	})
}

func TestNobodyToRelayTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, Config{})
		a := w.join(w.create())
		w.seen.take()
		a.candidate(1)
		if e := a.wantError(protocol.ErrNoPeer); e.Ref != 1 || e.Type != "candidate" {
			t.Errorf("error %+v", e)
		}
		w.seen.want(t, "message a candidate 1")
	})
}

func TestBrokenFramesDoNoHarm(t *testing.T) {
	cases := []struct {
		frame string
		code  protocol.ErrorCode
	}{
		{`{"type":"cand`, protocol.ErrBadJSON},
		{`[1]`, protocol.ErrBadJSON},
		{`"hello"`, protocol.ErrBadJSON},
		{``, protocol.ErrBadJSON},
		{`{} {}`, protocol.ErrBadJSON},
		{`null`, protocol.ErrUnknownType},
		{`{"type":"nonsense"}`, protocol.ErrUnknownType},
		{`{"type":7}`, protocol.ErrBadMessage},
		{`{"type":"candidate","seq":-1,"candidate":{"trial":"host-1","candidate":""}}`, protocol.ErrBadMessage},
		{`{"type":"candidate"}`, protocol.ErrBadMessage},
		{`{"type":"candidate","candidate":{"trial":"host","candidate":""}}`, protocol.ErrBadMessage},
		{`{"type":"candidate","candidate":{"trial":"host-0","candidate":""}}`, protocol.ErrBadMessage},
		{`{"type":"candidate","candidate":{"trial":"host-1","candidate":7}}`, protocol.ErrBadMessage},
		{`{"type":"candidate","candidate":{"trial":"host-1","candidate":"candidate:1 1 carrier-pigeon 1 192.0.2.1 1 typ host"}}`, protocol.ErrBadCandidate},
		{`{"type":"description","description":{"trial":"host-1","kind":"pranswer","sdp":"v=0"}}`, protocol.ErrBadMessage},
		{`{"type":"description","description":{"trial":"host-1","kind":"offer","sdp":""}}`, protocol.ErrBadMessage},
		{`{"type":"applied","applied":{"trial":"?"}}`, protocol.ErrBadMessage},
		{`{"type":"state"}`, protocol.ErrBadMessage},
		{`{"type":"candidateError"}`, protocol.ErrBadMessage},
		{`{"type":"sample"}`, protocol.ErrBadMessage},
		{`{"type":"measurement"}`, protocol.ErrBadMessage},
		{`{"type":"trialError"}`, protocol.ErrBadMessage},
		{`{"type":"environment"}`, protocol.ErrBadMessage},
		{`{"type":"run"}`, protocol.ErrBadMessage},
		{`{"type":"run","run":{"trials":[` + strings.Repeat(`"host",`, maxTrials) + `"host"]}}`, protocol.ErrBadMessage},
	}
	for _, c := range cases {
		t.Run(c.frame[:min(len(c.frame), 60)], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, Config{})
				room := w.create()
				a, b := w.join(room), w.join(room)
				w.seen.take()
				a.say("%s", c.frame)
				a.wantError(c.code)
				w.seen.want(t, "broken a "+string(c.code))
				b.wantQuiet()
				a.candidate(1)
				b.wantCandidate(1)
			})
		})
	}
}
