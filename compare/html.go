package compare

import (
	_ "embed"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

//go:embed compare.gohtml
var fragment string

var fragmentTemplate = template.Must(template.New("compare").Parse(fragment))

// Sources are where the two reports of a comparison came from, the earlier first, as far as that is known.
type Sources struct {
	IDs   [2]string // of kept reports, which can be opened
	Names [2]string // of files
}

// HTML is the comparison as the page shows it: a fragment, not a document, whose style is the page's. Moments in it are UTC and stand in <time>, so that the page can put
// them into the reader's time zone, which only the browser knows.
func HTML(c protocol.Comparison, from Sources) string {
	d := document{Comparison: c, Badge: changeBadge(c.Tone, c.Lang), Arrow: sign("right", 22), Dash: sign("dash", 14)}
	d.Left = d.side(c.Before, "compare.before-title", from.IDs[0], from.Names[0])
	d.Right = d.side(c.After, "compare.after-title", from.IDs[1], from.Names[1])
	for _, ch := range c.Changes {
		at := slices.IndexFunc(d.Groups, func(g group) bool { return g.Name == ch.Group })
		if at < 0 {
			at = len(d.Groups)
			d.Groups = append(d.Groups, group{Name: ch.Group, Title: word(c.Lang, "compare.group.", string(ch.Group))})
		}
		d.Groups[at].Changes = append(d.Groups[at].Changes, row{ch, changeBadge(ch.Tone, c.Lang)})
	}
	var b strings.Builder
	if err := fragmentTemplate.Execute(&b, d); err != nil {
		panic("compare: " + err.Error()) // a defect of the template, which every test would hit
	}
	return b.String()
}

// document is what the template shows.
type document struct {
	protocol.Comparison
	Badge       badge
	Left, Right side
	Groups      []group
	Arrow, Dash drawing
}

type group struct {
	Name    protocol.ChangeGroup
	Title   string
	Changes []row
}

type row struct {
	protocol.Change
	Badge badge
}

type side struct {
	Lang                                                         protocol.Lang
	Title, At, When, Cause, Confidence, Machines, Name, ID, Open string
	Needs                                                        badge
}

// T is a sentence in the reader's language.
func (d document) T(key string) string { return catalog.Text{Key: key}.In(d.Lang) }

func (d document) side(r protocol.ComparedReport, title, id, name string) side {
	v := r.Verdict
	at, text := when(r.GeneratedAt)
	s := side{At: at, When: text, Lang: d.Lang, Title: d.T(title), Name: name, ID: id, Open: d.T("compare.open"),
		Confidence: word(d.Lang, "confidence.", string(v.Confidence)), Needs: needsBadge(v.Needs, d.Lang)}
	if v.CauseTitle != "" {
		s.Cause = catalog.T("compare.named-cause", "cause", v.CauseTitle).In(d.Lang)
	}
	var machines []string
	for _, p := range r.Peers {
		parts := []string{strings.ToUpper(p.ID), p.Label, p.Browser}
		machines = append(machines, strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " "))
	}
	s.Machines = strings.Join(machines, " ↔ ")
	if s.Machines == "" {
		s.Machines = "–"
	}
	return s
}

// when is a moment in UTC, for programs and as a person reads it. What is no moment stays as it is.
func when(text string) (moment, read string) {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return text, text
	}
	return at.UTC().Format(time.RFC3339), at.UTC().Format("2006-01-02 15:04 UTC")
}

// badge says a state three times: in colour, in a sign, in a word.
type badge struct {
	Tone string
	Sign drawing
	Text string
}

// drawing is a sign of the page (web/src/ui/Sign.tsx).
type drawing struct {
	Path string
	Size int
}

// paths are the page's signs, as far as a comparison has them; a test holds them against Sign.tsx.
var paths = map[string]string{
	"check":    "M3 8.5l3.2 3.2L13 4.8",
	"cross":    "M4 4l8 8M12 4l-8 8",
	"dash":     "M3.5 8h9",
	"question": "M5.6 5.8a2.5 2.5 0 1 1 3.7 2.2c-.9.5-1.3 1-1.3 1.9M8 12.4v.1",
	"right":    "M2 8h11M9 4l4 4-4 4",
	"antenna":  "M8 8v6.4M5.6 10.4a3.4 3.4 0 1 1 4.8 0M3.6 12.4a6.2 6.2 0 1 1 8.8 0",
	"relay":    "M2.4 5.6h3M10.6 5.6h3M5.4 3.2h5.2v4.8H5.4zM2.4 12.5h11.2M11.6 10.5l2 2-2 2",
	"swap":     "M2.5 5.5h10M9.8 2.8l2.7 2.7-2.7 2.7M13.5 10.5h-10M6.2 7.8l-2.7 2.7 2.7 2.7",
}

func sign(name string, size int) drawing { return drawing{paths[name], size} }

// badgeSize is that of a badge's sign, in pixels.
const badgeSize = 12

func changeBadge(tone protocol.ChangeTone, lang protocol.Lang) badge {
	b := badge{"idle", sign("swap", badgeSize), word(lang, "compare.tone.", string(tone))}
	switch tone {
	case protocol.ToneBetter:
		b.Tone, b.Sign = "ok", sign("check", badgeSize)
	case protocol.ToneWorse:
		b.Tone, b.Sign = "bad", sign("cross", badgeSize)
	}
	return b
}

// needsBadge looks as the page's own do (web/src/ui/tones.ts). A need that a newer icescope wrote is none that is known.
func needsBadge(needs protocol.Needs, lang protocol.Lang) badge {
	b := badge{"warn", sign("question", badgeSize), word(lang, "compare.needed.", string(needs))}
	switch needs {
	case protocol.NeedsNothing:
		b.Tone, b.Sign = "ok", sign("check", badgeSize)
	case protocol.NeedsSTUN:
		b.Tone, b.Sign = "ok", sign("antenna", badgeSize)
	case protocol.NeedsTURNUDP, protocol.NeedsTURNTCP:
		b.Sign = sign("relay", badgeSize)
	case protocol.NeedsUnreachable:
		b.Tone, b.Sign = "bad", sign("cross", badgeSize)
	}
	return b
}
