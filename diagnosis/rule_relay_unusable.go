package diagnosis

import (
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// A relay helps where both ends can use it: it must answer, accept the credentials, give an address, and pass packets between that address and the other end. Each of these
// breaks by itself, and in a network that lets nothing else through each looks like "TURN does not work".

// relayUse is what one peer did with the relays of one kind of trial in one run: in the trial, and in the gathering beside it.
type relayUse struct {
	peer *peer
	kind protocol.TrialKind
	run  int
	t    *trial // nil: only the gathering is there
	n    *end   // in t
	ends []*end
}

// relayUses are the trials of pasted servers and those of this server's own relay.
func (f *Fold) relayUses(p *peer) (out []*relayUse) {
	add := func(kind protocol.TrialKind, run int, n *end, t *trial) {
		i := slices.IndexFunc(out, func(u *relayUse) bool { return u.kind == kind && u.run == run })
		if i < 0 {
			i, out = len(out), append(out, &relayUse{peer: p, kind: kind, run: run})
		}
		u := out[i]
		u.ends = append(u.ends, n)
		if t != nil {
			u.t, u.n = t, n
		}
	}
	for _, n := range p.alone {
		if kind, run, _ := n.trial.Split(); kind == protocol.TrialGather {
			add(protocol.TrialCustom, run, n, nil)
		}
	}
	for _, t := range f.trials {
		for _, n := range t.ends() {
			if n.peer == p && (t.kind == protocol.TrialCustom || t.kind.Relay()) {
				add(t.kind, t.run, n, t)
			}
		}
	}
	return slices.DeleteFunc(out, func(u *relayUse) bool {
		return !slices.ContainsFunc(u.ends, func(n *end) bool { return slices.ContainsFunc(n.urls(), isTURN) })
	})
}

// relayUnusable: a relay was configured and is of no use, because it does not answer, refuses, or passes nothing on.
func relayUnusable(f *Fold) (out []Finding) {
	for _, p := range f.peers {
		for _, u := range f.relayUses(p) {
			x := Finding{Severity: protocol.SeverityWarning, Confidence: protocol.Possible, Peers: []string{p.id}, Trial: u.kind, Run: u.run}
			if u.t != nil && u.t.failed() && u.t.stop.Reason != protocol.ReasonPeerLeft && u.t.stop.Reason != protocol.ReasonPeerError {
				x.Severity, x.breaks = protocol.SeverityError, []protocol.TrialKind{u.kind}
			}
			if f.refused(&x, u) || f.unanswered(&x, u) || f.passesNothing(&x, u) {
				if x.Confidence == protocol.Likely && u.kind != protocol.TrialRelayTCP && u.t != nil && (f.forgetful(u.t.a.peer) || f.forgetful(u.t.b.peer)) {
					x.Confidence = protocol.Possible // the relay loses a client whose address changes
				}
				out = append(out, x)
			}
		}
	}
	return out
}

// say takes the first reading for the summary; what is found beside it only adds evidence.
func (x *Finding) say(key string, c protocol.Confidence, args ...string) {
	if x.Summary.Args != nil {
		return
	}
	x.Confidence = c
	x.Summary = catalog.T("", args...)
	x.Summary.Key, x.Remedy.Key = key, key
}

// refusals are the readings of the codes in which TURN servers refuse (RFC 8656 section 19, RFC 8489 section 14.8).
var refusals = map[int]string{
	401: "-credentials", 432: "-credentials", 441: "-credentials", 430: "-credentials",
	486: "-quota", 508: "-quota",
}

// surely is the confidence in what a server has said: until the gathering is over, the browser may try again, or from another interface or family, and be given an address.
func (u *relayUse) surely(n *end) protocol.Confidence {
	if n.over() < math.MaxInt || n == u.n && u.t.stop != nil {
		return protocol.Certain
	}
	return protocol.Likely
}

// refused: the server answered, and gave no address. Its own words, so certain once it can give none any more.
func (f *Fold) refused(x *Finding, u *relayUse) bool {
	type refusal struct {
		url  string
		code int
	}
	var all []refusal
	said := false
	for _, n := range u.ends {
		for _, e := range n.errors {
			if e.Code < 300 || e.Code > 699 || e.URL != "" && strings.HasPrefix(e.URL, "stun") {
				continue
			}
			r := refusal{e.URL, e.Code}
			if slices.Contains(all, r) {
				continue
			}
			all = append(all, r)
			url := e.URL
			if url == "" {
				url = strings.Join(slices.DeleteFunc(n.urls(), func(s string) bool { return !isTURN(s) }), ", ")
			}
			if n.relayed(url) {
				continue // it refused one of several requests
			}
			said = true
			reading := refusals[e.Code]
			if reading == "" {
				reading = "-refused"
			}
			expired, until := f.expired(n, url)
			if reading == "-credentials" && expired {
				reading = "-expired"
			}
			sure := u.surely(n)
			if reading == "-expired" {
				sure = protocol.Likely // by this server's clock
			}
			x.say(reading, sure, "peer", u.peer.name(), "url", url, "code", strconv.Itoa(e.Code), "until", until)
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.turn-refused", "peer", u.peer.name(), "url", url, "code", strconv.Itoa(e.Code), "text", strings.TrimSpace(e.Text)), e.event))
			if expired {
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.turn-expired", "url", url, "until", until), n.startEvent))
			}
		}
	}
	return said
}

// expired: is the user name of the form TIMESTAMP:NAME that TURN REST services give out (draft-uberti-behave-turn-rest section 2.2), and is that time over?
func (f *Fold) expired(n *end, url string) (over bool, until string) {
	began, err := time.Parse(time.RFC3339, f.room.Started)
	if err != nil {
		return false, ""
	}
	for _, s := range n.servers {
		if !slices.ContainsFunc(s.URLs, func(v string) bool { return strings.Contains(url, v) || sameURL(v, url) }) {
			continue
		}
		stamp, _, _ := strings.Cut(s.Username, ":")
		if len(stamp) < 10 { // Unix time has ten digits since 2001
			continue
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if err != nil || seconds > maxUnix {
			continue
		}
		end := time.Unix(seconds, 0).UTC()
		return end.Before(began.Add(time.Duration(n.startMs) * time.Millisecond)), end.Format(time.RFC3339)
	}
	return false, ""
}

// maxUnix is the end of the year 9999, beyond which no time can be written.
const maxUnix = 253402300799

// unanswered: nothing came from the server at all. Of this server's own relay the same is stun-unreachable's affair where STUN is not answered either.
func (f *Fold) unanswered(x *Finding, u *relayUse) bool {
	var m mute
	if u.kind.Relay() {
		if m = f.mute(u.peer); m.seen() {
			return false
		}
	}
	found := false
	for _, n := range u.ends {
		for _, url := range n.urls() {
			if !isTURN(url) || f.unfound(n, u.run, hostOf(url)) || n.relayed(url) {
				continue
			}
			if events := n.unreachable(url); len(events) > 0 {
				if u.kind == protocol.TrialCustom && u.peer.firefox() && isName(hostOf(url)) {
					x.say("-silent", protocol.Possible, "peer", u.peer.name(), "url", url)
				}
				x.say("-silent", u.surely(n), "peer", u.peer.name(), "url", url)
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-error", "peer", u.peer.name(), "url", url), events...))
				found = true
				continue
			}
			at, ms := n.stopEvent, n.stopMs
			silent := n.stopped && n.gatherEv < 0 && n.trial.Kind() == protocol.TrialGather
			// An end that was done without an address and without an error was not let try (non-proxied-udp-disabled), and the other had no time.
			if n == u.n && u.kind.Relay() && u.t.relayless() && n.gatherEv < 0 && u.t.stopMs-u.t.startedMs >= STUNPatienceMs && u.t.waited(n) {
				at, ms, silent = u.t.stopEvent, u.t.stopMs, true
			}
			if silent {
				x.say("-silent", protocol.Likely, "peer", u.peer.name(), "url", url)
				x.Evidence = append(x.Evidence, note(catalog.T("evidence.server-silent", "peer", u.peer.name(), "url", url, "seconds", itoa(int(ms-n.startMs)/1000)), at))
				found = true
			}
		}
	}
	return found
}

// relayed: did this server give an address? Firefox does not tell which did.
func (n *end) relayed(url string) bool {
	return slices.ContainsFunc(n.candidates, func(c *candidate) bool { return c.Type == "relay" && (c.url == "" || sameURL(c.url, url)) })
}

// passesNothing: addresses were given, and not one check passed between them and the other end. Chromium shows a relayed pair as failed when it has sent hardly anything, long before its own time-out,
// where the server would not have the other end as a peer (CreatePermission refused with 403, RFC 8656 section 9.2); it makes no event of it.
func (f *Fold) passesNothing(x *Finding, u *relayUse) bool {
	if u.t == nil || len(x.breaks) == 0 {
		return false
	}
	n, far := u.n, u.t.other(u.n)
	if _, names := u.t.namesOnly(far); names && !n.relayPaired(u.t.stopEvent) {
		return false // relay-cannot-reach-masked: it was never asked to
	}
	var given *candidate
	for _, c := range n.ofType("relay") {
		if c.event < u.t.stopEvent && c.applied != nil && *c.applied && given == nil {
			given = c
		}
	}
	if given == nil {
		return false
	}
	var out, in, arrivedFar, arrivedHere int64
	denied, toRelay := 0, 0
	var events []int
	for _, q := range n.pairs {
		if !strings.HasPrefix(q.base, relayBase) {
			continue
		}
		if value(q.ResponsesReceived) > 0 {
			return false
		}
		events = addEvents(events, q.event)
		out, arrivedHere = out+value(q.RequestsSent), arrivedHere+value(q.RequestsReceived)
		toRelay++
		if q.State == "failed" && q.RequestsSent != nil && *q.RequestsSent < fewRequests {
			denied++
		}
	}
	for _, q := range far.pairs {
		base, _ := n.resolve(q.remote)
		if !strings.HasPrefix(base, relayBase) {
			continue
		}
		if value(q.ResponsesReceived) > 0 {
			return false
		}
		events = addEvents(events, q.event)
		in, arrivedFar = in+value(q.RequestsSent), arrivedFar+value(q.RequestsReceived)
	}
	relay := endpoint(given.Address, given.Port)
	args := []string{"peer", n.peer.name(), "other", far.peer.name(), "relay", relay}
	sure := protocol.Likely
	if len(far.srflx())+len(udpSightings(far.peer))+len(far.ofType("relay")) == 0 || f.refuses(u.t) {
		sure = protocol.Possible // perhaps that end can send and receive no UDP at all
	}
	switch {
	case toRelay > 0 && denied == toRelay:
		x.say("-peers", sure, args...)
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-denied", "peer", n.peer.name(), "relay", relay, "pairs", itoa(denied)), events...))
	case out >= enoughRequests && arrivedFar == 0 && far.counters || in >= enoughRequests && arrivedHere == 0 && n.counters:
		key := "-lost"
		if server, ok := n.serverOf(given); ok && server != addrOf(given.Address) {
			key = "-address"
			args = append(args, "server", server.String())
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-elsewhere", "relay", relay, "server", server.String()), given.event))
		}
		x.say(key, sure, args...)
		if out > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-none-arrived", "from", n.peer.name(), "to", far.peer.name(), "relay", relay, "sent", itoa64(out)), events...))
		}
		if in > 0 {
			x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-none-entered", "from", far.peer.name(), "to", n.peer.name(), "relay", relay, "sent", itoa64(in)), events...))
		}
	case toRelay > 0 && !n.counters: // Firefox does not count
		x.say("-lost", protocol.Possible, args...)
		x.Evidence = append(x.Evidence, note(catalog.T("evidence.relay-no-answer", "peer", n.peer.name(), "other", far.peer.name(), "relay", relay), events...))
	default:
		return false
	}
	return true
}

// serverOf is the literal IP of the server that gave a relayed candidate; where the browser does not tell which, of the only one.
func (n *end) serverOf(c *candidate) (netip.Addr, bool) {
	url := c.url
	if url == "" {
		for _, u := range n.urls() {
			if isTURN(u) && url != "" && hostOf(u) != hostOf(url) {
				return netip.Addr{}, false
			} else if isTURN(u) {
				url = u
			}
		}
	}
	ip, err := netip.ParseAddr(hostOf(url))
	return ip.Unmap(), err == nil
}

func isTURN(url string) bool {
	return strings.HasPrefix(strings.ToLower(url), "turn:") || strings.HasPrefix(strings.ToLower(url), "turns:")
}

// hostOf is the host in a server's URL, an IP without brackets.
func hostOf(url string) string {
	_, rest, _ := strings.Cut(normalURL(url), ":")
	rest, _, _ = strings.Cut(rest, "?")
	if i := strings.LastIndexByte(rest, ':'); i >= 0 {
		rest = rest[:i]
	}
	return strings.Trim(rest, "[]")
}

// isName: is the host to be looked up?
func isName(host string) bool {
	_, err := netip.ParseAddr(host)
	return err != nil && host != ""
}
