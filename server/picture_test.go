package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/icescope/icescope/protocol"
)

// post sends a body and returns the status and the answer.
func (r *running) post(path string, body []byte) (int, []byte) {
	r.t.Helper()
	response, err := http.Post(r.base+path, "application/json", bytes.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, answer
}

func TestPicture(t *testing.T) {
	r := start(t, nil)
	model, err := os.ReadFile("../report/testdata/picture/relay-works.json")
	if err != nil {
		t.Fatal(err)
	}
	whole := []byte(`{"picture":` + string(model) + `,"kinds":["host","stun"]}`)
	var d protocol.Drawing
	status, answer := r.post("/api/v1/picture?width=390", whole)
	if err := json.Unmarshal(answer, &d); err != nil || status != http.StatusOK || d.Width != 390 || !d.Tall || len(d.Marks) == 0 || len(d.Order) == 0 {
		t.Errorf("%d %v %s", status, err, answer)
	}
	for name, c := range map[string]struct {
		query  string
		body   []byte
		status int
		code   protocol.ErrorCode
	}{
		"no width":        {"", whole, 400, protocol.ErrBadMessage},
		"too narrow":      {"?width=1", whole, 400, protocol.ErrBadMessage},
		"no JSON":         {"?width=390", []byte("x"), 400, protocol.ErrBadMessage},
		"an empty object": {"?width=390", []byte("{}"), 400, protocol.ErrBadMessage},
		"two objects":     {"?width=390", append(bytes.Clone(whole), whole...), 400, protocol.ErrBadMessage},
		"too large":       {"?width=390", []byte(strings.Repeat(" ", maxDrawnBody+1)), 413, protocol.ErrTooLarge},
	} {
		status, answer := r.post("/api/v1/picture"+c.query, c.body)
		var e struct{ Error protocol.Error }
		if err := json.Unmarshal(answer, &e); err != nil || status != c.status || e.Error.Code != c.code || e.Error.Message == "" || e.Error.Hint == "" {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}
