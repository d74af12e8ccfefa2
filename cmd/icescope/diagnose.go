package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

// maxLine bounds one event of a recording: a sample of some hundred pairs is under 64 KiB, the largest frame that the server takes.
const maxLine = 1 << 20

type diagnoseCommand struct {
	File string        `arg:"" help:"The recording (JSON Lines), as GET /api/v1/rooms/ROOM/recording gives it; - is stdin."`
	JSON bool          `help:"Answer with the report as JSON (schema icescope.report/v1) and not as Markdown."`
	Lang protocol.Lang `help:"Language of the report: ${enum}." enum:"en,ja" default:"en"`
}

// Run writes the report. The same recording gives the same bytes: all in it, the date too, comes from the recording.
func (c *diagnoseCommand) Run(t *terminal) error {
	events, err := c.read()
	if err != nil {
		return err
	}
	made := report.Make(diagnosis.Diagnose(events), report.Options{Lang: c.Lang})
	if c.JSON {
		_, err = t.stdout.Write(report.JSON(made))
	} else {
		_, err = io.WriteString(t.stdout, report.Markdown(made))
	}
	if err != nil {
		return err
	}
	return code(peer.ExitCode(made.Verdict.Needs))
}

func (c *diagnoseCommand) read() ([]protocol.Event, error) {
	in := os.Stdin
	if c.File != "-" {
		file, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	return readRecording(in, c.File)
}

// readRecording reads JSON Lines. An error names the line: a recording may have gone through mail and editors.
func readRecording(in io.Reader, name string) ([]protocol.Event, error) {
	var events []protocol.Event
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, maxLine)
	number := 0
	for lines.Scan() {
		number++
		if len(lines.Bytes()) == 0 {
			continue
		}
		var e protocol.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, withHint(fmt.Errorf("%s:%d: not an event: %w", name, number, err), "a recording is what GET /api/v1/rooms/ROOM/recording answers with, unchanged")
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, number+1, err)
	}
	if len(events) == 0 || events[0].Room == nil {
		return nil, withHint(fmt.Errorf("%s: no recording: its first event is not of type room", name), "a recording is what GET /api/v1/rooms/ROOM/recording answers with, unchanged")
	}
	return events, nil
}
