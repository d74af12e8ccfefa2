package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/icescope/icescope/protocol"
)

// natLabel is the width of the first column, in cells of a terminal.
const natLabel = 21

// NATText is what `icescope nat` says to a person; with explain it is the lesson, step by step, and then the result. The result's sentences are those that Lesson
// wrote.
func NATText(r protocol.NATResult, lang protocol.Lang, explain bool) string {
	w := natText{lesson: lesson{r.NAT.Tests, lang}}
	w.line("%s", w.say("text.head", "server", r.Server))
	if explain {
		w.line("%s", w.say("text.corners"))
		for i, t := range r.NAT.Tests {
			w.step(i+1, t)
		}
	}
	w.line("")
	w.line("%s", r.NAT.Summary)
	w.line("")
	w.facts(r)
	if notes := r.NAT.Evidence; len(notes) > 0 && !explain {
		w.notes(r)
	}
	if !explain {
		w.line("")
		w.line("%s", w.say("text.explain-hint"))
	}
	return w.b.String()
}

type natText struct {
	lesson
	b strings.Builder
}

func (w *natText) line(format string, args ...any) {
	w.b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " "))
	w.b.WriteByte('\n')
}

// step is four lines: the question, the packet on its way out, the answer on its way back, and what it means.
func (w *natText) step(number int, t protocol.NATTest) {
	w.line("")
	w.line("%2d  %s", number, t.Title)
	asked := t.Corner
	if strings.Contains(t.Packet, changeRequest) {
		asked = protocol.CornerPP // it is asked, and another is to answer
	}
	if t.To != "" && t.Result != protocol.StepSkipped {
		w.line("    ──▶ %-2s %s   %s %s", asked, t.To, strings.ToUpper(t.Transport), t.Packet)
		answer := w.say("text.silence")
		arrow := "✗┄┄"
		switch t.Result {
		case protocol.StepAnswered, protocol.StepRefused:
			arrow = "◀──"
			switch {
			case t.Result == protocol.StepRefused:
				answer, t.Corner = t.Error, asked // who refuses does not let another answer
			case t.Step == protocol.StepHairpin || t.Step == protocol.StepLifetime:
				answer = ""
			default:
				answer = w.say("text.you-are", "mapped", t.Mapped)
			}
			if t.RTTMs > 0 {
				answer += fmt.Sprintf("   %s ms", strconv.FormatFloat(t.RTTMs, 'f', 1, 64))
			}
			answer = t.Answerer + "   " + answer
		case protocol.StepFailed:
			arrow, answer = "  ✗", w.why(t.Error)
		}
		w.line("    %s %-2s %s", arrow, t.Corner, answer)
	}
	w.line("    %s", t.Text)
}

// facts is the table below the sentence. What was not measured says so; what nobody asked for is left out.
func (w *natText) facts(r protocol.NATResult) {
	server := []string{r.Server}
	for _, s := range []string{r.Dialect, r.Software} {
		if s != "" {
			server = append(server, s)
		}
	}
	w.fact("server", strings.Join(server, ", "))
	w.fact("udp", w.seen(r.Local, r.UDPAddress))
	w.fact("tcp", w.seen("", r.TCPAddress))
	w.fact("mapping", w.say("behavior."+string(r.NAT.Mapping)))
	w.fact("filtering", w.say("behavior."+string(r.NAT.Filtering)))
	if r.NAT.RFC3489 != "" {
		w.fact("classic", string(r.NAT.RFC3489)+" (RFC 3489)")
	}
	w.answer("hairpin", r.NAT.Hairpin, w.did(protocol.StepHairpin))
	w.answer("preservation", r.PortPreservation, w.did(protocol.StepPreservation))
	w.answer("contiguity", r.Contiguity, w.did(protocol.StepContiguity))
	w.answer("rewritten", r.Rewritten, w.did(protocol.StepAddressRewrite))
	w.answer("fragments", r.Fragments, w.did(protocol.StepFragments))
	w.answer("server-nat", r.ServerTranslated, r.ServerTranslated != nil && *r.ServerTranslated)
	switch l := r.Lifetime; {
	case l != nil && l.BelowS != nil:
		w.fact("lifetime", w.say("text.lifetime-between", "atLeast", seconds(l.AtLeastS), "below", seconds(*l.BelowS)))
	case l != nil:
		w.fact("lifetime", w.say("text.lifetime-over", "atLeast", seconds(l.AtLeastS)))
	case w.did(protocol.StepLifetime):
		w.answer("lifetime", nil, true)
	}
}

func seconds(s float64) string { return strconv.FormatFloat(s, 'f', -1, 64) }

func (w *natText) seen(local, mapped string) string {
	switch {
	case mapped == "":
		return w.say("text.no-answer")
	case local == "":
		return w.say("text.seen-only", "mapped", mapped)
	}
	return w.say("text.seen", "local", local, "mapped", mapped)
}

// did tells whether a step was carried out, or failed; one that was skipped has no line of its own.
func (w *natText) did(step protocol.NATStep) bool {
	for _, t := range w.tests {
		if t.Step == step && t.Result != protocol.StepSkipped {
			return true
		}
	}
	return false
}

func (w *natText) answer(label string, value *bool, show bool) {
	word := "unmeasured"
	switch {
	case !show:
		return
	case value != nil && *value:
		word = "yes"
	case value != nil:
		word = "no"
	}
	w.fact(label, w.say("text."+word))
}

func (w *natText) fact(label, value string) {
	name := w.say("text." + label)
	w.line("  %s%s %s", name, strings.Repeat(" ", max(0, natLabel-cells(name))), value)
}

// notes are what was seen beside the steps.
func (w *natText) notes(r protocol.NATResult) {
	w.line("")
	w.line("%s", w.say("text.evidence"))
	for _, line := range r.NAT.Evidence {
		w.line("  %s", line)
	}
}

// cells is how wide a terminal draws a text: Japanese takes two cells a character.
func cells(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r >= 0x2E80 {
			n++
		}
	}
	return n
}
