package catalog

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"github.com/icescope/icescope/protocol"
)

func TestEveryLanguageHasEverySentence(t *testing.T) {
	all := sentences()
	for _, lang := range Languages {
		for _, other := range Languages {
			for key := range all[other] {
				if _, ok := all[lang][key]; !ok {
					t.Errorf("%s has no %q, which %s has", lang, key, other)
				}
			}
		}
		for key, sentence := range all[lang] {
			if strings.TrimSpace(sentence) == "" {
				t.Errorf("%s %q is empty", lang, key)
			}
			if got, want := names(sentence), names(all[protocol.English][key]); !slices.Equal(got, want) {
				t.Errorf("%s %q has the placeholders %v, English has %v", lang, key, got, want)
			}
		}
	}
}

// TestJapaneseIsJapanese finds a sentence that was copied and never translated. Short technical words (STUN, DTLS) are the same in both.
func TestJapaneseIsJapanese(t *testing.T) {
	for key, sentence := range sentences()[protocol.Japanese] {
		if strings.IndexFunc(sentence, func(r rune) bool { return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) }) < 0 &&
			strings.Count(sentence, " ") > 2 {
			t.Errorf("%q reads %q", key, sentence)
		}
	}
}

func TestIn(t *testing.T) {
	for _, c := range []struct {
		name string
		text Text
		lang protocol.Lang
		want string
	}{
		{"no arguments", T("severity.error"), protocol.English, "error"},
		{"Japanese", T("severity.error"), protocol.Japanese, "エラー"},
		{"a language that nobody speaks", T("severity.error"), "tlh", "error"},
		{"unknown key", T("no" + ".such"), protocol.English, "[no.such]"},
		{"empty", Text{}, protocol.English, ""},
		{"a name without a value is dropped", T("severity.error", "odd"+""), protocol.English, "error"},
	} {
		if got := c.text.In(c.lang); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestExpand(t *testing.T) {
	args := map[string]string{"a": "1", "b": "{a}"}
	value := func(name string) (string, bool) { v, ok := args[name]; return v, ok }
	for sentence, want := range map[string]string{
		"":              "",
		"{a}{a}":        "11",
		"<{b}>":         "<{a}>", // what an argument contains is not expanded again
		"{c}":           "{c}",
		"{ urls: {a} }": "{ urls: 1 }",
		"{a":            "{a",
		"a}":            "a}",
	} {
		if got := expand(sentence, value); got != want {
			t.Errorf("%q: got %q, want %q", sentence, got, want)
		}
	}
}

func TestNestedKeys(t *testing.T) {
	text := T("report.pairs-of", "trial", "@trial.host", "a", "x", "b", "y")
	want := map[protocol.Lang]string{protocol.English: "host only: pairs of x and y", protocol.Japanese: "ホスト候補のみ：x と y のペア"}
	got := map[protocol.Lang]string{}
	for _, lang := range Languages {
		got[lang] = text.In(lang)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// A label may begin with "@" and stays what it is.
	if got := T("report.pairs-of", "trial", "@home", "a", "x", "b", "y").In(protocol.English); got != "@home: pairs of x and y" {
		t.Errorf("got %q", got)
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"not flat": {"en/a.json": {Data: []byte(`{"a": {"b": "c"}}`)}},
		"twice":    {"en/a.json": {Data: []byte(`{"a": "1"}`)}, "en/b.json": {Data: []byte(`{"a": "2"}`)}},
	} {
		if _, err := load(tree); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestKeys(t *testing.T) {
	if want := slices.Sorted(maps.Keys(sentences()[protocol.Japanese])); !slices.Equal(Keys(), want) {
		t.Errorf("Keys are not those of every language, sorted")
	}
	if !Has("severity.error") || Has("no.such") {
		t.Error("Has is wrong")
	}
}

func names(sentence string) []string {
	n := Placeholders(sentence)
	slices.Sort(n)
	return slices.Compact(n)
}
