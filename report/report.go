// Package report turns a protocol.Report into what leaves the program: JSON for tools, Markdown for a ticket, one HTML file for a USB stick; and takes
// out of it what names machines and people (Redact). It judges nothing: what a report says was decided by diagnosis. It opens no file or socket and
// reads no clock, so that the same report is the same bytes for ever.
//
// Markdown and HTML draw the same view (view.go): what stands in one stands in the other.
package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"math"
	"reflect"

	"github.com/icescope/icescope/protocol"
)

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (2020-12) of JSON's output.
func Schema() []byte { return bytes.Clone(schema) }

// JSON writes the report indented, the members in the order of protocol.Report, with a line feed at the end. Lists that are nil become empty and numbers
// that JSON cannot write become null, or 0 where the schema wants a number, so that the result always conforms to Schema.
func JSON(r protocol.Report) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false) // a reader of the file sees "<", not its code; nobody embeds it in a page as it is
	if err := enc.Encode(normal(r)); err != nil {
		panic("report: " + err.Error()) // normal leaves nothing that cannot be encoded
	}
	return b.Bytes()
}

// normal is a deep copy without nil lists and without numbers that JSON has no words for.
func normal(r protocol.Report) protocol.Report {
	return rewrite(reflect.ValueOf(r), nil, "", func(_ member, s string) string { return s }).Interface().(protocol.Report)
}

// member says where a string stands: in a struct of type in, as the field name. Strings of a list stand where the list stands.
type member struct {
	in    reflect.Type
	field string
}

// rewrite copies v deeply, with each string put through f. Named string types are words of protocol, never text, and stay as they are.
func rewrite(v reflect.Value, in reflect.Type, field string, f func(member, string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			out.Field(i).Set(rewrite(v.Field(i), v.Type(), v.Type().Field(i).Name, f))
		}
	case reflect.Slice:
		out.Set(reflect.MakeSlice(v.Type(), v.Len(), v.Len()))
		for i := range v.Len() {
			out.Index(i).Set(rewrite(v.Index(i), in, field, f))
		}
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() == reflect.Float64 && !finite(v.Elem().Float()) {
			return out
		}
		out.Set(reflect.New(v.Type().Elem()))
		out.Elem().Set(rewrite(v.Elem(), in, field, f))
	case reflect.String:
		out.Set(v)
		if v.Type() == reflect.TypeFor[string]() {
			out.SetString(f(member{in, field}, v.String()))
		}
	case reflect.Float64:
		if finite(v.Float()) {
			out.Set(v)
		}
	default:
		out.Set(v)
	}
	return out
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
