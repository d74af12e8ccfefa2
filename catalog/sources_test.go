package catalog

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

const module = "github.com/icescope/icescope/catalog"

// prefixes lists every beginning of a key that is built by concatenation, and the type in protocol whose every constant must then have a sentence.
// Empty: the values are the affair of the room that builds the key; only the prefix must exist.
var prefixes = map[string]string{
	"needs.":         "Needs",
	"trial.":         "TrialKind",
	"outcome.":       "Outcome",
	"reason.":        "Reason",
	"experiment.":    "Experiment",
	"severity.":      "Severity",
	"confidence.":    "Confidence",
	"direction.":     "DirectionState",
	"behavior.":      "Behavior",
	"kind.":          "PeerKind",
	"step.":          "",
	"finding.":       "",
	"nat.":           "",
	"verdict.":       "",
	"advice.":        "",
	"expect.":        "",
	"picture.arrow.": "ArrowState",
	"picture.say.":   "",
}

// TestWordsOfProtocol keeps the catalog from going stale when protocol gets a new word.
func TestWordsOfProtocol(t *testing.T) {
	values := protocolConstants(t)
	for prefix, typ := range prefixes {
		if typ == "" {
			continue
		}
		if len(values[typ]) == 0 {
			t.Errorf("protocol has no constants of type %s", typ)
		}
		for _, v := range values[typ] {
			if !Has(prefix + v) {
				t.Errorf("no sentence for %q (protocol.%s)", prefix+v, typ)
			}
		}
	}
}

// TestKeysInSources reads all Go sources: each catalog.T has a known key, its arguments come in pairs, and those are the ones that the sentence asks for.
func TestKeysInSources(t *testing.T) {
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if n := d.Name(); path != ".." && (strings.HasPrefix(n, ".") || n == "node_modules" || n == "testdata" || n == "catalog") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // a room in the middle of an edit; the compiler says so better than this test
		}
		name := importedAs(file)
		if name == "" {
			return nil
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isT(call, name) {
				for _, problem := range checkCall(call) {
					t.Errorf("%s: %s", set.Position(call.Pos()), problem)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func importedAs(file *ast.File) string {
	for _, imp := range file.Imports {
		if p, _ := strconv.Unquote(imp.Path.Value); p == module {
			if imp.Name != nil {
				return imp.Name.Name
			}
			return "catalog"
		}
	}
	return ""
}

func isT(call *ast.CallExpr, pkg string) bool {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "T" || len(call.Args) == 0 {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

func checkCall(call *ast.CallExpr) (problems []string) {
	if call.Ellipsis == token.NoPos && len(call.Args)%2 == 0 {
		problems = append(problems, "the arguments after the key are not pairs")
	}
	key, whole := literal(call.Args[0])
	switch {
	case !whole && key != "":
		if _, listed := prefixes[key]; !listed {
			problems = append(problems, "the prefix "+strconv.Quote(key)+" is not listed in catalog/sources_test.go")
		}
		if !slices.ContainsFunc(Keys(), func(k string) bool { return strings.HasPrefix(k, key) }) {
			problems = append(problems, "no key begins with "+strconv.Quote(key))
		}
	case whole && key == "": // arguments first, the key is set later: a diagnosis makes it of the finding's code
	case whole && !Has(key):
		problems = append(problems, "no key "+strconv.Quote(key))
	}
	given, allLiteral := []string{}, whole && call.Ellipsis == token.NoPos
	for i := 1; i+1 < len(call.Args); i += 2 {
		name, ok := literal(call.Args[i])
		allLiteral = allLiteral && ok
		given = append(given, name)
		value, ok := literal(call.Args[i+1])
		if nested, isKey := strings.CutPrefix(value, "@"); ok && isKey && !Has(nested) {
			problems = append(problems, "no key "+strconv.Quote(nested)+" for the argument "+name)
		}
	}
	if allLiteral && key != "" && Has(key) {
		sentence, _ := lookup(protocol.English, key)
		slices.Sort(given)
		if want := names(sentence); !slices.Equal(given, want) {
			problems = append(problems, key+" asks for "+strings.Join(want, " ")+", and is given "+strings.Join(given, " "))
		}
	}
	return problems
}

// literal is the string that an expression begins with, and whether that is all of it.
func literal(e ast.Expr) (s string, whole bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		s, _ := literal(e.X)
		return s, false
	}
	return "", false
}

// protocolConstants are the string constants in protocol/words.go, by type.
func protocolConstants(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../protocol/words.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			spec := spec.(*ast.ValueSpec)
			if typ, ok := spec.Type.(*ast.Ident); ok {
				for _, v := range spec.Values {
					s, _ := literal(v)
					values[typ.Name] = append(values[typ.Name], s)
				}
			}
		}
	}
	return values
}
