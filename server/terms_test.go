package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/icescope/icescope/catalog"
)

// TestTerms: each word that the page explains has its meaning here, in both languages, and none is here that the page does not know.
func TestTerms(t *testing.T) {
	source, err := os.ReadFile("../web/src/ui/Explain.tsx")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`const terms = \[([^\]]*)\]`).FindSubmatch(source)
	if list == nil {
		t.Fatal("Explain.tsx has no list of terms")
	}
	want := slices.Sorted(slices.Values(strings.Split(strings.ReplaceAll(string(list[1]), `"`, ""), ", ")))
	r := start(t, nil)
	for _, lang := range catalog.Languages {
		response, body := r.do(http.MethodGet, "/api/v1/terms?lang="+string(lang))
		var terms map[string]string
		if err := json.Unmarshal([]byte(body), &terms); err != nil || response.StatusCode != http.StatusOK || response.Header.Get("Cache-Control") != termsLast {
			t.Errorf("%v %s %q", err, response.Status, response.Header.Get("Cache-Control"))
		}
		if got := slices.Sorted(maps.Keys(terms)); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", lang, got, want)
		}
		if got, want := terms["relay"], (catalog.Text{Key: "term.relay"}).In(lang); got != want {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	if response, _ := r.do(http.MethodGet, "/api/v1/terms?lang=fr"); response.StatusCode != http.StatusBadRequest || response.Header.Get("Cache-Control") != "" {
		t.Errorf("%s, Cache-Control %q", response.Status, response.Header.Get("Cache-Control"))
	}
}
