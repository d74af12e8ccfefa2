package report

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchemaIsFresh writes the schema from the types of protocol and their comments, so that it can never lag behind them.
func TestSchemaIsFresh(t *testing.T) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(generate(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(Schema()), b.String()); diff != "" {
		t.Errorf("schema.json is stale (go test ./report -update writes it again):\n%s", diff)
	}
}

// TestSchemaKnowsEveryMember does not trust the generator: it walks the Go types and the committed file side by side.
func TestSchemaKnowsEveryMember(t *testing.T) {
	var doc struct {
		Defs map[string]struct {
			Properties map[string]any
			Required   []string
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	seen := map[reflect.Type]bool{}
	var visit func(reflect.Type)
	visit = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct || seen[typ] {
			return
		}
		seen[typ] = true
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if _, ok := doc.Defs[typ.Name()].Properties[name]; !ok {
				t.Errorf("schema.json does not know %s.%s", typ.Name(), name)
			}
			visit(typ.Field(i).Type)
		}
	}
	visit(reflect.TypeFor[protocol.Report]())
}

func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func conforms(t testing.TB, s *jsonschema.Schema, text []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSamplesConform(t *testing.T) {
	s := compiled(t)
	eachSample(t, func(t *testing.T, _ string, r protocol.Report) {
		for name, r := range map[string]protocol.Report{"as made": r, "redacted": Redact(r)} {
			if err := conforms(t, s, JSON(r)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	whole := string(JSON(flat(protocol.English)))
	for name, change := range map[string][2]string{
		"an unknown verdict":       {`"needs": "nothing"`, `"needs": "luck"`},
		"a list that is null":      {`"findings": []`, `"findings": null`},
		"a member of a wrong type": {`"run": 1,`, `"run": "1",`},
		"a misspelled member":      {`"httpAddress"`, `"httpAdress"`},
		"a port beyond 65535":      {`"port": 50001`, `"port": 650001`},
		"another schema":           {`icescope.report/v1`, `icescope.report/v2`},
	} {
		changed := strings.Replace(whole, change[0], change[1], 1)
		if changed == whole {
			t.Errorf("%s: the sample has no %s", name, change[0])
		} else if conforms(t, s, []byte(changed)) == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	open := strings.Replace(whole, `"schema":`, `"later": 1, "schema":`, 1)
	if err := conforms(t, s, []byte(open)); err != nil {
		t.Errorf("a later addition at the top is refused: %v", err)
	}
}

// TestCatalogKeys: the catalog's own test reads catalog.T calls; this room says its sentences through view.T, in Go and in the template.
func TestCatalogKeys(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	used := map[string]bool{}
	for _, name := range append(files, "report.gohtml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"((?:report|outcome)\.[a-z0-9-]+)"`).FindAllStringSubmatch(string(text), -1) {
			used[m[1]] = true
			if !catalog.Has(m[1]) && !strings.HasSuffix(m[1], "-") && !strings.HasSuffix(m[1], ".json") && !strings.HasSuffix(m[1], ".gohtml") && !strings.HasSuffix(m[1], ".css") {
				t.Errorf("%s: no sentence %q", name, m[1])
			}
		}
	}
	for _, key := range catalog.Keys() {
		if strings.HasPrefix(key, "report.") && !strings.HasPrefix(key, "report.what-") && !used[key] {
			t.Errorf("nobody says %q", key)
		}
	}
}

type object = map[string]any

func generate(t *testing.T) object {
	docs, enums := readProtocol(t)
	defs := object{}
	var schemaOf func(reflect.Type, string, string) object
	define := func(typ reflect.Type) object {
		ref := object{"$ref": "#/$defs/" + typ.Name()}
		if _, done := defs[typ.Name()]; done {
			return ref
		}
		properties, required := object{}, []string{}
		def := object{"type": "object", "description": docs[typ.Name()]}
		defs[typ.Name()] = def
		for i := range typ.NumField() {
			f := typ.Field(i)
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			optional := strings.Contains(options, "omitempty")
			one := schemaOf(f.Type, name, options)
			if d := docs[typ.Name()+"."+f.Name]; d != "" {
				one["description"] = d
			}
			if !optional {
				required = append(required, name)
			}
			properties[name] = one
		}
		def["properties"], def["required"] = properties, required
		def["additionalProperties"] = typ == reflect.TypeFor[protocol.Report]() // a reader of v1 must stand what a later v1 adds at the top
		return ref
	}
	schemaOf = func(typ reflect.Type, name, options string) object {
		switch typ.Kind() {
		case reflect.Pointer:
			inner := schemaOf(typ.Elem(), name, options)
			if strings.Contains(options, "omitempty") {
				return inner
			}
			if typeName, ok := inner["type"].(string); ok {
				inner["type"] = []string{typeName, "null"}
				return inner
			}
			return object{"anyOf": []object{inner, {"type": "null"}}}
		case reflect.Slice:
			return object{"type": "array", "items": schemaOf(typ.Elem(), name, options)}
		case reflect.Struct:
			return define(typ)
		case reflect.String:
			return ofString(typ, name, enums)
		case reflect.Bool:
			return object{"type": "boolean"}
		case reflect.Float64:
			return object{"type": "number"}
		case reflect.Int, reflect.Int64, reflect.Uint32:
			one := object{"type": "integer", "minimum": 0}
			switch name {
			case "port", "relatedPort":
				one["maximum"] = 65535
			case "event":
				one["minimum"] = -1 // none
			}
			return one
		}
		t.Fatalf("no schema for %s of kind %s", name, typ.Kind())
		return nil
	}
	define(reflect.TypeFor[protocol.Report]())
	return object{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"$id":     "https://github.com/icescope/icescope/report/schema.json",
		"title":   protocol.ReportSchema,
		"$ref":    "#/$defs/Report",
		"$defs":   defs,
	}
}

// ofString: words of protocol are enums, except codes, of which a later version has more. A trial that runs has neither outcome nor reason yet.
func ofString(typ reflect.Type, name string, enums map[string][]string) object {
	one := object{"type": "string"}
	switch typ.Name() {
	case "string":
		if name == "schema" {
			one["const"] = protocol.ReportSchema
		}
	case "Code":
		one["pattern"] = "^[a-z0-9-]*$"
	case "TrialID":
		one["pattern"] = "^[a-z-]+-[1-9][0-9]*$"
	case "Outcome", "Reason", "Confidence", "ClassicNAT", "Callers":
		one["enum"] = append([]string{""}, enums[typ.Name()]...)
	default:
		one["enum"] = enums[typ.Name()]
	}
	return one
}

// readProtocol takes the comments on types and members, and the constants of each named string type.
func readProtocol(t *testing.T) (docs map[string]string, enums map[string][]string) {
	docs, enums = map[string]string{}, map[string][]string{}
	files, _ := filepath.Glob("../protocol/*.go")
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				switch s := spec.(type) {
				case *ast.ValueSpec:
					if typ, ok := s.Type.(*ast.Ident); ok && gen.Tok == token.CONST {
						for _, v := range s.Values {
							if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
								word, _ := strconv.Unquote(lit.Value)
								enums[typ.Name] = append(enums[typ.Name], word)
							}
						}
					}
				case *ast.TypeSpec:
					docs[s.Name.Name] = prose(gen.Doc)
					if st, ok := s.Type.(*ast.StructType); ok {
						for _, f := range st.Fields.List {
							for _, n := range f.Names {
								docs[s.Name.Name+"."+n.Name] = strings.TrimSpace(prose(f.Doc) + " " + prose(f.Comment))
							}
						}
					}
				}
			}
		}
	}
	return docs, enums
}

func prose(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
