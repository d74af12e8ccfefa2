package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
	"github.com/icescope/icescope/signaling"
)

type peerCommand struct {
	URL      string        `arg:"" name:"room-url" help:"The room's page, as in http://192.0.2.10:8080/r/CODE."`
	Label    string        `help:"What this machine is called in the reports."`
	JSON     bool          `help:"Answer with the report as JSON (schema icescope.report/v1) and not as Markdown."`
	Lang     protocol.Lang `help:"Language of the report: ${enum}." enum:"en,ja" default:"en"`
	Stay     bool          `help:"Stay for further runs, until interrupted, instead of leaving with the first final verdict."`
	CheckTLS bool          `name:"check-tls" help:"Refuse an https URL whose certificate is not signed by a known authority; icescope serve signs its own."`
	LogLevel logLevel      `help:"What to log on stderr: debug, info, warn or error." default:"warn"`
}

// Run takes part in the room's trials and writes the report.
func (c *peerCommand) Run(ctx context.Context, t *terminal) error {
	t.say("joining %s; waiting for the other end", c.URL)
	last := ""
	result, err := peer.Run(ctx, peer.Config{
		URL: c.URL, Insecure: !c.CheckTLS, Label: c.Label, Lang: c.Lang, Version: version, OneShot: !c.Stay,
		Logger: newLogger(t.stderr, c.LogLevel, false),
		Progress: func(r protocol.Report) {
			if line := r.Verdict.Summary; line != last {
				last = line
				t.say("%s", line)
			}
		},
	})
	if refused, ok := errors.AsType[*signaling.RefusedError](err); ok {
		return withHint(fmt.Errorf("%s (%s)", refused.Refusal.Message, refused.Refusal.Code), refused.Refusal.Hint)
	} else if err != nil {
		return err
	}
	if result.Report.Schema == "" {
		return errors.New("left before the server had anything to report")
	}
	if c.JSON {
		_, err = t.stdout.Write(report.JSON(result.Report))
	} else {
		_, err = io.WriteString(t.stdout, report.Markdown(result.Report))
	}
	if err != nil {
		return err
	}
	return code(peer.ExitCode(result.Report.Verdict.Needs))
}
