package dump

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"html"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// What Firefox's about:webrtc gives away. "Save Page" writes the part of the page that shows the connections, as it stands: tables of pairs and raw candidates, the descriptions, the
// configuration. "Copy Report" gives the same of one connection as the members of its statistics, and more of them. Both show how things stood when the connection was
// closed, or at the end; what is known of the course is when descriptions were set.

// firefoxAgent stands in the place of the name that the logs do not tell.
const firefoxAgent = "Firefox/ (about:webrtc)"

type firefoxReport struct {
	PCID          string            `json:"pcid"`
	Timestamp     float64           `json:"timestamp"`
	Closed        bool              `json:"closed"`
	Configuration json.RawMessage   `json:"configuration"`
	Candidates    []firefoxStat     `json:"iceCandidateStats"`
	Trickled      []firefoxStat     `json:"trickledIceCandidateStats"`
	Pairs         []firefoxPair     `json:"iceCandidatePairStats"`
	Transports    []firefoxStat     `json:"transportStats"`
	Connections   []firefoxStat     `json:"peerConnectionStats"`
	Inbound       []json.RawMessage `json:"inboundRtpStreamStats"`
	RawLocal      []string          `json:"rawLocalCandidates"`
	RawRemote     []string          `json:"rawRemoteCandidates"`
	SDP           []firefoxSDP      `json:"sdpHistory"`
}

type firefoxStat struct {
	ID               string  `json:"id"`
	Type             string  `json:"type"`
	Address          string  `json:"address"`
	CandidateType    string  `json:"candidateType"`
	Foundation       string  `json:"foundation"`
	Port             float64 `json:"port"`
	Priority         float64 `json:"priority"`
	Protocol         string  `json:"protocol"`
	TCPType          string  `json:"tcpType"`
	RelayProtocol    string  `json:"relayProtocol"`
	UsernameFragment string  `json:"usernameFragment"`
	DTLSRole         string  `json:"dtlsRole"`
	DTLSState        string  `json:"dtlsState"`
	ICEState         string  `json:"iceState"`
	Selected         string  `json:"selectedCandidatePairId"`
	Opened           float64 `json:"dataChannelsOpened"`
}

type firefoxPair struct {
	ID                string   `json:"id"`
	Local             string   `json:"localCandidateId"`
	Remote            string   `json:"remoteCandidateId"`
	State             string   `json:"state"`
	Nominated         bool     `json:"nominated"`
	Selected          bool     `json:"selected"`
	BytesSent         *float64 `json:"bytesSent"`
	BytesReceived     *float64 `json:"bytesReceived"`
	ResponsesReceived *float64 `json:"responsesReceived"`
	RTT               *float64 `json:"currentRoundTripTime"`
}

type firefoxSDP struct {
	Local     bool    `json:"isLocal"`
	SDP       string  `json:"sdp"`
	Timestamp float64 `json:"timestamp"`
	Errors    []struct {
		Error string `json:"error"`
	} `json:"errors"`
}

// reports reads one report, a list of them, or what "Copy Report History" copies.
func (l *logged) reports(data []byte) error {
	var history struct {
		Reports []firefoxReport `json:"reports"`
	}
	var list []firefoxReport
	if data = bytes.TrimSpace(data); len(data) > 0 && data[0] == '[' {
		if json.Unmarshal(data, &list) != nil {
			return errNoJSON
		}
	} else if json.Unmarshal(data, &history) == nil && len(history.Reports) > 0 {
		list = history.Reports
	} else {
		var one firefoxReport
		if json.Unmarshal(data, &one) != nil {
			return errNoJSON
		}
		list = []firefoxReport{one}
	}
	l.userAgent = firefoxAgent
	byID := map[string]*conn{}
	for _, r := range list {
		c := byID[r.PCID]
		if c == nil {
			c = &conn{}
			byID[r.PCID] = c
			l.conns = append(l.conns, c)
		}
		c.report(r)
	}
	l.finish()
	return nil
}

// finish orders and bounds the connections of a log of Firefox, and leaves out those on which nothing was done.
func (l *logged) finish() {
	for _, c := range l.conns {
		c.settle()
		l.savedMs = max(l.savedMs, c.endMs)
	}
	l.conns = slices.DeleteFunc(l.conns, func(c *conn) bool { return len(c.descs) == 0 })
	slices.SortStableFunc(l.conns, func(x, y *conn) int { return cmp.Compare(x.began(), y.began()) })
	if n := len(l.conns) - MaxConnections; n > 0 {
		l.dropped, l.conns = n, l.conns[n:]
	}
}

