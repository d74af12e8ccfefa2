package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
	"github.com/icescope/icescope/signaling"
)

type peerCommand struct {
	URL      string        `arg:"" name:"room-url" help:"The room's page, as in http://192.0.2.10:8080/r/CODE."`
	Label    string        `help:"What this machine is called in the reports."`
	Beside   string        `placeholder:"PEER" help:"Stand beside a browser on its machine, and be tried against the same other end: a, b, or auto for the one that comes from this machine's address."`
	ICETCP   bool          `name:"ice-tcp" help:"Offer passive ICE-TCP candidates, which a browser can connect to where UDP is blocked."`
	JSON     bool          `help:"Answer with the report as JSON (schema icescope.report/v1) and not as Markdown."`
	Lang     protocol.Lang `help:"Language of the report: ${enum}." enum:"en,ja" default:"en"`
	QR       bool          `name:"qr" help:"Draw the room's link as a QR code, for a telephone at the other end."`
	Stay     bool          `help:"Stay for further runs, until interrupted, instead of leaving with the first final verdict."`
	Timeout  time.Duration `help:"Leave after that long at the latest, with what is known by then; 0: wait for the other end for ever." default:"0s"`
	CheckTLS bool          `name:"check-tls" help:"Refuse an https URL, or a turns: URL of this server, whose certificate is not signed by a known authority; icescope serve signs its own."`
	LogLevel logLevel      `help:"What to log on stderr: debug, info, warn or error." default:"warn"`
}

// Help stands before the flags.
func (*peerCommand) Help() string {
	return "Takes the place of a browser in a room: the same trials, the same rules. Beside a browser (--beside) it takes no place; it tells the browser from the machine, and " +
		"the exit code is then what its own pair needs. With 1 it could not join, or was sent away."
}

// Run takes part in the room's trials and writes the report.
func (c *peerCommand) Run(ctx context.Context, t *terminal) error {
	if c.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, c.Timeout)
		defer cancel()
		ctx = limited
	}
	t.say("joining %s", c.URL)
	t.scan(c.URL, &c.QR)
	n := &narrator{say: t.say, outcomes: map[string]protocol.Outcome{}}
	result, err := peer.Run(ctx, peer.Config{
		URL: c.URL, Insecure: !c.CheckTLS, Label: c.Label, Lang: c.Lang, Version: version, OneShot: !c.Stay, Beside: c.Beside, ICETCP: c.ICETCP,
		Logger: newLogger(t.stderr, c.LogLevel, false), Joined: n.joined, Progress: n.progress,
	})
	if refused, ok := errors.AsType[*signaling.RefusedError](err); ok {
		return withHint(fmt.Errorf("%s (%s)", refused.Refusal.Message, refused.Refusal.Code), refused.Refusal.Hint)
	} else if err != nil {
		return err
	}
	if result.Report.Schema == "" {
		return errors.New("left before the server had anything to report")
	}
	if result.Beside {
		t.say("beside the browser this machine needs: %s", result.Needs())
	}
	if c.JSON {
		_, err = t.stdout.Write(report.JSON(result.Report))
	} else {
		_, err = io.WriteString(t.stdout, report.Markdown(result.Report))
	}
	if err != nil {
		return err
	}
	return code(peer.ExitCode(result.Needs()))
}
