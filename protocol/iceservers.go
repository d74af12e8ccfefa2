package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// ICEServer is an RTCIceServer of the WebRTC API.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Limits of pasted iceServers. Browsers slow down beyond five servers (each is asked from every interface); what is far beyond that is a mistake.
const (
	MaxICEServers     = 16
	MaxICEServerURLs  = 32
	MaxICEServersSize = 16 << 10
)

// ParseICEServers reads what a user pasted: an RTCConfiguration with a member iceServers, an array of RTCIceServer, or a single one; urls may be a string
// or an array, and the older member name url is understood. The error says what, where, and what to try.
func ParseICEServers(pasted []byte) ([]ICEServer, error) {
	pasted = bytes.TrimSpace(pasted)
	if len(pasted) == 0 {
		return nil, errors.New(`nothing was pasted; try [{"urls": "stun:192.0.2.1:3478"}]`)
	}
	if len(pasted) > MaxICEServersSize {
		return nil, fmt.Errorf("%d bytes are more than the %d that are read", len(pasted), MaxICEServersSize)
	}
	type server struct {
		URLs       json.RawMessage `json:"urls"`
		URL        json.RawMessage `json:"url"`
		Username   string          `json:"username"`
		Credential string          `json:"credential"`
	}
	var (
		list   []server
		config struct {
			ICEServers *[]server `json:"iceServers"`
			server
		}
		err error
	)
	if pasted[0] == '[' {
		err = json.Unmarshal(pasted, &list)
	} else if err = json.Unmarshal(pasted, &config); err == nil {
		list = []server{config.server}
		if config.ICEServers != nil {
			list = *config.ICEServers
		}
	}
	if err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return nil, fmt.Errorf("not JSON at byte %d: %w; names and strings need double quotes, and no comma stands after the last item", syntax.Offset, err)
		}
		return nil, fmt.Errorf("not iceServers: %w", err)
	}
	if len(list) > MaxICEServers {
		return nil, fmt.Errorf("%d servers are more than %d", len(list), MaxICEServers)
	}
	out := make([]ICEServer, 0, len(list))
	total := 0
	for i, s := range list {
		urls, err := urlList(s.URLs, s.URL)
		if err != nil {
			return nil, fmt.Errorf("iceServers[%d]: %w", i, err)
		}
		if total += len(urls); total > MaxICEServerURLs {
			return nil, fmt.Errorf("more than %d URLs", MaxICEServerURLs)
		}
		for _, u := range urls {
			scheme, err := CheckICEURL(u)
			if err != nil {
				return nil, fmt.Errorf("iceServers[%d]: %w", i, err)
			}
			if (scheme == "turn" || scheme == "turns") && (s.Username == "" || s.Credential == "") {
				return nil, fmt.Errorf("iceServers[%d]: %s needs username and credential", i, u)
			}
		}
		out = append(out, ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
	}
	return out, nil
}

func urlList(urls, url json.RawMessage) ([]string, error) {
	raw := urls
	if len(raw) == 0 {
		raw = url
	}
	if len(raw) == 0 {
		return nil, errors.New(`no member "urls"`)
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if err := json.Unmarshal(raw, &many); err != nil {
		return nil, errors.New(`"urls" is neither a string nor an array of strings`)
	}
	if len(many) == 0 {
		return nil, errors.New(`"urls" is empty`)
	}
	return many, nil
}

// CheckICEURL checks a STUN URI (RFC 7064) or a TURN URI (RFC 7065) and returns its scheme.
func CheckICEURL(u string) (scheme string, err error) {
	scheme, rest, ok := strings.Cut(u, ":")
	scheme = strings.ToLower(scheme)
	turn := scheme == "turn" || scheme == "turns"
	if !ok || !turn && scheme != "stun" && scheme != "stuns" {
		return "", fmt.Errorf("%q does not begin with stun:, stuns:, turn: or turns:", u)
	}
	if strings.HasPrefix(rest, "//") {
		return "", fmt.Errorf("%q: no // after the scheme; write %s:%s", u, scheme, strings.TrimLeft(rest, "/"))
	}
	host, query, hasQuery := strings.Cut(rest, "?")
	if hasQuery {
		if !turn {
			return "", fmt.Errorf("%q: a %s URI has no query", u, scheme)
		}
		if query != "transport=udp" && query != "transport=tcp" {
			return "", fmt.Errorf("%q: the query must be transport=udp or transport=tcp", u)
		}
	}
	name := host
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') {
		name = host[:i]
		port := host[i+1:]
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", fmt.Errorf("%q: %q is not a port", u, port)
		}
	}
	if inner, ok := strings.CutPrefix(name, "["); ok {
		inner, ok = strings.CutSuffix(inner, "]")
		if ip, err := netip.ParseAddr(inner); !ok || err != nil || !ip.Is6() {
			return "", fmt.Errorf("%q: %q is not an IPv6 address in brackets", u, name)
		}
		name = inner
	} else if strings.Contains(name, ":") {
		return "", fmt.Errorf("%q: an IPv6 address stands in brackets: %s:[%s]", u, scheme, host)
	}
	if name == "" || strings.ContainsAny(name, " /@\\\"'<>]") {
		return "", fmt.Errorf("%q: %q is not a host", u, name)
	}
	return scheme, nil
}