// identify takes apart the name of a connection: {uuid} MICROSECONDS (id=WINDOW url=URL).
func (c *conn) identify(pcid string) {
	if _, url, ok := strings.Cut(pcid, "url="); ok {
		c.url = strings.TrimSuffix(url, ")")
	}
	for _, word := range strings.Fields(pcid) {
		if n, err := strconv.ParseFloat(word, 64); err == nil && n > 1e15 {
			c.createdMs = safeMs(n / 1000)
		}
	}
}

func (c *conn) report(r firefoxReport) {
	c.identify(r.PCID)
	at := safeMs(r.Timestamp)
	c.endMs, c.closed = max(c.endMs, at), c.closed || r.Closed
	var configuration struct {
		ICEServers         json.RawMessage `json:"iceServers"`
		ICETransportPolicy string          `json:"iceTransportPolicy"`
	}
	if json.Unmarshal(r.Configuration, &configuration) == nil {
		c.servers, c.relayOnly = readServers(configuration.ICEServers), configuration.ICETransportPolicy == "relay"
	}
	if len(r.SDP) > maxDescriptions {
		r.SDP = r.SDP[:maxDescriptions]
	}
	for _, d := range r.SDP {
		c.describe(d.Local, d.SDP, safeMs(d.Timestamp), len(d.Errors) > 0)
	}
	s := sample{atMs: at}
	for _, x := range slices.Concat(r.Candidates, r.Trickled) {
		one := protocol.SampleCandidate{ID: x.ID, Type: x.CandidateType, Protocol: strings.ToLower(x.Protocol), Address: x.Address, Port: int(x.Port) & 0xffff, Priority: uint32(int64(x.Priority) & math.MaxUint32),
			Foundation: x.Foundation, TCPType: x.TCPType, RelayProtocol: x.RelayProtocol}
		switch {
		case one.Type == "" || one.Protocol == "" || has(s.Local, x.ID) || has(s.Remote, x.ID):
		case x.Type == "local-candidate" && len(s.Local) < maxCandidates:
			one.UsernameFragment = x.UsernameFragment
			s.Local = append(s.Local, one)
		case x.Type == "remote-candidate" && len(s.Remote) < maxCandidates:
			s.Remote = append(s.Remote, one)
		}
	}
	for _, x := range r.Pairs {
		if len(s.Pairs) == maxPairs {
			break
		}
		p := protocol.SamplePair{ID: x.ID, Local: x.Local, Remote: x.Remote, State: pairState(x.State), Nominated: x.Nominated,
			BytesSent: counter(x.BytesSent), BytesReceived: counter(x.BytesReceived), ResponsesReceived: counter(x.ResponsesReceived)}
		if x.RTT != nil && value(p.ResponsesReceived) > 0 {
			ms := *x.RTT * 1000
			p.RTTMs = &ms
		}
		if x.Selected {
			s.SelectedPair = x.ID
		}
		s.Pairs = append(s.Pairs, p)
	}
	for _, t := range r.Transports {
		s.ICEState, s.DTLSState = cmp.Or(t.ICEState, s.ICEState), cmp.Or(t.DTLSState, s.DTLSState)
		s.SelectedPair = cmp.Or(t.Selected, s.SelectedPair)
		if t.DTLSRole != "unknown" {
			s.DTLSRole = cmp.Or(t.DTLSRole, s.DTLSRole)
		}
	}
	for _, t := range r.Connections {
		c.connected = c.connected || t.Opened > 0
	}
	c.connected = c.connected || len(r.Inbound) > 0 || s.DTLSState == "connected"
	c.samples = append(c.samples, s)
	c.rawRemote(r.RawRemote)
	c.signalLocal(s.Local)
	c.firefoxStates(s)
}

func has(list []protocol.SampleCandidate, id string) bool {
	return slices.ContainsFunc(list, func(c protocol.SampleCandidate) bool { return c.ID == id })
}

func counter(n *float64) *int64 {
	if n == nil || !(*n >= 0 && *n < 1<<52) {
		return nil
	}
	whole := int64(*n)
	return &whole
}

func pairState(s string) string {
	if s == "inprogress" {
		return "in-progress" // the older spelling
	}
	return s
}

