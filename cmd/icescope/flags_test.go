package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

var update = flag.Bool("update", false, "write docs/flags*.md and catalog/en/flags.json again")

// flagTexts is where the English help of the flags stands for translators: a copy of the struct tags, which this test keeps true.
const flagTexts = "../../catalog/en/flags.json"

// Keys of the catalog that come from the struct tags begin with one of these; the other keys of flagTexts are the document's own.
const (
	commandKey  = "command."
	argumentKey = "argument."
	flagKey     = "flag."
)

// documented are the commands as kong has them, and their English help by its key.
func documented(t *testing.T) ([]*kong.Node, map[string]string) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("icescope"), kong.Help(help))
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	for _, c := range parser.Model.Children {
		help[commandKey+c.Name] = c.Help
		if c.Detail != "" {
			help[commandKey+c.Name+".detail"] = c.Detail
		}
		for _, a := range c.Positional {
			help[argumentKey+c.Name+"."+a.Name] = a.Help
		}
		for _, f := range c.Flags {
			help[flagKey+c.Name+"."+f.Name] = f.Help
		}
	}
	return parser.Model.Children, help
}

// TestFlagsHaveBothLanguages: whatever --help says in English, the catalog has in Japanese, and it has nothing that is gone.
func TestFlagsHaveBothLanguages(t *testing.T) {
	_, help := documented(t)
	text, err := os.ReadFile(flagTexts)
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]string{}
	if err := json.Unmarshal(text, &written); err != nil {
		t.Fatal(err)
	}
	kept := map[string]string{}
	for key, sentence := range written {
		_, known := help[key]
		if tagged := strings.HasPrefix(key, commandKey) || strings.HasPrefix(key, argumentKey) || strings.HasPrefix(key, flagKey); !tagged {
			kept[key] = sentence
		} else if !known && !*update {
			t.Errorf("catalog/en/flags.json has %q, and no command has it (go test ./cmd/icescope -update takes it out; then take it out of catalog/ja/flags.json)", key)
		}
	}
	for key, english := range help {
		kept[key] = english
		if english == "" {
			t.Errorf("%s has no help", key)
		}
		if written[key] != english && !*update {
			t.Errorf("catalog/en/flags.json: %q reads %q, --help says %q (go test ./cmd/icescope -update copies it; then see whether catalog/ja/flags.json still says the same)", key, written[key], english)
		}
		if japanese := (catalog.Text{Key: key}).In(protocol.Japanese); japanese == "["+key+"]" || japanese == english {
			t.Errorf("catalog/ja/flags.json has no %q: in English it is %q", key, english)
		}
	}
	if *update {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(kept); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(flagTexts, b.Bytes(), 0o644); err != nil { //nolint:gosec // a document
			t.Fatal(err)
		}
	}
}

// TestFlagsDocument holds docs/flags.md and docs/flags.ja.md to the commands, so that no flag can be missing.
func TestFlagsDocument(t *testing.T) {
	nodes, help := documented(t)
	for lang, path := range map[protocol.Lang]string{protocol.English: "../../docs/flags.md", protocol.Japanese: "../../docs/flags.ja.md"} {
		want := flagsDocument(nodes, func(key string) string {
			if english, ok := help[key]; ok && lang == protocol.English {
				return english
			}
			return catalog.Text{Key: key}.In(lang)
		})
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // a document
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is stale (go test ./cmd/icescope -update writes it again): %v", path, err)
		}
	}
}

// exits are all codes that a command ends with.
var exits = []int{exitOK, exitError, exitUsage, 10, 11, 12, 13, 14, exitDependent, exitUDPBlocked, exitNotMeasurable}

func flagsDocument(nodes []*kong.Node, say func(key string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n", say("flags.title"), say("flags.intro"))
	for _, c := range nodes {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", c.Name, cell(say(commandKey+c.Name)))
		if c.Detail != "" {
			fmt.Fprintf(&b, "\n%s\n", cell(say(commandKey+c.Name+".detail")))
		}
		fmt.Fprintf(&b, "\n    %s\n", strings.Join(append([]string{"icescope", c.Name}, arguments(c)...), " "))
		fmt.Fprintf(&b, "\n| %s | %s | %s |\n|---|---|---|\n", say("flags.flag"), say("flags.default"), say("flags.meaning"))
		for _, a := range c.Positional {
			fmt.Fprintf(&b, "| %s | – | %s |\n", cell(quoted(a.Summary())), cell(say(argumentKey+c.Name+"."+a.Name)))
		}
		for _, f := range c.Flags {
			meaning := say(flagKey + c.Name + "." + f.Name)
			for _, env := range f.Envs {
				meaning += " " + strings.ReplaceAll(say("flags.env"), "{env}", quoted(env))
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(flagName(f)), flagDefault(f, say), cell(meaning))
		}
	}
	fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| %s | %s |\n|---|---|\n", say("flags.exit"), say("flags.exit.intro"), say("flags.code"), say("flags.meaning"))
	for _, e := range exits {
		fmt.Fprintf(&b, "| %d | %s |\n", e, say(fmt.Sprintf("exit.%d", e)))
	}
	return b.String()
}

func arguments(c *kong.Node) (out []string) {
	for _, a := range c.Positional {
		out = append(out, a.Summary())
	}
	return append(out, "[flags]")
}

// flagName is how it is typed, as in `-4`, `--ipv4`.
func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Tag.Negatable != "" {
		name = "--[no-]" + f.Name
	}
	switch {
	case f.IsBool():
	case f.Enum != "":
		name += " " + strings.ReplaceAll(f.Enum, ",", "|")
	case f.PlaceHolder != "":
		name += " " + f.PlaceHolder
	case f.Target.Type() == reflect.TypeFor[time.Duration]():
		name += " DURATION"
	case strings.HasPrefix(f.Default, ":"):
		name += " ADDR"
	default:
		name += " " + strings.ToUpper(f.Name)
	}
	if f.Short != 0 {
		return quoted("-"+string(f.Short)) + ", " + quoted(name)
	}
	return quoted(name)
}

func flagDefault(f *kong.Flag, say func(key string) string) string {
	switch {
	case f.HasDefault:
		return quoted(cmp.Or(f.Default, `""`))
	case f.IsBool() && f.Tag.Negatable == "":
		return say("flags.off")
	}
	return "–"
}

func quoted(s string) string { return "`" + s + "`" }

// cell keeps a table's cell in one cell.
func cell(s string) string { return strings.ReplaceAll(strings.ReplaceAll(s, "\n", " "), "|", `\|`) }
