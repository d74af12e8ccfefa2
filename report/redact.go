package report

import (
	"cmp"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/icescope/icescope/protocol"
)

// Redact takes out of a report what names machines, networks and people, and keeps what explains: equal addresses stay equal everywhere, subnets stay
// subnets, private stays private, ports stay. docs/report.md has the rules.
//
// It works on the strings, not on the members that are known to hold addresses: a sentence, an error text or a candidate line is searched like a column.
// One call is one set of pseudonyms; two reports cannot be compared with each other.
func Redact(r protocol.Report) protocol.Report {
	d := newRedactor()
	d.secret(r.Room, "redacted")
	for _, p := range r.Peers {
		d.secret(p.Label, "peer "+p.ID)
	}
	out := redacted(d, r)
	out.Redacted = true
	for i, p := range out.Peers {
		if p.Label != "" {
			out.Peers[i].Label = "peer " + p.ID
		}
	}
	return out
}

// RedactEvents does the same for a recording. Its pseudonyms are its own, not those of the report.
func RedactEvents(events []protocol.Event) []protocol.Event {
	d := newRedactor()
	for _, e := range events {
		if e.Joined != nil {
			d.secret(e.Joined.Label, "peer "+e.Peer)
		}
		if e.Room != nil {
			d.secret(e.Room.Room, "redacted")
		}
	}
	out := redacted(d, events)
	for _, e := range out {
		if e.Joined != nil && e.Joined.Label != "" {
			e.Joined.Label = "peer " + e.Peer
		}
	}
	return out
}

// redacted learns all of v before it replaces any of it.
func redacted[T any](d *redactor, v T) T {
	rewrite(reflect.ValueOf(v), nil, "", func(m member, s string) string { d.learn(m, s); return s })
	d.sort()
	return rewrite(reflect.ValueOf(v), nil, "", d.replace).Interface().(T)
}

type redactor struct {
	book        *addressBook
	masked      map[string]string // lower-case .local name to pseudonym
	hosts       map[string]string // lower-case host name to pseudonym
	foundations map[string]string
	literals    map[string]string // all that is searched for as it is
	early, late []string          // keys of literals, the longest first: those that hold an address or a dot, and the others
}

func newRedactor() *redactor {
	return &redactor{book: newAddressBook(), masked: map[string]string{}, hosts: map[string]string{}, foundations: map[string]string{}, literals: map[string]string{}}
}

var (
	// words are members whose strings are words of a standard or of protocol: a label "host" must not change a candidate's type.
	words = set("Schema", "Version", "GeneratedAt", "Started", "Type", "Protocol", "RelayProtocol", "TCPType", "Transport", "NetworkType", "State", "StateB",
		"ICEState", "DTLSState", "Step", "What", "Value", "Kind", "Purpose", "Result", "TiedBy", "Reason", "Permission", "MediaPermission", "Browser",
		"URL", "URLs", "ID", "A", "B", "From", "To", "Offerer", "Answerer", "Peer", "Peers", "Name")
	// verbatim are those of the words that may look like an address, and are none: a version of four numbers.
	verbatim = set("Schema", "Version", "GeneratedAt", "Started", "Browser", "Name")
	// hostFields hold a host, with nothing around it.
	hostFields = set("Host", "Address", "RelatedAddress", "HostCandidate")

	mdnsName      = regexp.MustCompile(`(?i)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.local\b`)
	urlHost       = regexp.MustCompile(`(?i)\b(?:stuns?:|turns?:|https?://|wss?://)(?:[^\s/@]*@)?([^\s:/?#@,;"'<>()\[\]]+)`)
	candidateLine = regexp.MustCompile(`(?i)candidate:(\S+) \d+ (?:udp|tcp|ssltcp) `)
	icePwd        = regexp.MustCompile(`a=ice-pwd:([^\s]+)`)
	product       = regexp.MustCompile(`(?:Chrome|Chromium|HeadlessChrome|Firefox|Edg|OPR|Version|Safari|icescope)/v?\d+`)
	addressy      = regexp.MustCompile(`[0-9A-Fa-f:.]{2,}`)
	four          = regexp.MustCompile(`\d{1,3}(?:\.\d{1,3}){3}`)
	zone          = regexp.MustCompile(`^%[0-9A-Za-z_.-]+`)
	length        = regexp.MustCompile(`^/(\d{1,3})\b`)
)

func set(names ...string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		m[n] = true
	}
	return m
}

