package diagnosis_test

import (
	"slices"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// TestAnotherProgramIsNoShortLifetime: what asks from the same address at another beat than the browser's is another program, such as icescope nat.
func TestAnotherProgramIsNoShortLifetime(t *testing.T) {
	all := stories(t)
	i := slices.IndexFunc(all, func(s story) bool { return s.name == "nat-short-lifetime" })
	if i < 0 {
		t.Fatal("the story is gone")
	}
	fires := func(events []protocol.Event) bool {
		return slices.ContainsFunc(diagnosis.Diagnose(events).Findings, func(f diagnosis.Finding) bool { return f.Code == protocol.CodeShortMappingLifetime })
	}
	events := all[i].recording
	if !fires(events) {
		t.Fatal("it does not fire as recorded")
	}
	first := slices.IndexFunc(events, func(e protocol.Event) bool { return e.Type == protocol.EventSighting })
	moved := slices.Clone(events)
	for i := range moved {
		if e := &moved[i]; e.Type == protocol.EventSighting && e.AtMs > events[first].AtMs+9000 {
			e.AtMs -= 3000
		}
	}
	if fires(moved) {
		t.Error("it fires where the request came 7 s after the first, which no browser does")
	}
}
