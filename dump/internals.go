package dump

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// What chrome://webrtc-internals writes: for each RTCPeerConnection its configuration, the calls and events on it in order (updateLog), and the course of each member of each
// object of getStats, asked once a second, as a series of its own ("ID-member").

type internalsDump struct {
	PeerConnections map[string]internalsConn
	UserAgent       string
	Timestamp       float64 `json:"timestamp"`
}

type internalsConn struct {
	URL              string            `json:"url"`
	RTCConfiguration json.RawMessage   `json:"rtcConfiguration"`
	UpdateLog        []update          `json:"updateLog"`
	Stats            map[string]series `json:"stats"`
}

type update struct {
	Type      string          `json:"type"`
	Value     json.RawMessage `json:"value"`
	Time      string          `json:"time"`      // until about Chromium 130: local time in the words of the reader's language
	Timestamp float64         `json:"timestamp"` // since: milliseconds since 1970
}

type series struct {
	StartTime string          `json:"startTime"`
	EndTime   string          `json:"endTime"`
	StatsType string          `json:"statsType"`
	Values    json.RawMessage `json:"values"` // JSON once more, in a string
}

func (l *logged) internals(data []byte) error {
	var d internalsDump
	if err := json.Unmarshal(data, &d); err != nil {
		if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return errors.New("it is no webrtc-internals dump: " + kind.Field + " is of another type there")
		}
		return errNoJSON
	}
	l.userAgent, l.savedMs = d.UserAgent, safeMs(d.Timestamp)
	names := make([]string, 0, len(d.PeerConnections))
	for name := range d.PeerConnections {
		names = append(names, name)
	}
	slices.SortFunc(names, naturally)
	if n := len(names) - MaxConnections; n > 0 {
		l.dropped, names = n, names[n:]
	}
	for _, name := range names {
		p := d.PeerConnections[name]
		servers, relayOnly := readConfiguration(p.RTCConfiguration)
		c := &conn{url: p.URL, servers: servers, relayOnly: relayOnly, trickled: true}
		c.updates(p.UpdateLog)
		c.statistics(p.Stats)
		if !c.closed {
			c.endMs = max(c.endMs, l.savedMs)
		}
		c.settle()
		if len(c.descs) > 0 || len(c.samples) > 0 { // a page that only asks whether there is RTCPeerConnection makes and closes one
			l.conns = append(l.conns, c)
		}
	}
	slices.SortStableFunc(l.conns, func(x, y *conn) int { return cmp.Compare(x.began(), y.began()) })
	return nil
}

// naturally orders "7-2" before "7-10".
func naturally(x, y string) int {
	return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
}

// readConfiguration reads it as JSON, which it has been since about Chromium 110, or in the words of before: { iceServers: [stun:a, turn:b], iceTransportPolicy: relay, … }.
func readConfiguration(raw json.RawMessage) (servers []protocol.ICEServer, relayOnly bool) {
	text := plain(raw)
	var parsed struct {
		ICEServers         json.RawMessage `json:"iceServers"`
		ICETransportPolicy string          `json:"iceTransportPolicy"`
	}
	if json.Unmarshal([]byte(text), &parsed) == nil {
		return readServers(parsed.ICEServers), parsed.ICETransportPolicy == "relay"
	}
	relayOnly = strings.Contains(strings.ReplaceAll(text, " ", ""), "iceTransportPolicy:relay") || strings.Contains(text, "type: relay")
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" ,[]{}\"'", r) }) {
		if schemeOf(word) != "" && len(servers) < protocol.MaxICEServerURLs {
			servers = append(servers, protocol.ICEServer{URLs: []string{word}})
		}
	}
	return servers, relayOnly
}

// readServers takes what can be a server and passes the rest over: the browser has taken it, whatever it is.
func readServers(raw json.RawMessage) (out []protocol.ICEServer) {
	var list []struct {
		URLs       json.RawMessage `json:"urls"`
		URL        string          `json:"url"`
		Username   string          `json:"username"`
		Credential any             `json:"credential"`
	}
	if json.Unmarshal(raw, &list) != nil {
		return nil
	}
	for _, s := range list {
		var urls []string
		if json.Unmarshal(s.URLs, &urls) != nil {
			var one string
			if json.Unmarshal(s.URLs, &one) == nil {
				urls = []string{one}
			}
		}
		if s.URL != "" {
			urls = append(urls, s.URL)
		}
		urls = slices.DeleteFunc(urls, func(u string) bool { return schemeOf(u) == "" })
		if len(urls) > protocol.MaxICEServerURLs {
			urls = urls[:protocol.MaxICEServerURLs]
		}
		if len(urls) == 0 || len(out) == protocol.MaxICEServers {
			continue
		}
		server := protocol.ICEServer{URLs: urls, Username: s.Username}
		if s.Credential != nil && s.Credential != "" {
			server.Credential = hidden
		}
		out = append(out, server)
	}
	return out
}