// describe adds a description. Firefox does not name its kind: the first is the offer, and they take turns.
func (c *conn) describe(local bool, sdp string, atMs float64, broken bool) {
	if sdp == "" || slices.ContainsFunc(c.descs, func(d description) bool { return d.local == local && d.atMs == atMs && d.SDP == sdp }) {
		return
	}
	kind := "offer"
	if n := len(c.descs); n > 0 && c.descs[n-1].Kind == "offer" && c.descs[n-1].local != local {
		kind = "answer"
	}
	if strings.Contains(sdp, "a=setup:actpass") {
		kind = "offer" // RFC 8842 section 5.2: only an offer says so
	}
	d := description{local: local, atMs: atMs, Description: protocol.Description{Kind: kind, SDP: sdp}}
	if broken {
		d.err = "Firefox noted errors in this description"
	}
	c.descs = append(c.descs, d)
}

// set is when the first description of a side was set.
func (c *conn) set(local bool) float64 {
	for _, d := range c.descs {
		if d.local == local {
			return d.atMs
		}
	}
	return c.began()
}

// rawRemote are the candidates that Firefox was given, in the order in which they came; those without an attribute are its own finds.
func (c *conn) rawRemote(raw []string) {
	for _, line := range raw {
		if line = candidateOf(line); line != "" && len(c.remote) < maxCandidates && !slices.ContainsFunc(c.remote, func(g gathered) bool { return sameLine(g.line, line) }) {
			c.remote = append(c.remote, gathered{line: line, atMs: max(c.set(true), c.set(false))})
		}
	}
}

// signalLocal takes the local candidates of the statistics for those that Firefox gave to the page: it shows no others there, and prefers the name of a masked one.
func (c *conn) signalLocal(local []protocol.SampleCandidate) {
	for _, x := range local {
		if x.Type == "prflx" || x.Address == "" || x.Port == 0 && x.TCPType != "active" {
			continue
		}
		port := x.Port
		if x.TCPType == "active" {
			port = 9
		}
		line := "candidate:" + cmp.Or(x.Foundation, "0") + " 1 " + x.Protocol + " " + strconv.FormatUint(uint64(x.Priority), 10) + " " + x.Address + " " + strconv.Itoa(port) + " typ " + x.Type
		if x.TCPType != "" {
			line += " tcptype " + x.TCPType
		}
		if !slices.ContainsFunc(c.local, func(g gathered) bool { return sameLine(g.line, line) }) {
			c.local = append(c.local, gathered{line: line, atMs: c.set(true)})
		}
	}
}

// firefoxStates are what the statistics prove of the states: a pair that was selected was connected, and what came in over DTLS was let in by it.
func (c *conn) firefoxStates(s sample) {
	at := s.atMs
	add := func(what, value string) {
		if !slices.ContainsFunc(c.states, func(x state) bool { return x.what == what && x.value == value }) {
			c.states = append(c.states, state{what, value, at})
		}
	}
	selected := s.SelectedPair != "" || slices.ContainsFunc(s.Pairs, func(p protocol.SamplePair) bool { return p.State == "succeeded" && p.Nominated })
	switch {
	case selected || s.ICEState == "connected" || s.ICEState == "completed" || c.connected:
		// It was connected before the end, and well after both descriptions were set; when is not known.
		at = max(c.set(true), c.set(false))
		add("ice", "connected")
		if c.connected {
			add("connection", "connected")
		}
	case s.ICEState == "failed":
		add("ice", "failed")
		add("connection", "failed")
	}
}

func looksLikeAboutWebRTC(data []byte) bool {
	head := data[:min(len(data), 1<<16)]
	return bytes.Contains(head, []byte("about-webrtc-")) || bytes.Contains(head, []byte(`class="peer-connection"`))
}

// The marks of the page's parts. The attribute data-l10n-id is the same in every language.
const (
	markConnection = `<div class="peer-connection">`
	markHeading    = `id="pc-heading: `
)

// aboutWebRTC reads the saved page. It is one element's outerHTML, so that it is as regular as a program writes it; Firefox cuts each character down to its low byte.
func (l *logged) aboutWebRTC(data []byte) error {
	text := string(data)
	parts := strings.Split(text, markConnection)
	if len(parts) == 1 && !strings.Contains(text, "about-webrtc-peerconnections-section-heading") {
		return errors.New("this is an HTML page, and not the one that about:webrtc saves")
	}
	l.userAgent = firefoxAgent
	for _, part := range parts[1:] {
		if len(l.conns) >= 4*MaxConnections {
			break
		}
		c := &conn{}
		c.page(part)
		l.conns = append(l.conns, c)
	}
	l.finish()
	return nil
}

