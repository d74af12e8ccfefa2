// Package icescope_test holds the house rules that no compiler checks: which room may know which, and what a pure room may not touch.
package icescope_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module       = "github.com/icescope/icescope"
	mainMaxLines = 60 // main only hands over to run, which a test can call
)

type room struct {
	level int // 0: imported by all; a room imports only rooms of a lower level
	pure  bool
}

// lab stands beside the levels: it may import every room, and nobody may import it.
const lab = "e2e"

// rooms is the table of ARCHITECTURE.md; TestTable holds the two together.
var rooms = map[string]room{
	"cmd/icescope": {level: 5},
	"server":       {level: 4},
	"session":      {level: 3},
	"intake":       {level: 3, pure: true},
	"peer":         {level: 2},
	"report":       {level: 2, pure: true},
	"dump":         {level: 2, pure: true},
	"compare":      {level: 2, pure: true},
	"archive":      {level: 2},
	"signaling":    {level: 1},
	"stunsrv":      {level: 1},
	"natprobe":     {level: 1},
	"diagnosis":    {level: 1, pure: true},
	"web":          {level: 1},
	"protocol":     {level: 0, pure: true},
	"catalog":      {level: 0, pure: true},
	"docs":         {level: 0},
	"qr":           {level: 0, pure: true},
	lab:            {level: 99},
}

// siblings are the arrows within one level. Each needs its reason here.
var siblings = map[[2]string]string{
	{"catalog", "protocol"}: "a sentence is chosen by protocol.Lang",
}

// impure are the packages that bring sockets, files or processes; a name that ends in a slash stands for all below it.
var impure = []string{
	"net/", "os", "os/", "syscall", "log", "log/", "path/filepath", "crypto/rand", "math/rand", "math/rand/", "golang.org/x/", "github.com/pion/", "github.com/gorilla/",
}

// pureExceptions are packages below a forbidden name that only compute.
var pureExceptions = []string{"net/netip", "net/url", "golang.org/x/text/"}

// clock are the names of package time that read or wait for the clock.
var clock = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick"}

// netPure are the only names of package net that a pure room may use: they compute.
var netPure = []string{"SplitHostPort", "JoinHostPort"}

type source struct {
	dir  string // slash-separated, relative to the module
	name string
	file *ast.File
	test bool
}

func TestArrowsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		from, ok := roomOf(s.dir)
		if !ok {
			t.Errorf("%s is in no room: add it to the table here and in ARCHITECTURE.md", path.Join(s.dir, s.name))
			continue
		}
		for _, imported := range imports(s.file) {
			rest, ok := strings.CutPrefix(imported, module+"/")
			if !ok {
				continue
			}
			to, ok := roomOf(rest)
			switch {
			case !ok:
				t.Errorf("%s imports %s, which is in no room", path.Join(s.dir, s.name), rest)
			case to == from:
			case to == lab:
				t.Errorf("%s imports %s: the lab is imported by nobody", path.Join(s.dir, s.name), rest)
			case s.test: // a test may stand on the rooms above, to drive the real thing
			case rooms[to].level >= rooms[from].level && siblings[[2]string{from, to}] == "":
				t.Errorf("%s: %s (level %d) imports %s (level %d): arrows only point down",
					path.Join(s.dir, s.name), from, rooms[from].level, to, rooms[to].level)
			}
		}
	}
}

func TestPureRooms(t *testing.T) {
	for _, s := range sources(t) {
		name, _ := roomOf(s.dir)
		if !rooms[name].pure || s.test || s.file.Name.Name == "main" { // a generator is a program, not the room
			continue
		}
		for _, imported := range imports(s.file) {
			if isImpure(imported) {
				t.Errorf("%s: the pure room %s imports %s: sockets, files, chance and clock belong to the shell", path.Join(s.dir, s.name), name, imported)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			selector, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			pkg, ok := selector.X.(*ast.Ident)
			if !ok {
				return true
			}
			switch used := selector.Sel.Name; localImport(s.file, pkg.Name) {
			case "time":
				if slices.Contains(clock, used) {
					t.Errorf("%s: the pure room %s uses time.%s: hand the time in", path.Join(s.dir, s.name), name, used)
				}
			case "net":
				if !slices.Contains(netPure, used) {
					t.Errorf("%s: the pure room %s uses net.%s: only %v compute without a socket", path.Join(s.dir, s.name), name, used, netPure)
				}
			}
			return true
		})
	}
}

func TestPackageComments(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range sources(t) {
		if s.test && s.dir != "." {
			continue
		}
		documented[s.dir] = documented[s.dir] || s.file.Doc != nil
	}
	for dir, ok := range documented {
		if !ok {
			t.Errorf("%s has no package comment: what is it for, what is it not for, which standard does it follow?", dir)
		}
	}
}

func TestMainIsShort(t *testing.T) {
	text, err := os.ReadFile("cmd/icescope/main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); lines >= mainMaxLines {
		t.Errorf("cmd/icescope/main.go has %d lines, %d are the limit: move things to the file of their subcommand", lines, mainMaxLines)
	}
}

// TestTable compares the table of ARCHITECTURE.md with rooms.
func TestTable(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]room{}
	for _, row := range regexp.MustCompile("(?m)^\\| ([0-9]+|–) \\| `([a-z0-9/]+)` \\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		level, err := strconv.Atoi(row[1])
		if err != nil {
			level = rooms[lab].level
		}
		written[row[2]] = room{level: level, pure: strings.HasSuffix(row[3], " Pure")}
	}
	for name, want := range rooms {
		if got, ok := written[name]; !ok || got != want {
			t.Errorf("room %s: here %+v, in ARCHITECTURE.md %+v (there at all: %t)", name, want, got, ok)
		}
	}
	for name := range written {
		if _, ok := rooms[name]; !ok {
			t.Errorf("room %s stands in ARCHITECTURE.md and not here", name)
		}
	}
}

// sources are all Go files of the module.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" || base == "dist" || base == "vendor") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, source{dir: filepath.ToSlash(filepath.Dir(name)), name: base, file: file, test: strings.HasSuffix(base, "_test.go")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// roomOf finds the room that a directory belongs to: the longest name of the table that it begins with. The module's root holds this test only.
func roomOf(dir string) (string, bool) {
	for d := dir; d != "."; d = path.Dir(d) {
		if _, ok := rooms[d]; ok {
			return d, true
		}
	}
	return "", dir == "."
}

func imports(file *ast.File) []string {
	out := make([]string, 0, len(file.Imports))
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out = append(out, name)
		}
	}
	return out
}

// localImport resolves a package name as the file writes it.
func localImport(file *ast.File, name string) string {
	for _, spec := range file.Imports {
		full, _ := strconv.Unquote(spec.Path.Value)
		if spec.Name != nil && spec.Name.Name == name || spec.Name == nil && path.Base(full) == name {
			return full
		}
	}
	return ""
}

func isImpure(name string) bool {
	matches := func(rule string) bool {
		return name == rule || strings.HasSuffix(rule, "/") && strings.HasPrefix(name, rule)
	}
	return slices.ContainsFunc(impure, matches) && !slices.ContainsFunc(pureExceptions, matches)
}