func schemeOf(url string) string {
	for _, scheme := range []string{"stun", "stuns", "turn", "turns"} {
		if strings.HasPrefix(strings.ToLower(url), scheme+":") {
			return scheme
		}
	}
	return ""
}

// plain is the text of a value: a JSON string's content, or the JSON itself.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// member reads a named member of an update's value, which is JSON now and was "name: value, name: value" before; in the latter, rest takes all that follows.
func member(text, name string, rest bool) string {
	var parsed map[string]any
	if json.Unmarshal([]byte(text), &parsed) == nil {
		switch v := parsed[name].(type) {
		case string:
			return v
		case float64:
			return strconv.FormatFloat(v, 'f', -1, 64)
		}
		return ""
	}
	at := strings.Index(text, name+": ")
	if at < 0 || at > 0 && !strings.ContainsRune(" ,\n", rune(text[at-1])) {
		return ""
	}
	text = text[at+len(name)+2:]
	if !rest {
		if i := strings.IndexAny(text, ",\n"); i >= 0 {
			text = text[:i]
		}
		return strings.TrimSpace(text)
	}
	return text
}

// word is a state, which is in quotation marks now and was not before.
func word(text string) string { return strings.Trim(strings.TrimSpace(text), `"`) }

// when reads the time of an update.
func (u update) when(last float64) float64 {
	if at := safeMs(u.Timestamp); at > 0 {
		return at
	}
	for _, layout := range []string{time.RFC3339Nano, "1/2/2006, 3:04:05 PM", "1/2/2006, 3:04:05 PM", "02/01/2006, 15:04:05", "2.1.2006, 15:04:05", "2006/1/2 15:04:05"} {
		if t, err := time.Parse(layout, u.Time); err == nil {
			return max(last, safeMs(float64(t.UnixMilli())))
		}
	}
	return last
}

func (c *conn) updates(log []update) {
	at := 0.0
	pending := -1 // the description that is being set
	for _, u := range log {
		at = u.when(at)
		if c.createdMs == 0 {
			c.createdMs = at
		}
		text := plain(u.Value)
		switch strings.TrimPrefix(u.Type, "on") {
		case "createOfferOnSuccess", "createAnswerOnSuccess", "createOffer", "createAnswer":
		case "setLocalDescription", "setRemoteDescription":
			d := description{local: u.Type == "setLocalDescription", atMs: at}
			d.Kind, d.SDP = member(text, "type", false), member(text, "sdp", true)
			if d.SDP == "" || d.Kind != "offer" && d.Kind != "answer" && d.Kind != "pranswer" {
				break // setLocalDescription() without an argument: its success tells what was set
			}
			c.descs, pending = append(c.descs, d), len(c.descs)
		case "setLocalDescriptionOnSuccess", "setRemoteDescriptionOnSuccess":
			if sdp := member(text, "sdp", true); sdp != "" && (pending < 0 || c.descs[pending].SDP == "") {
				c.descs = append(c.descs, description{local: u.Type[3] == 'L', atMs: at, Description: protocol.Description{Kind: member(text, "type", false), SDP: sdp}})
			}
			pending = -1
		case "setLocalDescriptionOnFailure", "setRemoteDescriptionOnFailure":
			if pending >= 0 {
				c.descs[pending].err = cmp.Or(word(text), "failed")
			}
			pending = -1
		case "icecandidate":
			if line := member(text, "candidate", false); line != "" {
				c.local = append(c.local, gathered{line: candidateOf(line), mid: member(text, "sdpMid", false), url: serverURL(member(text, "url", false)), atMs: at})
			}
		case "addIceCandidate", "addIceCandidateFailed", "addIceCandidateOnFailure":
			g := gathered{line: candidateOf(member(text, "candidate", false)), mid: member(text, "sdpMid", false), atMs: at}
			if u.Type != "addIceCandidate" {
				g.err = cmp.Or(member(text, "error", false), "failed")
			}
			if g.line != "" {
				c.remote = append(c.remote, g)
			}
		case "addIceCandidateOnSuccess":
		case "icegatheringstatechange":
			c.states = append(c.states, state{"gathering", word(text), at})
		case "iceconnectionstatechange":
			c.states = append(c.states, state{"ice", word(text), at})
		case "connectionstatechange":
			c.states = append(c.states, state{"connection", word(text), at})
		case "icecandidateerror":
			c.errors = append(c.errors, candidateError{protocol.CandidateError{
				Address: member(text, "address", false), Port: whole(member(text, "port", false)), URL: serverURL(member(text, "url", false)),
				Code: whole(cmp.Or(member(text, "error_code", false), member(text, "errorCode", false))),
				Text: cmp.Or(member(text, "error_text", false), member(text, "errorText", false)), HostCandidate: cmp.Or(member(text, "host_candidate", false), member(text, "hostCandidate", false)),
			}, at})
		case "close", "stop":
			c.closed, c.endMs = true, at
		}
	}
	c.endMs = max(c.endMs, at)
	for i := range c.states { // libwebrtc's own names of before
		switch c.states[i].value {
		case "ICEGatheringStateComplete", "kICEGatheringComplete":
			c.states[i].value = "complete"
		}
	}
}