// secret is a literal that must not stand in the output. One ASCII character, or a number under four digits, names nobody, and would be found in every count.
func (d *redactor) secret(s, pseudonym string) {
	digits := strings.Trim(s, "0123456789") == ""
	if s == "" || len(s) == 1 || digits && len(s) < 4 || strings.EqualFold("peer "+s, pseudonym) {
		return
	}
	if _, known := d.literals[s]; !known {
		d.literals[s] = pseudonym
	}
	if c := clean(s); c != s && c != "" { // sentences and documents hold the cleaned form
		d.secret(c, pseudonym)
	}
}

// host notes a host name. .local names are looked for by their form too, but where they stand alone they may be in any script.
func (d *redactor) host(name string) {
	if name == "" || strings.EqualFold(name, "localhost") || len(findAddresses(name)) > 0 {
		return
	}
	if protocol.IsMDNS(name) {
		d.secret(name, numbered(d.masked, strings.ToLower(name), "name-%d.local"))
		return
	}
	key := strings.ToLower(name)
	if _, known := d.hosts[key]; !known {
		d.hosts[key] = fmt.Sprintf("host-%d.example", len(d.hosts)+1)
	}
	d.secret(name, d.hosts[key])
}

func (d *redactor) learn(m member, s string) {
	if verbatim[m.field] || m.field == "UserAgent" {
		return
	}
	for _, found := range findAddresses(s) {
		d.book.learn(found.addr)
	}
	for _, match := range urlHost.FindAllStringSubmatch(s, -1) {
		d.host(match[1])
	}
	if hostFields[m.field] {
		name, _, _ := strings.Cut(s, ":") // the host that a page was opened with may have its port
		d.host(name)
	}
	if m.in == reflect.TypeFor[protocol.ICEServer]() {
		switch m.field {
		case "Username":
			d.secret(s, fmt.Sprintf("user-%d", len(d.literals)))
		case "Credential":
			d.secret(s, "redacted")
		}
	}
}

func (d *redactor) sort() {
	for s := range d.literals {
		if strings.Contains(s, ".") || len(findAddresses(s)) > 0 {
			d.early = append(d.early, s)
		} else {
			d.late = append(d.late, s)
		}
	}
	for _, list := range [][]string{d.early, d.late} {
		slices.SortFunc(list, func(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) })
	}
}

// piece is a part of a string; done ones are pseudonyms and are not searched again.
type piece struct {
	text string
	done bool
}

func (d *redactor) replace(m member, s string) string {
	switch {
	case verbatim[m.field] || s == "":
		return s
	case m.field == "UserAgent":
		return strings.Join(product.FindAllString(s, -1), " ") // what tells browsers apart, no more
	case m.field == "Room":
		return "redacted"
	case m.field == "Foundation":
		return numbered(d.foundations, s, "f%d")
	case m.in == reflect.TypeFor[protocol.ICEServer]() && m.field == "Credential":
		return "redacted"
	case m.in == reflect.TypeFor[protocol.ICEServer]() && m.field == "Username" && d.literals[s] == "":
		return "user"
	}
	pieces := []piece{{text: s}}
	pieces = each(pieces, func(s string) []span {
		return groups(candidateLine, s, func(f string) string { return numbered(d.foundations, f, "f%d") })
	})
	pieces = each(pieces, func(s string) []span {
		return groups(icePwd, s, func(string) string { return "redacted-redacted-redacted" })
	})
	pieces = each(pieces, func(s string) []span {
		return groups(urlHost, s, func(name string) string { return d.hosts[strings.ToLower(name)] })
	})
	pieces = each(pieces, func(s string) []span { return d.literalsIn(s, d.early) })
	pieces = each(pieces, func(s string) []span {
		var out []span
		for _, at := range mdnsName.FindAllStringIndex(s, -1) {
			out = append(out, span{at[0], at[1], numbered(d.masked, strings.ToLower(s[at[0]:at[1]]), "name-%d.local")})
		}
		return out
	})
	pieces = each(pieces, func(s string) []span {
		var out []span
		for _, a := range findAddresses(s) {
			out = append(out, span{a.from, a.to, d.pseudonym(a)})
		}
		return out
	})
	if !words[m.field] {
		pieces = each(pieces, func(s string) []span { return d.literalsIn(s, d.late) })
	}
	var b strings.Builder
	for _, p := range pieces {
		b.WriteString(p.text)
	}
	return b.String()
}

// span is what to put in place of s[from:to].
type span struct {
	from, to int
	text     string
}

// each searches what is not done yet. The spans that find returns are in order and do not overlap.
func each(pieces []piece, find func(string) []span) []piece {
	var out []piece
	for _, p := range pieces {
		if p.done {
			out = append(out, p)
			continue
		}
		at := 0
		for _, f := range find(p.text) {
			out = append(out, piece{text: p.text[at:f.from]}, piece{f.text, true})
			at = f.to
		}
		out = append(out, piece{text: p.text[at:]})
	}
	return out
}

