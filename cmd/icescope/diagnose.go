package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/compare"
	"github.com/icescope/icescope/intake"
	"github.com/icescope/icescope/peer"
	"github.com/icescope/icescope/protocol"
	"github.com/icescope/icescope/report"
)

type diagnoseCommand struct {
	Files []string      `arg:"" name:"file" help:"A recording (JSON Lines), as GET /api/v1/rooms/ROOM/recording gives it, or a report (JSON); - is stdin. Of two, both verdicts and what is different between them: the first is the earlier one."`
	JSON  bool          `help:"Answer with the report as JSON (schema icescope.report/v1) and not as Markdown; of two files with both and their comparison (icescope.comparison/v1)."`
	Lang  protocol.Lang `help:"Language of the report: ${enum}." enum:"en,ja" default:"en"`
}

// Run writes the report, or the comparison. The same files give the same bytes: all in it, the date too, comes from them. The exit code is the later one's verdict.
func (c *diagnoseCommand) Run(t *terminal) error {
	if len(c.Files) > intake.MaxFiles {
		return withHint(fmt.Errorf("%d files: more than can be compared", len(c.Files)), "give one file, or two: icescope diagnose BEFORE AFTER")
	}
	files := make([]intake.File, len(c.Files))
	for i, name := range c.Files {
		data, err := read(name)
		if err != nil {
			return err
		}
		files[i] = intake.File{Name: name, Data: data}
	}
	made, err := intake.Reports(files, c.Lang)
	if wrong, ok := errors.AsType[*intake.Error](err); ok {
		return withHint(errors.New(wrong.Message), wrong.Hint)
	} else if err != nil {
		return err
	}
	last := made[len(made)-1]
	switch {
	case len(made) == 2:
		compared := compare.Compare(made[0], made[1], c.Lang)
		if c.JSON {
			err = t.printJSON(protocol.Diagnosed{Reports: made, Comparison: compared})
		} else {
			_, err = io.WriteString(t.stdout, comparisonText(made, compared))
		}
	case c.JSON:
		_, err = t.stdout.Write(report.JSON(last))
	default:
		_, err = io.WriteString(t.stdout, report.Markdown(last))
	}
	if err != nil {
		return err
	}
	return code(peer.ExitCode(last.Verdict.Needs))
}

// read bounds what it reads: a recording is never so long.
func read(name string) ([]byte, error) {
	in := os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, intake.MaxFile+1))
	if err == nil && len(data) > intake.MaxFile {
		err = withHint(fmt.Errorf("%s has more than %d MiB", name, intake.MaxFile>>20), "a recording of icescope is never so long; is it the right file?")
	}
	return data, err
}

// signs of the tones: what a colour would say, for every terminal.
var signs = map[protocol.ChangeTone]string{protocol.ToneBetter: "+", protocol.ToneWorse: "-", protocol.ToneOther: "~"}

// comparisonText is both verdicts, then what is different, group by group; each line begins with a sign and says the word as well.
func comparisonText(made []protocol.Report, c protocol.Comparison) string {
	var b strings.Builder
	say := func(key string) string { return catalog.Text{Key: key}.In(c.Lang) }
	title := func(text string) { fmt.Fprintf(&b, "\n%s\n", text) }
	for i, key := range []string{"compare.before-title", "compare.after-title"} {
		r := made[i]
		fmt.Fprintf(&b, "%s  %s  %s\n", say(key), r.GeneratedAt, r.Room)
		fmt.Fprintf(&b, "    %s\n", r.Verdict.Summary)
	}
	title(c.Summary)
	group := protocol.ChangeGroup("")
	for _, ch := range c.Changes {
		if ch.Group != group {
			group = ch.Group
			title(say("compare.group." + string(group)))
		}
		fmt.Fprintf(&b, "  %s %s: %s\n", signs[ch.Tone], say("compare.tone."+string(ch.Tone)), ch.Text)
	}
	if len(c.Unchanged) > 0 {
		title(say("compare.unchanged"))
		for _, f := range c.Unchanged {
			fmt.Fprintf(&b, "  = %s\n", f.Title)
		}
	}
	return b.String()
}
