// Package catalog holds every sentence of the Go side in English and Japanese. A room that has something to say makes a Text, which is a key and
// arguments; only the report, or the command line, puts it into the reader's language. It decides nothing and formats no numbers.
package catalog

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/icescope/icescope/protocol"
)

// A directory a language, a file a room, so that two rooms never edit the same file.
//
//go:embed en/*.json ja/*.json
var files embed.FS

// Languages are those that every sentence exists in.
var Languages = []protocol.Lang{protocol.English, protocol.Japanese}

// Text is a sentence that is not yet in a language. The zero Text is the empty sentence.
type Text struct {
	Key  string
	Args map[string]string // placeholder name to value; a value "@key" is itself a sentence of the catalog
}

// T makes a Text of a key and pairs of placeholder name and value: T("finding.x.summary", "peer", "A", "trial", "@trial.host").
// A name without a value is dropped; the tests of this package find it where it is written.
func T(key string, args ...string) Text {
	t := Text{Key: key}
	if len(args) > 1 {
		t.Args = make(map[string]string, len(args)/2)
	}
	for i := 0; i+1 < len(args); i += 2 {
		t.Args[args[i]] = args[i+1]
	}
	return t
}

// In puts the sentence into a language. A diagnosis must survive a missing sentence: an unknown key comes back in brackets, and a placeholder without
// a value stays as written. What arguments contain is never expanded again, so that a label cannot play placeholder.
func (t Text) In(lang protocol.Lang) string {
	if t.Key == "" {
		return ""
	}
	sentence, ok := lookup(lang, t.Key)
	if !ok {
		return "[" + t.Key + "]"
	}
	return expand(sentence, func(name string) (string, bool) {
		value, ok := t.Args[name]
		if key, isKey := strings.CutPrefix(value, "@"); isKey {
			if nested, known := lookup(lang, key); known {
				return nested, true
			}
		}
		return value, ok
	})
}

// Has tells whether the key exists, for words that come from outside and may be of a later version.
func Has(key string) bool {
	_, ok := lookup(protocol.English, key)
	return ok
}

// Keys are all keys, sorted.
func Keys() []string {
	keys := make([]string, 0, len(sentences()[protocol.English]))
	for key := range sentences()[protocol.English] {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// Placeholders are the names in a sentence, in their order, as in {name}.
func Placeholders(sentence string) []string {
	var names []string
	expand(sentence, func(name string) (string, bool) {
		names = append(names, name)
		return "", true
	})
	return names
}

// expand replaces each {name} for which value has an answer. Braces around anything but a name are text.
func expand(sentence string, value func(name string) (string, bool)) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(sentence, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if closed && isName(name) {
			if v, ok := value(name); ok {
				b.WriteString(v)
				sentence = after
				continue
			}
		}
		b.WriteByte('{')
		sentence = rest
	}
}

func isName(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// lookup falls back to English for a language that nobody speaks here.
func lookup(lang protocol.Lang, key string) (string, bool) {
	all := sentences()
	if _, ok := all[lang]; !ok {
		lang = protocol.English
	}
	s, ok := all[lang][key]
	return s, ok
}

// sentences panics where an embedded file is not flat JSON: that is a broken build, and the first test sees it.
var sentences = sync.OnceValue(func() map[protocol.Lang]map[string]string {
	all, err := load(files)
	if err != nil {
		panic("catalog: " + err.Error())
	}
	return all
})

func load(from fs.FS) (map[protocol.Lang]map[string]string, error) {
	all := make(map[protocol.Lang]map[string]string)
	for _, lang := range Languages {
		all[lang] = make(map[string]string)
		names, err := fs.Glob(from, path.Join(string(lang), "*.json"))
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			text, err := fs.ReadFile(from, name)
			if err != nil {
				return nil, err
			}
			var flat map[string]string
			if err := json.Unmarshal(text, &flat); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			for key, sentence := range flat {
				if _, twice := all[lang][key]; twice {
					return nil, fmt.Errorf("%s: key %q stands in another file too", name, key)
				}
				all[lang][key] = sentence
			}
		}
	}
	return all, nil
}
