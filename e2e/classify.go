package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/protocol"
)

// Client is a program that says what a NAT does.
type Client string

// The clients: ours, and others against the same server.
const (
	ClientCLI      Client = "cli" // icescope nat
	ClientChromium Client = "chromium"
	ClientFirefox  Client = "firefox"
	ClientCoturn   Client = "coturn" // turnutils_natdiscovery
	ClientSTUN     Client = "stun"   // Debian's stun-client, RFC 3489
	ClientPion     Client = "pion"   // cmd/stun-nat-behaviour
)

// Clients are all, OwnClients those whose wrong answer is a defect of ours.
var (
	Clients    = []Client{ClientCLI, ClientChromium, ClientFirefox, ClientCoturn, ClientSTUN, ClientPion}
	OwnClients = Clients[:3]
)

// Program is what has to be installed for a client; empty: nothing beside the toolchain.
func (c Client) Program() string {
	return map[Client]string{ClientChromium: "chromium", ClientFirefox: "firefox-esr", ClientCoturn: "turnutils_natdiscovery", ClientSTUN: "stun"}[c]
}

const (
	// answerDeadline is for one answer. coturn waits 3 s for each packet that does not come.
	answerDeadline = 20 * time.Second
	// pionPackage is built from the module that go.mod names.
	pionPackage = "github.com/pion/stun/v3/cmd/stun-nat-behaviour"
)

// NATAnswer is what a client says of a NAT. What it says nothing about is empty.
type NATAnswer struct {
	Client                Client
	Translated, Rewritten *bool
	Mapping, Filtering    protocol.Behavior
	RFC3489               protocol.ClassicNAT
	// Took is how long the client says it needed, or how long it ran.
	Took time.Duration
	Said string // the words that it was understood from
}

func (a NATAnswer) String() string {
	if a.Mapping == "" && a.Filtering == "" {
		return string(a.RFC3489)
	}
	word := func(b protocol.Behavior, i int) string {
		if b == "" {
			return "?"
		}
		return behaviourWords[b][i]
	}
	return word(a.Mapping, 0) + "-" + word(a.Filtering, 1)
}

// Grade is what an answer is worth.
type Grade string

// The grades.
const (
	Right       Grade = "right"
	RightBlind  Grade = "right: not measurable" // it truly is not, from there
	Wrong       Grade = "wrong"
	NotMeasured Grade = "not measurable"
)

// Grade holds an answer against the truth. why names what is wrong or missing.
func (n NAT) Grade(a NATAnswer) (g Grade, why string) {
	grade := Right
	var reasons []string
	say := func(to Grade, format string, args ...any) {
		if grade != Wrong {
			grade = to
		}
		reasons = append(reasons, fmt.Sprintf(format, args...))
	}
	behaviour := func(what string, is protocol.Behavior, right ...protocol.Behavior) {
		switch {
		case is == "" || slices.Contains(right, is):
		case is == protocol.NotMeasurable && slices.Contains(n.Blind, a.Client):
		case is == protocol.NotMeasurable:
			say(NotMeasured, "%s", what)
		default:
			say(Wrong, "%s is %s, not %s", what, right[0], is)
		}
	}
	behaviour("mapping", a.Mapping, append([]protocol.Behavior{n.Mapping}, n.Also...)...)
	filtering := []protocol.Behavior{n.Filtering}
	if slices.Contains(n.Also, protocol.NotMeasurable) {
		filtering = append(filtering, protocol.NotMeasurable) // where a mapping cannot be held, nothing can be sent to it
	}
	behaviour("filtering", a.Filtering, filtering...)
	if a.Translated != nil && *a.Translated != n.Translated && !n.Lies {
		say(Wrong, "translated is %v", n.Translated)
	}
	if a.Rewritten != nil && *a.Rewritten != n.Rewritten && !n.Lies {
		say(Wrong, "rewritten is %v", n.Rewritten)
	}
	if name := protocol.Classic(&n.Translated, n.Mapping, n.Filtering); a.RFC3489 != "" && a.RFC3489 != name && !n.Lies {
		say(Wrong, "it is a %s, not %s", name, a.RFC3489)
	}
	if a.Mapping == "" && a.Filtering == "" && a.RFC3489 == "" {
		say(NotMeasured, "no answer")
	}
	if grade == Right && a.Mapping == protocol.NotMeasurable {
		grade = RightBlind
	}
	return grade, strings.Join(reasons, "; ")
}

// NATBench is a NAT that stands, with a server outside and a machine inside for the clients.
type NATBench struct {
	*Bench
	NAT      NAT
	lab      *NATLab
	binary   string
	tools    string // directory of what was built for it
	browsers map[Client]Browser
}

