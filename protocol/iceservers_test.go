package protocol_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

func TestParseICEServers(t *testing.T) {
	stun := []protocol.ICEServer{{URLs: []string{"stun:192.0.2.1:3478"}}}
	for name, test := range map[string]struct {
		pasted string
		want   []protocol.ICEServer
	}{
		"a list":                   {`[{"urls": ["stun:192.0.2.1:3478"]}]`, stun},
		"urls as a string":         {` [{"urls": "stun:192.0.2.1:3478"}] `, stun},
		"the older url":            {`[{"url": "stun:192.0.2.1:3478"}]`, stun},
		"a configuration":          {`{"iceServers": [{"urls": "stun:192.0.2.1:3478"}], "iceTransportPolicy": "relay"}`, stun},
		"a single server":          {`{"urls": "stun:192.0.2.1:3478"}`, stun},
		"none":                     {`[]`, []protocol.ICEServer{}},
		"none in a configuration":  {`{"iceServers": []}`, []protocol.ICEServer{}},
		"a relay with credentials": {`[{"urls": ["turns:turn.example:443?transport=tcp"], "username": "u", "credential": "c"}]`, []protocol.ICEServer{{URLs: []string{"turns:turn.example:443?transport=tcp"}, Username: "u", Credential: "c"}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := protocol.ParseICEServers([]byte(test.pasted))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("\n got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

// TestParseICEServersExplains: what a person pasted is refused with words that say what and where.
func TestParseICEServersExplains(t *testing.T) {
	for pasted, words := range map[string]string{
		"":                               "nothing was pasted",
		"null":                           "", // as nothing, but JSON
		`[{urls: "stun:192.0.2.1"}]`:     "double quotes",
		`[{"urls": "stun:192.0.2.1"},]`:  "no comma",
		`"stun:192.0.2.1"`:               "not iceServers",
		`[{}]`:                           `iceServers[0]: no member "urls"`,
		`[{"urls": []}]`:                 `"urls" is empty`,
		`[{"urls": 1}]`:                  "neither a string nor an array",
		`[{"urls": "http://x"}]`:         "does not begin with stun:",
		`[{"urls": "stun://192.0.2.1"}]`: "no // after the scheme; write stun:192.0.2.1",
		`[{"urls": "stun:x"}, {"urls": "turn:x"}]`: "iceServers[1]: turn:x needs username and credential",
		`{"iceServers": "stun:x"}`:                 "not iceServers",
		`[` + strings.Repeat(`{"urls":"stun:x"},`, protocol.MaxICEServers) + `{"urls":"stun:x"}]`: "more than",
		`[{"urls": [` + strings.Repeat(`"stun:x",`, protocol.MaxICEServerURLs) + `"stun:x"]}]`:    "URLs",
		strings.Repeat(" ", 10) + `"` + strings.Repeat("x", protocol.MaxICEServersSize) + `"`:     "bytes",
	} {
		got, err := protocol.ParseICEServers([]byte(pasted))
		if err == nil {
			t.Errorf("%.60s: read as %+v", pasted, got)
		} else if !strings.Contains(err.Error(), words) {
			t.Errorf("%.60s: %q does not say %q", pasted, err, words)
		}
	}
}

// TestCheckICEURL: the grammars of RFC 7064 section 3.1 and RFC 7065 section 3.1.
func TestCheckICEURL(t *testing.T) {
	for u, want := range map[string]string{
		"stun:192.0.2.1":                    "stun",
		"stun:192.0.2.1:3478":               "stun",
		"STUN:host.example":                 "stun",
		"stuns:host.example:5349":           "stuns",
		"turn:[2001:db8::1]:3478":           "turn",
		"turn:[2001:db8::1]":                "turn",
		"turns:host?transport=tcp":          "turns",
		"turn:host:3478?transport=udp":      "turn",
		"stun:[fe80::1]:65535":              "stun",
		"stun:host-1.under_score.example:1": "stun",
	} {
		if got, err := protocol.CheckICEURL(u); err != nil || got != want {
			t.Errorf("%q: %q, %v", u, got, err)
		}
	}
	for _, u := range []string{
		"", "stun", "stun:", "stun::3478", "http:host", "stun://host", "stun:host:0", "stun:host:65536", "stun:host:x", "stun:host:",
		"stun:2001:db8::1", "stun:[2001:db8::1", "stun:2001:db8::1]", "stun:[host]", "stun:[192.0.2.1]:3478", "stun:[]:1", "stun:host?transport=udp", "turn:host?transport=tls", "turn:host?",
		"turn:user@host", "stun:ho st", "stun:host/path", "turn:a:b:3478", "stun:[[::1]]",
	} {
		if got, err := protocol.CheckICEURL(u); err == nil {
			t.Errorf("%q was taken as %q", u, got)
		}
	}
}

// FuzzICEServers: what was accepted is accepted again after encoding, and is the same.
func FuzzICEServers(f *testing.F) {
	f.Add([]byte(`{"iceServers": [{"urls": "stun:192.0.2.1:3478"}]}`))
	f.Add([]byte(`[{"urls": ["turn:[2001:db8::1]:3478?transport=tcp"], "username": "u", "credential": "c"}]`))
	f.Add([]byte(`{"url": "stun:x"}`))
	f.Fuzz(func(t *testing.T, pasted []byte) {
		got, err := protocol.ParseICEServers(pasted)
		if err != nil {
			return
		}
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if len(encoded) > protocol.MaxICEServersSize {
			return // escapes made it longer
		}
		again, err := protocol.ParseICEServers(encoded)
		if err != nil {
			t.Fatalf("%s was read, %s was not: %v", pasted, encoded, err)
		}
		if !reflect.DeepEqual(got, again) {
			t.Errorf("%s\nfirst %+v\nthen  %+v", pasted, got, again)
		}
	})
}
