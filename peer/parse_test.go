package peer

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pion/stun/v3"
)

func TestChecksAreAsLongAsAsked(t *testing.T) {
	like := stun.MustBuild(stun.BindingRequest, stun.TransactionID, stun.NewUsername("theirs:oursoursoursours"), stun.RawAttribute{
		Type: stun.AttrPriority, Value: []byte{1, 2, 3, 4},
	}, stun.RawAttribute{Type: stun.AttrICEControlling, Value: make([]byte, 8)}, stun.RawAttribute{Type: stun.AttrUseCandidate}, stun.NewShortTermIntegrity("p"), stun.Fingerprint)
	for size := 100; size <= 1472; size += 4 {
		m, err := paddedCheck(like, "secret", size)
		if err != nil {
			t.Fatal(err)
		}
		got := &stun.Message{Raw: m.Raw}
		if err := got.Decode(); err != nil {
			t.Fatal(size, err)
		}
		if len(m.Raw) != size || m.TransactionID == like.TransactionID || got.Contains(stun.AttrUseCandidate) || !got.Contains(stun.AttrICEControlling) {
			t.Errorf("%d: %d bytes, %s", size, len(m.Raw), got)
		}
		if err := stun.NewShortTermIntegrity("secret").Check(got); err != nil {
			t.Error(size, err)
		}
		if err := stun.Fingerprint.Check(got); err != nil {
			t.Error(size, err)
		}
	}
}

func FuzzNextMessage(f *testing.F) {
	f.Add(stun.MustBuild(stun.BindingRequest, stun.TransactionID, stun.NewSoftware("x")).Raw)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, stream []byte) {
		message, rest := nextMessage(stream)
		if !bytes.Equal(append(bytes.Clone(message), rest...), stream) {
			t.Error("something was lost")
		}
		if message != nil {
			allocated(message)
		}
	})
}

func FuzzWhoami(f *testing.F) {
	f.Add([]byte("192.0.2.1,1234\n"))
	f.Add([]byte("2001:db8::1,1234\n"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if isWhoami(answer) && bytes.Count(answer, []byte(",")) != 1 {
			t.Errorf("%q", answer)
		}
	})
}

func TestWhoami(t *testing.T) {
	for answer, want := range map[string]bool{
		"192.0.2.1,1234\n": true, "2001:db8::1,1\n": true, "192.0.2.1,1234": false, "whoami\n": false, "": false, "192.0.2.1,123456\n": false, "x,1\n": false,
	} {
		if isWhoami([]byte(answer)) != want {
			t.Errorf("%q", answer)
		}
	}
}

func TestCredentials(t *testing.T) {
	for length, want := range map[int]int{0: minUfrag, 4: 4, 64: 64, 1000: maxUfrag} {
		c := newCredentials(length)
		if len(c.ufrag) != want || len(c.pwd) != pwdLength || strings.Trim(c.ufrag+c.pwd, iceChars) != "" || c == newCredentials(length) {
			t.Errorf("%d: %+v", length, c)
		}
	}
	sdp := "v=0\r\na=ice-ufrag:abcd\r\na=ice-pwd:efgh\r\nm=x\r\na=ice-ufrag:other\r\na=setup:active\r\n"
	if c := credentialsOf(sdp); c.ufrag != "abcd" || c.pwd != "efgh" || attribute(sdp, "setup") != "active" || attribute(sdp, "none") != "" {
		t.Errorf("%+v", c)
	}
}
