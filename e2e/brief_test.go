package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/icescope/icescope/protocol"
)

const (
	// briefSamples of each end, briefPace apart, are more than the page keeps whole (WHOLE_SAMPLES in web/src/model/kept.ts).
	briefSamples = 200
	briefPace    = 10 * time.Millisecond
)

// TestEventKeptInBrief opens an early sample of a long trial: the page keeps a few words of it, and fetches it whole when somebody looks.
func TestEventKeptInBrief(t *testing.T) {
	need(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), floodPatience)
	defer cancel()
	binary, err := Binary(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	h, err := newLoopback(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	code, err := h.room(ctx)
	if err != nil {
		t.Fatal(err)
	}
	crowd, err := newCrowd(ctx, h.webSocket(code), steady)
	if err != nil {
		t.Fatal(err)
	}
	defer crowd.Close()
	c, err := h.watch(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	id, err := crowd.begin(ctx, heldFor)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []func() error{
		func() error { return crowd.stream(ctx, id) },
		func() error { return crowd.connect(id) },
		func() error { return WaitFor(ctx, c, verdictFinal) },
		func() error {
			return crowd.paced(ctx, briefPace, briefSamples, func(int) error { return crowd.sample(id, true) })
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	seq, last, err := h.firstSample(ctx, code)
	if err != nil {
		t.Fatal(err)
	}
	const list = `document.querySelector("#timeline [role=listbox]")`
	for _, condition := range []string{
		fmt.Sprintf(`%s.querySelector("[aria-setsize]")?.ariaSetSize > %d`, list, last-1),                                                    // the page has them all
		fmt.Sprintf(`(%s.scrollTop = %[1]s.scrollHeight * %d / %d - 100, document.getElementById("timeline-event-%[2]d"))`, list, seq, last), // it draws what is in sight
		fmt.Sprintf(`document.getElementById("timeline-event-%d").dispatchEvent(new MouseEvent("dblclick", { bubbles: true }))`, seq),
		`document.querySelector('[data-testid="event-dialog"] pre')?.textContent.includes('"local":')`,
		`performance.getEntriesByType("resource").some((e) => e.name.includes("/recording?from="))`,
	} {
		if err := WaitFor(ctx, c, condition); err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
	}
}

// firstSample is the number of the recording's first sample, and how many events there are.
func (h *loopback) firstSample(ctx context.Context, code string) (seq, events int, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, h.base+"/api/v1/rooms/"+code+"/recording", nil)
	if err != nil {
		return 0, 0, err
	}
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, 0, err
	}
	defer got.Body.Close()
	seq = -1
	for lines := json.NewDecoder(got.Body); ; events++ {
		var e protocol.Event
		switch err := lines.Decode(&e); {
		case err == io.EOF && seq < 0:
			return 0, 0, fmt.Errorf("no sample in %d events", events)
		case err == io.EOF:
			return seq, events, nil
		case err != nil:
			return 0, 0, err
		}
		if seq < 0 && e.Sample != nil {
			seq = e.Seq
		}
	}
}
