package catalog

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	codes, err := os.ReadFile("../protocol/codes.go")
	if err != nil {
		t.Fatal(err)
	}
	for code, list := range settings() {
		if !strings.Contains(string(codes), "= "+strconv.Quote(string(code))) {
			t.Errorf("settings for %s, which no finding is called", code)
		}
		for _, s := range list {
			if s.For == "" || s.Text == "" {
				t.Errorf("%s: an empty setting", code)
			}
		}
	}
}