// SetNATBench builds the network and starts the server. What it needs to build, it builds into tools, once.
func SetNATBench(ctx context.Context, n NAT, binary, tools, logFile string) (_ *NATBench, err error) {
	b := &NATBench{NAT: n, binary: binary, tools: tools, browsers: map[Client]Browser{}}
	if b.Bench, err = Set(ctx, Scenario{Name: n.Name, Title: n.Title, Network: NATNetwork(n), Serve: []string{openRooms}}, binary, logFile); err != nil {
		return nil, err
	}
	b.lab = natsOf(b.Lab)
	if err := b.lab.SetNAT(0, n); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// Close ends the browsers, the server and the network.
func (b *NATBench) Close() error {
	for _, browser := range b.browsers {
		browser.Close()
	}
	return errors.Join(b.lab.stop(), b.Bench.Close())
}

// Ask lets a client say what the NAT does. A browser is started for the first question and kept.
func (b *NATBench) Ask(ctx context.Context, c Client) (NATAnswer, error) {
	if c == ClientChromium || c == ClientFirefox {
		if err := b.open(ctx, c); err != nil {
			return NATAnswer{}, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, answerDeadline)
	defer cancel()
	a, err := b.ask(ctx, c)
	a.Client = c
	return a, err
}

func (b *NATBench) ask(ctx context.Context, c Client) (NATAnswer, error) {
	switch c {
	case ClientChromium, ClientFirefox:
		return b.askPage(ctx, c)
	case ClientCLI:
		text, took, err := b.tool(ctx, b.binary, "nat", "--json", ServerIP)
		if err != nil {
			return NATAnswer{}, err
		}
		a, err := parseCLI(text)
		a.Took = took
		return a, err
	case ClientCoturn:
		text, took, err := b.tool(ctx, c.Program(), "-m", "-f", ServerIP)
		a := parseCoturn(string(text))
		a.Took = took
		return a, err
	case ClientSTUN:
		text, took, err := b.tool(ctx, c.Program(), ServerIP)
		a := parseSTUN(string(text))
		a.Took = took
		return a, err
	case ClientPion:
		tool := b.tools + "/stun-nat-behaviour"
		if _, err := os.Stat(tool); err != nil {
			if err := run("", "go", "build", "-o", tool, pionPackage); err != nil {
				return NATAnswer{}, err
			}
		}
		text, took, err := b.tool(ctx, tool, "-server", ServerIP+":3478", "-timeout", "1")
		a := parsePion(string(text))
		a.Took = took
		return a, err
	}
	return NATAnswer{}, fmt.Errorf("there is no client %q", c)
}

// tool runs a program on the machine behind the NAT. Its exit code is part of its answer, and no error.
func (b *NATBench) tool(ctx context.Context, name string, args ...string) ([]byte, time.Duration, error) {
	c := Command(b.Lab.NS(NodeA), name, args...)
	c.Env = environment(b.home)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if name == b.binary {
		c.Stderr = nil
	}
	began := time.Now()
	if err := c.Start(); err != nil {
		return nil, 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Process.Kill() })
	err := c.Wait()
	stop()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", name, err, out.Bytes())
	}
	return out.Bytes(), time.Since(began), err
}

// open starts a browser where it does not run yet.
func (b *NATBench) open(ctx context.Context, c Client) (err error) {
	if b.browsers[c] != nil {
		return nil
	}
	start, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	browser, err := Start(start, Kind(c), Options{NS: b.Lab.NS(NodeA)})
	if err == nil {
		b.browsers[c] = browser
	}
	return err
}

// askPage opens a room's page alone and reads the report until the NAT is classified.
func (b *NATBench) askPage(ctx context.Context, c Client) (a NATAnswer, err error) {
	browser := b.browsers[c]
	if b.Room, err = b.NewRoom(ctx); err != nil {
		return a, err
	}
	if err := browser.Open(ctx, b.PageURL("A", protocol.English)); err != nil {
		return a, err
	}
	r, err := b.wait(ctx, func(r protocol.Report) bool {
		return len(r.Peers) > 0 && (r.Peers[0].NAT.State == protocol.NATDone || r.Peers[0].NAT.State == protocol.NATOff)
	})
	if err != nil {
		state := "nobody has joined"
		if len(r.Peers) > 0 {
			state = fmt.Sprintf("%+v", r.Peers[0].NAT)
		}
		return a, fmt.Errorf("%s: the NAT is not classified: %w: %s", c, err, state)
	}
	nat := r.Peers[0].NAT
	a = NATAnswer{Translated: nat.Translated, Mapping: nat.Mapping, Filtering: nat.Filtering, RFC3489: nat.RFC3489, Said: nat.Summary}
	if nat.MeasuredMs != nil {
		a.Took = time.Duration(*nat.MeasuredMs * float64(time.Millisecond))
	}
	// The page of the next question joins as another peer; this one must not linger and measure on.
	return a, browser.Open(ctx, "about:blank")
}

