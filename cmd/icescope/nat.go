package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/icescope/icescope/natprobe"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// The exit codes of nat, beside 1 and 2.
const (
	exitDependent     = 20 // whoever is called learns the right address too late
	exitUDPBlocked    = 21
	exitNotMeasurable = 22 // mapping or filtering
)

const natCodes = "The answer of nat: 0 classified, and its mapping is the same towards everybody, 20 classified, and it is another\ntowards each destination, 21 UDP is blocked, 22 mapping or filtering was not measurable, 1 no server answered.\n"

// localServer is asked where no server is named.
const localServer = "127.0.0.1"

const (
	// natTimeout is for a run without the lifetime search, which takes 5 s at most.
	natTimeout = 10 * time.Second
	// barWidth is in characters.
	barWidth = 30
	// barEvery is how often progress is said where nobody looks at a terminal.
	barEvery = 30 * time.Second
)

type natCommand struct {
	Server      string        `arg:"" optional:"" name:"host[:port]" help:"The STUN server to ask, port 3478 unless given; without it the server on this machine."`
	JSON        bool          `help:"Answer in JSON (schema icescope.nat/v1)."`
	Explain     bool          `help:"Walk through it step by step: each packet, the corner that is to answer, the answer, and what it means."`
	Hairpin     bool          `help:"Also try whether this machine reaches itself by its outside address. Off because a packet from a machine to itself by way of its router looks like a LAND attack to intrusion detection."`
	Lifetime    bool          `help:"Also search for how long a mapping lives that nothing refreshes; takes minutes."`
	MaxLifetime time.Duration `help:"The longest pause that --lifetime tries." default:"5m"`
	IPv4        bool          `name:"ipv4" short:"4" help:"Ask over IPv4 only." xor:"family"`
	IPv6        bool          `name:"ipv6" short:"6" help:"Ask over IPv6 only." xor:"family"`
	Timeout     time.Duration `help:"Give up after this; 0: 10s, and with --lifetime as long as that takes." default:"0"`
	Lang        protocol.Lang `help:"Language of the answer: ${enum}." enum:"en,ja" default:"en"`
}

// Run asks, and writes what this machine's NAT does.
func (c *natCommand) Run(ctx context.Context, t *terminal) error {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = natTimeout
		if c.Lifetime {
			timeout += natprobe.LifetimeBound(c.MaxLifetime)
		}
	}
	asked, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	config := natprobe.Config{Server: c.Server, Hairpin: c.Hairpin, Lifetime: c.Lifetime, MaxLifetime: c.MaxLifetime, Version: version}
	switch {
	case c.IPv4:
		config.Family = 4
	case c.IPv6:
		config.Family = 6
	}
	if config.Server == "" {
		config.Server = localServer
		if c.IPv6 {
			config.Server = "::1"
		}
		t.say("no server was named: asking %s, this machine; name one beyond your NAT, as in icescope nat 192.0.2.1", config.Server)
	}
	bar := &progressBar{out: t.stderr, live: isTerminal(t.stderr)}
	config.OnProgress = bar.show
	result, err := natprobe.Run(asked, config)
	bar.end()
	if result.Schema == "" {
		return err
	}
	if err != nil {
		t.say("ended early, after %s: %v", timeout, err)
	}
	result.Lang = c.Lang
	report.Lesson(&result.NAT, c.Lang)
	if c.JSON {
		err = t.printJSON(result)
	} else {
		_, err = io.WriteString(t.stdout, report.NATText(result, c.Lang, c.Explain))
	}
	if err != nil {
		return err
	}
	return natVerdict(result)
}

// natVerdict is the exit code.
func natVerdict(r protocol.NATResult) error {
	switch {
	case r.UDPBlocked == nil:
		return withHint(fmt.Errorf("%s answers neither over UDP nor over TCP", r.Server), "is a STUN server running there (icescope serve), and is the port right? where it speaks TCP too, TCP tells a server that is away from UDP that is blocked")
	case *r.UDPBlocked:
		return code(exitUDPBlocked)
	case r.NAT.Mapping == protocol.NotMeasurable || r.NAT.Filtering == protocol.NotMeasurable && r.NAT.Mapping == protocol.EndpointIndependent:
		return code(exitNotMeasurable)
	case r.NAT.Mapping != protocol.EndpointIndependent:
		return code(exitDependent)
	}
	return nil
}

// progressBar shows how far a long search has come: one line that moves on a terminal, a line now and then elsewhere.
type progressBar struct {
	out   io.Writer
	live  bool
	said  time.Duration
	shown bool
}

func (b *progressBar) show(done, total time.Duration) {
	switch {
	case b.live:
		full := int(math.Round(barWidth * done.Seconds() / total.Seconds()))
		fmt.Fprintf(b.out, "\ricescope: lifetime [%s%s] %s of at most %s ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
			done.Round(time.Second), total.Round(time.Second))
	case !b.shown || done-b.said >= barEvery:
		fmt.Fprintf(b.out, "icescope: searching for the lifetime of the mapping, %s of at most %s\n", done.Round(time.Second), total.Round(time.Second))
		b.said = done
	}
	b.shown = true
}

// end leaves the line to what comes next.
func (b *progressBar) end() {
	if b.live && b.shown {
		fmt.Fprintln(b.out)
	}
}

// isTerminal tells whether a person looks at it.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