func (c *conn) page(part string) {
	if _, rest, ok := strings.Cut(part, markHeading); ok {
		id, rest, _ := strings.Cut(rest, `"`)
		c.identify(html.UnescapeString(id))
		heading, _, _ := strings.Cut(rest, "</h3>")
		c.closed = strings.Contains(heading, "about-webrtc-connection-closed")
		var args struct {
			Now time.Time `json:"now"`
		}
		_, attr, _ := strings.Cut(heading, `data-l10n-args="`)
		attr, _, _ = strings.Cut(attr, `"`)
		if json.Unmarshal([]byte(html.UnescapeString(attr)), &args) == nil {
			c.endMs = safeMs(float64(args.Now.UnixMilli()))
		}
	}
	c.pageConfiguration(between(part, `class="peer-connection-config"`, `id="rtp-stats: `))
	c.pageDescriptions(part)
	c.connected = whole(between(between(part, `about-webrtc-data-channels-opened-label`, "</p>"), `class="info-body">`, "<")) > 0 ||
		strings.Contains(part, `<h6>inbound-rtp</h6>`)
	s := sample{atMs: c.endMs}
	_, ice, _ := strings.Cut(part, `id="ice-stats: `)
	_, table, _ := strings.Cut(ice, "<table>")
	table, _, _ = strings.Cut(table, "</table>")
	for i, cells := range tableRows(table) {
		if len(cells) < 5 || len(s.Pairs) == maxPairs {
			continue
		}
		p := protocol.SamplePair{ID: "pair-" + strconv.Itoa(i), State: pairState(cells[0]), Nominated: cells[1] == "true"}
		p.Local, p.Remote = s.pageCandidate(cells[3], true), s.pageCandidate(cells[4], false)
		if len(cells) >= 9 {
			p.BytesSent, p.BytesReceived = pageCount(cells[7]), pageCount(cells[8])
		}
		if cells[2] == "true" {
			s.SelectedPair = p.ID
		}
		s.Pairs = append(s.Pairs, p)
	}
	_, raw, _ := strings.Cut(part, `id="ice-raw-stats-fold: `)
	raw, _, _ = strings.Cut(raw, "</div>")
	mine, theirs, _ := strings.Cut(raw, "about-webrtc-raw-remote-candidate")
	c.pageLocal(mine, &s)
	var lines []string
	for _, cells := range tableRows(theirs) {
		lines = append(lines, cells...)
	}
	c.samples = append(c.samples, s)
	c.rawRemote(lines)
	c.signalLocal(s.Local)
	c.firefoxStates(s)
}

func between(text, from, to string) string {
	_, text, ok := strings.Cut(text, from)
	if !ok {
		return ""
	}
	text, _, _ = strings.Cut(text, to)
	return text
}

// stripped is the text of a piece of HTML.
func stripped(text string) string {
	var b strings.Builder
	for text != "" {
		before, rest, ok := strings.Cut(text, "<")
		b.WriteString(before)
		if !ok {
			break
		}
		_, text, _ = strings.Cut(rest, ">")
	}
	return html.UnescapeString(b.String())
}

// tableRows are the cells of a table's rows, without its heads.
func tableRows(table string) (rows [][]string) {
	for row := range strings.SplitSeq(table, "<tr") {
		var cells []string
		for cell := range strings.SplitSeq(row, "<td") {
			if inner, _, ok := strings.Cut(cell, "</td>"); ok {
				if _, inner, ok = strings.Cut(inner, ">"); ok {
					cells = append(cells, strings.TrimSpace(stripped(inner)))
				}
			}
		}
		if len(cells) > 0 && len(rows) < maxPairs {
			rows = append(rows, cells)
		}
	}
	return rows
}

func pageCount(cell string) *int64 {
	n, err := strconv.ParseInt(cell, 10, 64)
	if err != nil || n < 0 {
		return nil
	}
	return &n
}

// pageCandidate reads ADDRESS:PORT/PROTOCOL(TYPE) [PROXIED], notes it in the sample, and gives its id there.
func (s *sample) pageCandidate(cell string, local bool) string {
	text, _, _ := strings.Cut(cell, " [")
	at, rest, ok := strings.Cut(text, "/")
	proto, typ, ok2 := strings.Cut(rest, "(")
	colon := strings.LastIndexByte(at, ':')
	if !ok || !ok2 || colon < 0 {
		return ""
	}
	typ = strings.TrimSuffix(typ, ")")
	c := protocol.SampleCandidate{ID: "remote " + text, Address: strings.Trim(at[:colon], "[]"), Protocol: strings.ToLower(proto), Type: typ}
	if typ, relay, ok := strings.Cut(typ, "-"); ok {
		c.Type, c.RelayProtocol = typ, relay
	}
	port, err := strconv.ParseUint(at[colon+1:], 10, 16)
	if err != nil {
		return ""
	}
	c.Port = int(port)
	list := &s.Remote
	if local {
		c.ID, list = "local "+text, &s.Local
	}
	if !has(*list, c.ID) && len(*list) < maxCandidates {
		*list = append(*list, c)
	}
	return c.ID
}