func parseCLI(text []byte) (NATAnswer, error) {
	var r protocol.NATResult
	if err := json.Unmarshal(text, &r); err != nil {
		return NATAnswer{}, fmt.Errorf("icescope nat --json: %w: %s", err, text)
	}
	return NATAnswer{Translated: r.NAT.Translated, Rewritten: r.Rewritten, Mapping: r.NAT.Mapping, Filtering: r.NAT.Filtering, RFC3489: r.NAT.RFC3489, Said: r.NAT.Summary}, nil
}

var (
	coturnLine = regexp.MustCompile(`NAT with (Endpoint Independent|Address Dependent|Address and Port Dependent) (Mapping|Filtering)!`)
	pionLine   = regexp.MustCompile(`=> NAT (mapping|filtering) behavior: (endpoint independent|address dependent|address and port dependent)`)
	stunLine   = regexp.MustCompile(`(?m)^Primary: (.*?)\s*$`)
)

// theirWords are the behaviours as other tools spell them, in lower case.
var theirWords = map[string]protocol.Behavior{
	"endpoint independent": protocol.EndpointIndependent, "address dependent": protocol.AddressDependent, "address and port dependent": protocol.AddressAndPortDependent,
}

func parseCoturn(text string) (a NATAnswer) {
	for _, m := range coturnLine.FindAllStringSubmatch(text, -1) {
		a.set(m[2], m[1], m[0])
	}
	return a
}

func parsePion(text string) (a NATAnswer) {
	for _, m := range pionLine.FindAllStringSubmatch(text, -1) {
		a.set(m[1], m[2], m[0])
	}
	return a
}

func (a *NATAnswer) set(what, behaviour, line string) {
	b := theirWords[strings.ToLower(behaviour)]
	if strings.EqualFold(what, "mapping") {
		a.Mapping = b
	} else {
		a.Filtering = b
	}
	a.Said = strings.TrimSpace(a.Said + " " + line)
}

// stunWords are the beginnings of what Debian's stun-client prints, with the names of RFC 3489 that stand behind them.
var stunWords = []struct {
	text string
	name protocol.ClassicNAT
}{
	{"Independent Mapping, Independent Filter", protocol.ClassicFullCone},
	{"Independent Mapping, Address Dependent Filter", protocol.ClassicRestricted},
	{"Independent Mapping, Port Dependent Filter", protocol.ClassicPortRestricted},
	{"Dependent Mapping", protocol.ClassicSymmetric},
	{"Open", protocol.ClassicOpen},
	{"Firewall", protocol.ClassicFirewall},
	{"Blocked", protocol.ClassicBlocked},
}

func parseSTUN(text string) (a NATAnswer) {
	m := stunLine.FindStringSubmatch(text)
	if m == nil {
		return a
	}
	a.Said = m[1]
	for _, w := range stunWords {
		if strings.HasPrefix(m[1], w.text) {
			a.RFC3489 = w.name
		}
	}
	return a
}

// NATAnswers are all answers of one client about one NAT.
type NATAnswers struct {
	NAT     NAT
	Client  Client
	Answers []NATAnswer
	Errors  []string
}

// Bad are the answers that are not right, in words, each once.
func (r NATAnswers) Bad() (out []string) {
	for _, a := range r.Answers {
		if g, why := r.NAT.Grade(a); g != Right && g != RightBlind {
			out = append(out, strings.TrimSuffix(fmt.Sprintf("%s: %s (%s): %s", g, why, a, oneLine(a.Said)), ": "))
		}
	}
	slices.Sort(out)
	return slices.Compact(append(out, r.Errors...))
}

