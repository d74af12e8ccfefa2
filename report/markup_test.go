package report

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
	"golang.org/x/net/html"
)

// filled is a report in which every string that comes from outside is s, the words of protocol included.
func filled(s string, lang protocol.Lang) protocol.Report {
	r := asymmetricNAT(lang)
	r.Verdict.Pending = []protocol.TrialKind{protocol.TrialCustom}
	r.Peers[0].Errors = []protocol.ErrorReport{{}}
	fill(reflect.ValueOf(&r).Elem(), s)
	r.Lang = lang
	return r
}

func fill(v reflect.Value, s string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), s)
		}
	case reflect.Slice:
		for i := range v.Len() {
			fill(v.Index(i), s)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			fill(v.Elem(), s)
		}
	}
}

var (
	ownTags       = strings.Fields("html head meta title style body header main footer section article div span p b i strong code pre h1 h2 h3 ol ul li dl dt dd table thead tbody tr th td figure figcaption svg desc g rect path text")
	ownAttributes = strings.Fields("lang charset http-equiv content name class scope id viewBox viewbox role aria-labelledby aria-describedby x y width height d text-anchor data-id data-state tabindex")
)

// FuzzHTML: whatever the labels, addresses and errors of a report are, its documents hold no element but their own, and load nothing.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{"", "x", "<script>alert(1)</script>", `"><img src=x onerror=y>`, "</style><zzq>", "a|b\n# c\n```\n<zzq>", "&lt;zzq&gt;", "</title><zzq", "{{.}}", "\u202e<b>", "\x00<", "`~", "=\n-\n1. 2) + "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, text := range []string{s, "<zzq zzqa=1>" + s, s + `'"><zzq src=//zzq>`} {
			r := filled(text, protocol.English)
			tokens := html.NewTokenizer(strings.NewReader(HTML(r)))
			for {
				kind := tokens.Next()
				if kind == html.ErrorToken {
					break
				}
				token := tokens.Token()
				if kind == html.CommentToken {
					t.Fatalf("a comment: %q", token.Data)
				}
				if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
					continue
				}
				if !slices.Contains(ownTags, token.Data) {
					t.Fatalf("the element %q", token.Data)
				}
				for _, a := range token.Attr {
					if !slices.Contains(ownAttributes, a.Key) || strings.Contains(a.Val, "zzq") {
						t.Fatalf("%s has the attribute %s=%q", token.Data, a.Key, a.Val)
					}
				}
			}
			checkMarkdown(t, Markdown(r))
		}
	})
}

// checkMarkdown: no angle bracket opens a tag, and no label makes a heading, a row, a cell or a fence of its own.
func checkMarkdown(t *testing.T, md string) {
	t.Helper()
	if i := strings.IndexByte(md, '<'); i >= 0 {
		t.Fatalf("an angle bracket: %q", md[max(0, i-40):min(len(md), i+40)])
	}
	fences, columns := 0, 0
	for _, l := range strings.Split(md, "\n") {
		if strings.HasPrefix(l, "```") {
			fences++
			if l != "```" && l != "```js" && l != "```text" {
				t.Fatalf("the fence %q", l)
			}
		}
		if fences%2 == 1 {
			continue
		}
		if !strings.HasPrefix(l, "|") {
			columns = 0
			continue
		}
		n := strings.Count(strings.ReplaceAll(strings.ReplaceAll(l, `\\`, ""), `\|`, ""), "|")
		if columns == 0 {
			columns = n
		}
		if n != columns {
			t.Fatalf("a row of %d bars where the head has %d: %q", n, columns, l)
		}
	}
	if fences != 4 && fences != 2 {
		t.Fatalf("%d fences", fences)
	}
}

// TestHTMLLoadsNothing looks for whatever could make a browser ask the network for something.
func TestHTMLLoadsNothing(t *testing.T) {
	eachSample(t, func(t *testing.T, _ string, r protocol.Report) {
		text := HTML(r)
		for _, loader := range []string{"src=", "href=", "url(", "@import", "<script", "<link", "<iframe", "ZgotmplZ"} {
			if strings.Contains(text, loader) {
				t.Errorf("the page has %q", loader)
			}
		}
	})
}

// TestSameContent: every text of the tables stands in both documents.
func TestSameContent(t *testing.T) {
	eachSample(t, func(t *testing.T, _ string, r protocol.Report) {
		v, md, page := newView(r), Markdown(r), html.UnescapeString(HTML(r))
		tables := append(append([]table{v.Trials, v.Machines, v.Errors, v.Signaling}, v.Candidates...), v.Pairs...)
		for _, tab := range tables {
			for _, row := range tab.Rows {
				for _, c := range row {
					for _, l := range c {
						if !strings.Contains(md, escape(l.Text)) && !strings.Contains(md, l.Text) || !strings.Contains(page, l.Text) {
							t.Errorf("%q is not in both", l.Text)
						}
					}
				}
			}
		}
	})
}

func TestMarkdownEscape(t *testing.T) {
	for in, want := range map[string]string{
		"a|b\nc":      `a\|b c`,
		"# x":         `\# x`,
		"#12":         "#12",
		"- x":         `\- x`,
		"12. x":       `12\. x`,
		"192.168.0.1": "192.168.0.1",
		"<b>&":        `&lt;b\>&amp;`,
		"a_b*c":       `a\_b\*c`,
		"\u202eabc":   "abc",
	} {
		if got := escape(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := code("a`b"); got != "a\\`b" {
		t.Errorf("got %q", got)
	}
}

// TestEmptyReport: nothing known is drawn as nothing known, and never fails.
func TestEmptyReport(t *testing.T) {
	r := protocol.Report{}
	if Markdown(r) == "" || HTML(r) == "" || len(JSON(r)) == 0 {
		t.Error("nothing")
	}
	for _, n := range paint(r, learned{}).Nodes {
		if n.State != protocol.NodeUnknown {
			t.Errorf("%+v", n)
		}
	}
}