// candidateOf is the candidate-attribute within what the log has.
func candidateOf(text string) string {
	if i := strings.Index(text, "candidate:"); i >= 0 {
		return strings.TrimSpace(text[i:])
	}
	return ""
}

// serverURL is a URL, where the log has one.
func serverURL(text string) string {
	if schemeOf(text) == "" {
		return ""
	}
	return text
}

func whole(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > math.MaxInt32 {
		return 0
	}
	return n
}

// object is one object of getStats over time.
type object struct {
	id, typ string
	times   []float64
	stamped bool // the times are the statistics' own
	members map[string][]json.RawMessage
}

// statistics puts the series together again to what getStats answered each time.
func (c *conn) statistics(all map[string]series) {
	objects := map[string]*object{}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		cut := strings.LastIndexByte(name, '-')
		if cut <= 0 || strings.HasSuffix(name, "]") {
			continue // a rate that the page computed
		}
		id, member := name[:cut], name[cut+1:]
		var values []json.RawMessage
		if json.Unmarshal([]byte(plain(s.Values)), &values) != nil {
			continue
		}
		o := objects[id]
		if o == nil {
			o = &object{id: id, members: map[string][]json.RawMessage{}}
			objects[id] = o
		}
		o.typ = cmp.Or(o.typ, s.StatsType)
		o.members[member] = values
		if stamps := member == "timestamp"; stamps || !o.stamped && len(values) > len(o.times) {
			o.times, o.stamped = s.times(values, stamps), stamps
		}
	}
	ids := make([]string, 0, len(objects))
	for id, o := range objects {
		if o.typ == "" {
			o.typ = cmp.Or(word(string(o.last("type"))), typeOf(id))
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var times []float64
	for _, id := range ids {
		if o := objects[id]; o.typ == "transport" || o.typ == "candidate-pair" || o.typ == "local-candidate" {
			times = append(times, o.times...)
		}
	}
	slices.Sort(times)
	times = slices.Compact(times)
	if n := len(times); n > maxSamples {
		times = slices.Concat(times[:maxSamples/2], times[n-maxSamples/2:])
	}
	for _, at := range times {
		s := sample{atMs: at}
		for _, id := range ids {
			s.show(objects, objects[id], at)
		}
		s.Counters = true
		c.samples = append(c.samples, s)
	}
}

// times are when the values were taken: the series of time stamps tells, and where there is none, they came evenly.
func (s series) times(values []json.RawMessage, stamps bool) (out []float64) {
	from, errFrom := time.Parse(time.RFC3339Nano, s.StartTime)
	to, errTo := time.Parse(time.RFC3339Nano, s.EndTime)
	if len(values) == 0 || errFrom != nil || errTo != nil {
		return nil
	}
	begin, end := float64(from.UnixMilli()), float64(to.UnixMilli())
	for i, v := range values {
		at := end
		if len(values) > 1 {
			at = begin + (end-begin)*float64(i)/float64(len(values)-1)
		}
		var stamp float64
		if stamps && json.Unmarshal(v, &stamp) == nil && stamp > 0 {
			at = stamp
		}
		out = append(out, math.Round(safeMs(at)))
	}
	return out
}

// typeOf reads the kind of an object off its id, as libwebrtc named them until Chromium 107.
func typeOf(id string) string {
	switch {
	case strings.HasPrefix(id, "RTCIceCandidatePair_"), strings.HasPrefix(id, "CP"):
		return "candidate-pair"
	case strings.HasPrefix(id, "RTCTransport_"), strings.HasPrefix(id, "T"):
		return "transport"
	case strings.HasPrefix(id, "RTCCertificate_"), strings.HasPrefix(id, "CF"):
		return "certificate"
	}
	return ""
}

func (o *object) last(member string) json.RawMessage {
	if v := o.members[member]; len(v) > 0 {
		return v[len(v)-1]
	}
	return nil
}

// at is a member's value at a time. A member that came later than its object has fewer values, and they are the last.
func (o *object) at(member string, ms float64) json.RawMessage {
	i, found := slices.BinarySearch(o.times, ms)
	if !found {
		i--
	}
	values := o.members[member]
	i -= len(o.times) - len(values)
	if i < 0 || i >= len(values) {
		return nil
	}
	return values[i]
}

func (o *object) text(member string, ms float64) (s string) {
	_ = json.Unmarshal(o.at(member, ms), &s) // what is no text is empty
	return s
}

func (o *object) number(member string, ms float64) *float64 {
	var n *float64
	if json.Unmarshal(o.at(member, ms), &n) != nil {
		return nil
	}
	return n
}

func (o *object) count(member string, ms float64) *int64 {
	n := o.number(member, ms)
	if n == nil || *n < 0 || *n > math.MaxInt32*1024 {
		return nil
	}
	whole := int64(*n)
	return &whole
}

// show adds an object to the sample of a time at which it was there.
func (s *sample) show(objects map[string]*object, o *object, at float64) {
	if len(o.times) == 0 || at < o.times[0] || at > o.times[len(o.times)-1] {
		return
	}
	switch o.typ {
	case "local-candidate", "remote-candidate":
		c := o.candidate(at)
		switch {
		case c.Type == "" || c.Protocol == "":
		case o.typ == "local-candidate" && len(s.Local) < maxCandidates:
			c.UsernameFragment = o.text("usernameFragment", at)
			s.Local = append(s.Local, c)
		case o.typ == "remote-candidate" && len(s.Remote) < maxCandidates:
			s.Remote = append(s.Remote, c)
		}
	case "candidate-pair":
		if len(s.Pairs) < maxPairs {
			s.Pairs = append(s.Pairs, o.pair(at))
		}
	case "transport":
		s.ICEState, s.DTLSState, s.SelectedPair = o.text("iceState", at), o.text("dtlsState", at), o.text("selectedCandidatePairId", at)
		if role := o.text("dtlsRole", at); role != "unknown" {
			s.DTLSRole = role
		}
		print := func(member string) string {
			c := objects[o.text(member, at)]
			if c == nil {
				return ""
			}
			hash, _ := last(c, "fingerprintAlgorithm")
			digits, ok := last(c, "fingerprint")
			if !ok || hash == "" {
				return ""
			}
			return hash + " " + strings.ToUpper(digits)
		}
		s.LocalFingerprint, s.RemoteFingerprint = print("localCertificateId"), print("remoteCertificateId")
	}
}

func last(o *object, member string) (s string, ok bool) {
	return s, json.Unmarshal(o.last(member), &s) == nil
}

func (o *object) candidate(at float64) protocol.SampleCandidate {
	n := func(member string) int { return int(value(o.count(member, at))) }
	return protocol.SampleCandidate{
		ID: o.id, Type: o.text("candidateType", at), Protocol: strings.ToLower(o.text("protocol", at)), Address: visible(cmp.Or(o.text("address", at), o.text("ip", at))),
		Port: n("port") & 0xffff, Priority: uint32(value(o.count("priority", at)) & math.MaxUint32), Foundation: o.text("foundation", at), URL: o.text("url", at),
		RelatedAddress: visible(o.text("relatedAddress", at)), RelatedPort: n("relatedPort") & 0xffff, TCPType: o.text("tcpType", at),
		RelayProtocol: o.text("relayProtocol", at), NetworkType: o.text("networkType", at),
	}
}

func (o *object) pair(at float64) protocol.SamplePair {
	p := protocol.SamplePair{ID: o.id, Local: o.text("localCandidateId", at), Remote: o.text("remoteCandidateId", at), State: o.text("state", at)}
	_ = json.Unmarshal(o.at("nominated", at), &p.Nominated) // what is no answer is no
	for member, to := range map[string]**int64{
		"requestsSent": &p.RequestsSent, "requestsReceived": &p.RequestsReceived, "responsesSent": &p.ResponsesSent, "responsesReceived": &p.ResponsesReceived,
		"bytesSent": &p.BytesSent, "bytesReceived": &p.BytesReceived, "packetsSent": &p.PacketsSent, "packetsReceived": &p.PacketsReceived,
	} {
		*to = o.count(member, at)
	}
	if rtt := o.number("currentRoundTripTime", at); rtt != nil && value(p.ResponsesReceived) > 0 {
		ms := *rtt * 1000
		p.RTTMs = &ms
	}
	return p
}

// visible is an address, or nothing where the browser put a placeholder.
func visible(address string) string {
	if strings.HasPrefix(address, "redacted") || strings.HasSuffix(address, ".invalid") || address == "(redacted)" {
		return ""
	}
	return address
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