// groups replaces the first group of each match; an empty pseudonym leaves it.
func groups(re *regexp.Regexp, s string, pseudonym func(string) string) (out []span) {
	for _, at := range re.FindAllStringSubmatchIndex(s, -1) {
		if p := pseudonym(s[at[2]:at[3]]); p != "" {
			out = append(out, span{at[2], at[3], p})
		}
	}
	return out
}

func numbered(m map[string]string, s, format string) string {
	if _, ok := m[s]; !ok {
		m[s] = fmt.Sprintf(format, len(m)+1)
	}
	return m[s]
}

// literalsIn finds the longest literal at each place, without regard to ASCII case. Where it begins or ends with an ASCII letter or digit it must be a word
// of its own; other scripts write no spaces between words.
func (d *redactor) literalsIn(s string, literals []string) (out []span) {
	if len(literals) == 0 {
		return nil
	}
	alnum := func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' }
	for i := 0; i < len(s); {
		next := i + 1
		for _, l := range literals {
			end := i + len(l)
			if end > len(s) || !strings.EqualFold(s[i:end], l) ||
				i > 0 && alnum(l[0]) && alnum(s[i-1]) || end < len(s) && alnum(l[len(l)-1]) && alnum(s[end]) || !utf8.RuneStart(s[i]) {
				continue
			}
			out = append(out, span{i, end, d.literals[l]})
			next = end
			break
		}
		i = next
	}
	return out
}

// found is an address in a text, with the zone and the prefix length that follow it.
type found struct {
	from, to int
	addr     netip.Addr
	bits     int // -1: no prefix length
}

func (d *redactor) pseudonym(a found) string {
	if a.bits < 0 {
		return d.book.address(a.addr).String()
	}
	if p := netip.PrefixFrom(a.addr, a.bits); p == p.Masked() {
		return d.book.prefix(p).String()
	}
	return fmt.Sprintf("%s/%d", d.book.address(a.addr), a.bits) // an interface's address with its length
}

// maxAddressText is the longest text of an IPv6 address, with an IPv4 one at its end.
const maxAddressText = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// findAddresses finds IP literals, also where punctuation or a port stands next to them. Fingerprints (RFC 8122: two digits a group) are none.
func findAddresses(s string) (out []found) {
	for _, run := range addressy.FindAllStringIndex(s, -1) {
		if fingerprint(s[run[0]:run[1]]) {
			continue
		}
		for i := run[0]; i < run[1]; {
			a, end := addressAt(s[:run[1]], run[0], i)
			if !a.IsValid() {
				i++
				continue
			}
			f := found{from: i, to: end, addr: a, bits: -1}
			if a.Is6() && end == run[1] {
				f.to += len(zone.FindString(s[end:]))
			}
			if m := length.FindStringSubmatch(s[f.to:]); m != nil {
				if bits, err := strconv.Atoi(m[1]); err == nil && bits < a.BitLen() && !a.Is4In6() {
					f.bits, f.to = bits, f.to+len(m[0])
				}
			}
			out = append(out, f)
			i = max(f.to, i+1)
		}
	}
	return out
}

// addressAt is the longest address that begins at i of a run of hexadecimal digits, colons and dots that begins at start and ends with s.
func addressAt(s string, start, i int) (netip.Addr, int) {
	if at := four.FindStringIndex(s[i:min(len(s), i+15)]); at != nil && at[0] == 0 && (i == start || s[i-1] < '0' || s[i-1] > '9') {
		if a, err := netip.ParseAddr(withoutZeros(s[i : i+at[1]])); err == nil {
			return a, i + at[1]
		}
	}
	if i > start && s[i-1] != ':' && s[i-1] != '.' || i > start && s[i-1] == ':' && s[i] == ':' {
		return netip.Addr{}, 0
	}
	for end := min(len(s), i+maxAddressText); end-i >= 2; end-- {
		if end < len(s) && s[end] != ':' && s[end] != '.' || !strings.Contains(s[i:end], ":") {
			continue
		}
		if a, err := netip.ParseAddr(s[i:end]); err == nil {
			return a, end
		}
	}
	return netip.Addr{}, 0
}

func fingerprint(run string) bool {
	groups := strings.Split(strings.Trim(run, ":."), ":")
	return len(groups) > 8 && !slices.ContainsFunc(groups, func(g string) bool { return len(g) != 2 })
}

// withoutZeros: "010.0.0.5" is read as an address by some, so it is one here.
func withoutZeros(s string) string {
	parts := strings.Split(s, ".")
	for i, p := range parts {
		if parts[i] = strings.TrimLeft(p, "0"); parts[i] == "" {
			parts[i] = "0"
		}
	}
	return strings.Join(parts, ".")
}
