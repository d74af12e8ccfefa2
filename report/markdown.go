package report

import (
	"strings"
	"unicode"

	"github.com/icescope/icescope/protocol"
)

// Markdown is the report for a ticket or a mail, in GitHub's flavour, in r.Lang. There is no "<" in it, whatever the labels are: no renderer can find a tag.
func Markdown(r protocol.Report) string {
	v := newView(r)
	d := &mdWriter{}
	d.heading(1, v.Title)

	d.paragraph(bold(v.Verdict.Tone.Sign()+" "+v.T("report.needs")+" "+v.Verdict.Needs), escape(v.Verdict.Summary))
	if v.Verdict.Advice != "" {
		d.paragraph(escape(v.Verdict.Advice))
	}
	if v.Verdict.Cause != "" {
		cause := escape(v.T("report.cause")) + " " + code(v.Verdict.Cause)
		if v.Verdict.CauseTitle != "" {
			cause += " " + escape(v.Verdict.CauseTitle)
		}
		d.bullet(cause)
		d.bullet(escape(v.T("report.confidence") + " " + v.Verdict.Confidence))
	}
	d.bullet(escape(v.Verdict.State))
	d.blank()
	if v.Redacted {
		d.paragraph("*" + escape(v.T("report.redacted")) + "*")
	}

	if m := r.Imported; m != nil {
		d.heading(2, v.T("report.import-title"))
		for _, s := range m.Sources {
			d.bullet(escape(strings.ToUpper(s.Peer)) + " " + code(s.Name) + " " + escape(s.Kind))
		}
		for _, n := range m.Notes {
			d.bullet(escape(n))
		}
		d.blank()
	}

	if len(v.Changes) > 0 || v.ICEServers != "" {
		d.heading(2, v.T("report.change"))
		for _, c := range v.Changes {
			d.bullet(strings.TrimSpace(bold(c.Title) + " " + escape(c.Text)))
		}
		d.blank()
		if v.ICEServers != "" {
			d.paragraph(escape(v.T("report.paste")))
			d.fence("js", v.ICEServers)
		}
	}

	d.heading(2, v.T("report.picture"))
	d.fence("text", v.Picture.Text)
	if v.Expectation != "" {
		d.paragraph(bold(v.T("report.expectation")) + " " + escape(v.Expectation))
	}
	d.table(2, v.Trials)

	d.heading(2, v.T("report.findings"))
	if len(v.Findings) == 0 {
		d.paragraph(escape(v.T("report.no-findings")))
	}
	for _, f := range v.Findings {
		d.heading(3, strings.TrimSpace(f.Tone.Sign()+" "+f.Title))
		about := []string{escape(f.Severity), escape(f.Confidence), code(f.Code)}
		if f.Where != "" {
			about = append(about, escape(f.Where))
		}
		d.paragraph(strings.Join(about, " · "))
		d.paragraph(escape(f.Summary))
		for _, e := range f.Evidence {
			d.bullet(strings.TrimSpace(escape(e.Text) + " " + escape(e.Events)))
		}
		d.blank()
		switch {
		case f.Above:
			d.paragraph(bold(v.T("report.remedy"))+" "+escape(v.T("report.remedy-above")), "")
		case f.Remedy != "":
			d.paragraph(bold(v.T("report.remedy"))+" "+escape(f.Remedy), "")
		}
		switch {
		case f.Above:
		case f.SettingsAbove:
			d.paragraph(bold(v.T("report.settings"))+" "+escape(v.T("report.remedy-above")), "")
		default:
			for _, s := range f.Settings {
				d.paragraph(escape(s.For) + ":")
				d.fence("text", s.Text)
			}
		}
		if f.Separates != "" {
			d.paragraph(bold(v.T("report.separates"))+" "+escape(f.Separates), "")
		}
	}

	d.table(2, v.Machines)
	if len(v.Candidates) > 0 || len(v.Errors.Rows) > 0 {
		d.heading(2, v.T("report.candidates"))
	}
	for _, t := range v.Candidates {
		d.table(3, t)
	}
	d.table(3, v.Errors)
	if len(v.Pairs) > 0 {
		d.heading(2, v.T("report.pairs"))
		d.paragraph(escape(v.T("report.pairs-legend")))
	}
	for _, t := range v.Pairs {
		d.table(3, t)
	}
	d.table(2, v.Signaling)

	d.heading(2, v.T("report.about"))
	for _, f := range v.Meta {
		d.bullet(escape(f.Name) + ": " + escape(f.Value))
	}
	return strings.TrimRight(d.String(), "\n") + "\n"
}