// pageLocal adds the local candidates that no pair was made with. They are written TYPE(IP4:ADDRESS:PORT/PROTOCOL|…), with the real address of a host candidate whose name was
// signaled: that address is not taken over, since nobody was told it.
func (c *conn) pageLocal(raw string, s *sample) {
	for _, cells := range tableRows(raw) {
		typ, rest, ok := strings.Cut(cells[0], "(")
		at, _, _ := strings.Cut(rest, "|")
		at, active, _ := strings.Cut(at, ")")
		at, proto, ok2 := strings.Cut(at, "/")
		_, at, ok3 := strings.Cut(at, ":")
		host, port, err := net.SplitHostPort(at)
		if err != nil {
			if i := strings.LastIndexByte(at, ':'); i >= 0 {
				host, port = strings.Trim(at[:i], "[]"), at[i+1:]
			}
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if !ok || !ok2 || !ok3 || err != nil || typ != "host" && typ != "srflx" && typ != "relay" {
			continue
		}
		one := protocol.SampleCandidate{ID: "local " + cells[0], Type: typ, Protocol: strings.ToLower(proto), Address: host, Port: int(n)}
		if strings.Contains(active, "active") {
			one.TCPType = "active"
		}
		if typ == "host" {
			one.Address = ""
		}
		if !slices.ContainsFunc(s.Local, func(x protocol.SampleCandidate) bool {
			return x.Type == one.Type && x.Protocol == one.Protocol && x.Port == one.Port
		}) && len(s.Local) < maxCandidates {
			s.Local = append(s.Local, one)
		}
	}
}

// pageConfiguration reads iceTransportPolicy and the URLs of the servers.
func (c *conn) pageConfiguration(text string) {
	text = stripped("<" + text)
	c.relayOnly = strings.Contains(text, "iceTransportPolicy: relay")
	for _, part := range strings.Split(text, "urls: ")[1:] {
		end := strings.IndexByte(part, ']')
		if end < 0 || len(c.servers) == protocol.MaxICEServers {
			continue
		}
		var urls []string
		if json.Unmarshal([]byte(part[:end+1]), &urls) == nil {
			raw, _ := json.Marshal([]map[string]any{{"urls": urls}})
			c.servers = append(c.servers, readServers(raw)...)
		}
	}
}

// pageDescriptions reads the history of descriptions, which tells when each was set and by which side.
func (c *conn) pageDescriptions(part string) {
	_, history, ok := strings.Cut(part, `id="tab_pane_history_`)
	if !ok {
		return
	}
	_, history, _ = strings.Cut(history, `class="sdp-history"`)
	_, history, _ = strings.Cut(history, "about-webrtc-local-sdp-heading")
	mine, theirs, _ := strings.Cut(history, "about-webrtc-remote-sdp-heading")
	type dated struct {
		firefoxSDP
		broken bool
	}
	var all []dated
	for i, side := range []string{mine, theirs} {
		for _, piece := range strings.Split(side, "about-webrtc-sdp-set-timestamp")[1:] {
			var d dated
			d.Local, d.broken = i == 0, strings.Contains(piece, "about-webrtc-sdp-parsing-errors-heading")
			d.SDP = strings.ReplaceAll(html.UnescapeString(between(piece, "<pre>", "</pre>")), "\n", "\r\n")
			all = append(all, d)
		}
		// The arguments stand before the name of the sentence.
		n := 0
		for _, piece := range strings.Split(side, `data-l10n-args="`)[1:] {
			attr, rest, _ := strings.Cut(piece, `"`)
			tag, _, _ := strings.Cut(rest, ">")
			if !strings.Contains(tag, "about-webrtc-sdp-set-timestamp") {
				continue
			}
			var args struct {
				Timestamp float64 `json:"timestamp"`
			}
			if json.Unmarshal([]byte(html.UnescapeString(attr)), &args) == nil {
				k := 0
				for j := range all {
					if all[j].Local == (i == 0) {
						if k == n {
							all[j].Timestamp = args.Timestamp
						}
						k++
					}
				}
			}
			n++
		}
	}
	slices.SortStableFunc(all, func(x, y dated) int { return cmp.Compare(x.Timestamp, y.Timestamp) })
	for _, d := range all[:min(len(all), maxDescriptions)] {
		c.describe(d.Local, d.SDP, safeMs(d.Timestamp), d.broken)
	}
}