// cell is the answers as the table has them.
func (r NATAnswers) cell() string {
	count := map[Grade]int{Wrong: len(r.Errors)}
	wrong := map[string]bool{}
	for _, a := range r.Answers {
		g, _ := r.NAT.Grade(a)
		count[g]++
		if g == Wrong {
			wrong[a.String()] = true
		}
	}
	var parts []string
	for _, g := range []Grade{Right, RightBlind, NotMeasured, Wrong} {
		if count[g] == 0 {
			continue
		}
		part := string(g)
		if g == Wrong {
			part = strings.Join(append([]string{"**wrong**"}, sorted(wrong)...), " ")
		}
		if count[g] < len(r.Answers)+len(r.Errors) {
			part = fmt.Sprintf("%d %s", count[g], part)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}

func sorted(set map[string]bool) (out []string) {
	for s := range set {
		out = append(out, s)
	}
	slices.Sort(out)
	return out
}

// NATTable is the table NAT × client in Markdown, with the medians of time and what the wrong ones said.
func NATTable(all []NATAnswers, runs int) string {
	titles := map[Client]string{
		ClientCLI: "`icescope nat`", ClientChromium: "Chromium", ClientFirefox: "Firefox", ClientCoturn: "coturn", ClientSTUN: "stun-client", ClientPion: "pion",
	}
	var clients []Client
	var nats []string
	cells := map[string]map[Client]NATAnswers{}
	for _, r := range all {
		if !slices.Contains(clients, r.Client) {
			clients = append(clients, r.Client)
		}
		if cells[r.NAT.Name] == nil {
			cells[r.NAT.Name] = map[Client]NATAnswers{}
			nats = append(nats, r.NAT.Name)
		}
		cells[r.NAT.Name][r.Client] = r
	}
	var b strings.Builder
	fmt.Fprintf(&b, "icescope's own clients were asked %d times about each NAT, the tools of others at most %d times.\n\n| NAT | what it is | truth |", runs, foreignRuns)
	for _, c := range clients {
		fmt.Fprintf(&b, " %s |", titles[c])
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(clients)) + "\n")
	for _, name := range nats {
		n := NAT{}
		row := ""
		for _, c := range clients {
			cell := "–"
			if r, ok := cells[name][c]; ok {
				n, cell = r.NAT, r.cell()
			}
			row += " " + cell + " |"
		}
		truth := NATAnswer{Mapping: n.Mapping, Filtering: n.Filtering}.String()
		if !n.Translated {
			truth += ", not translated"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |%s\n", name, n.Title, truth, row)
	}
	b.WriteString("| | time, median and longest | |")
	for _, c := range clients {
		var took []time.Duration
		for _, r := range all {
			for _, a := range r.Answers {
				if r.Client == c {
					took = append(took, a.Took)
				}
			}
		}
		if len(took) == 0 {
			b.WriteString(" – |")
			continue
		}
		fmt.Fprintf(&b, " %.2f s, %.2f s |", Median(took).Seconds(), slices.Max(took).Seconds())
	}
	b.WriteString("\n")
	for _, r := range all {
		for _, bad := range r.Bad() {
			fmt.Fprintf(&b, "\n- `%s`, %s: %s", r.NAT.Name, titles[r.Client], oneLine(bad))
		}
	}
	return b.String() + "\n"
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// foreignRuns: what the tools of others say is shown and not judged, and some of them take half a minute.
const foreignRuns = 2

// AskAll puts up one NAT after the other and asks each client so many times about it, the clients in turn, so that none finds what another has just left.
// The server and the browsers are started once for all NATs that can stand in the same network.
func AskAll(ctx context.Context, nats []NAT, clients []Client, runs int, binary, tools string, done func([]NATAnswers)) (err error) {
	var b *NATBench
	defer func() {
		if b != nil {
			err = errors.Join(err, b.Close())
		}
	}()
	for _, n := range nats {
		if b != nil && (n.Outer != nil || b.NAT.Outer != nil) {
			if err := b.Close(); err != nil {
				return err
			}
			b = nil
		}
		if b == nil {
			start, cancel := context.WithTimeout(ctx, startDeadline)
			b, err = SetNATBench(start, n, binary, tools, "")
			cancel()
		} else {
			err = b.lab.SetNAT(0, n)
			b.NAT = n
		}
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		var out []NATAnswers
		for _, c := range clients {
			out = append(out, NATAnswers{NAT: n, Client: c})
		}
		for run := range runs {
			for i, c := range clients {
				if !slices.Contains(OwnClients, c) && run >= foreignRuns {
					continue
				}
				// Made anew, for what the last one opened stays open for minutes, and this one may be given the same port.
				if n.Outer == nil {
					if err := b.lab.SetNAT(0, n); err != nil {
						return fmt.Errorf("%s: %w", n.Name, err)
					}
				}
				a, err := b.Ask(ctx, c)
				if err != nil {
					out[i].Errors = append(out[i].Errors, oneLine(err.Error()))
					continue
				}
				out[i].Answers = append(out[i].Answers, a)
			}
		}
		if done(out); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