// mdWriter writes blocks. What it is given as text is escaped already; heading and table escape by themselves.
type mdWriter struct{ strings.Builder }

func (d *mdWriter) blank() {
	if s := d.String(); s != "" && !strings.HasSuffix(s, "\n\n") {
		d.WriteByte('\n')
	}
}

func (d *mdWriter) heading(level int, text string) {
	d.blank()
	d.WriteString(strings.Repeat("#", level) + " " + escape(text) + "\n\n")
}

func (d *mdWriter) paragraph(lines ...string) {
	d.blank()
	for _, l := range lines {
		if l != "" {
			d.WriteString(l + "\n\n")
		}
	}
}

func (d *mdWriter) bullet(text string) { d.WriteString("- " + text + "\n") }

func (d *mdWriter) fence(lang, text string) {
	d.blank()
	d.WriteString("```" + lang + "\n" + strings.TrimRight(strings.ReplaceAll(text, "`", `\u0060`), "\n") + "\n```\n\n")
}

func (d *mdWriter) table(level int, t table) {
	if len(t.Rows) == 0 {
		return
	}
	d.heading(level, t.Title)
	for i, h := range t.Head {
		if i == 0 {
			d.WriteByte('|')
		}
		d.WriteString(" " + strings.TrimSpace(escape(h)) + " |")
	}
	d.WriteString("\n|" + strings.Repeat(" --- |", len(t.Head)) + "\n")
	for _, row := range t.Rows {
		d.WriteByte('|')
		for _, c := range row {
			var lines []string
			for _, l := range c {
				text := escape(l.Text)
				if l.Mono && l.Text != none {
					text = code(l.Text)
				}
				lines = append(lines, strings.TrimSpace(l.Tone.Sign()+" "+text))
			}
			d.WriteString(" " + strings.Join(lines, " · ") + " |")
		}
		d.WriteByte('\n')
	}
	d.WriteByte('\n')
}

func bold(s string) string {
	if s = strings.TrimSpace(s); s == "" {
		return ""
	}
	return "**" + escape(s) + "**"
}

var mdEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", "\\", `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`,
	"|", `\|`, "~", `\~`, ">", `\>`, "$", `\$`)

// escape makes a text mean itself in Markdown, in a line and in a table's cell, and at the start of a line, where a list, a heading or a rule could begin.
func escape(s string) string {
	s = mdEscapes.Replace(clean(s))
	if s == "" {
		return ""
	}
	if strings.ContainsRune("#+-=", rune(s[0])) && !startsEvent(s) {
		return `\` + s
	}
	digits := strings.TrimLeftFunc(s, unicode.IsDigit)
	if n := len(s) - len(digits); n > 0 && digits != "" && (digits[0] == ')' || digits[0] == '.' && (len(digits) == 1 || digits[1] == ' ')) {
		return s[:n] + `\` + digits
	}
	return s
}

// startsEvent: "#12" is an event's number and no heading, which needs a space after the sign (CommonMark section 4.2).
func startsEvent(s string) bool { return len(s) > 1 && s[0] == '#' && s[1] >= '0' && s[1] <= '9' }

// code is a code span. What could end it, or the cell it stands in, is written as plain text instead.
func code(s string) string {
	s = clean(s)
	if s == "" || strings.ContainsAny(s, "`<|\\") {
		return escape(s)
	}
	return "`" + s + "`"
}
