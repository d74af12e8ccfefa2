package report

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/icescope/icescope/catalog"
	"github.com/icescope/icescope/protocol"
)

// changeRequest is what marks the packets whose answer is to come from another corner than the one that was asked (RFC 5780 section 7.2).
const changeRequest = "CHANGE-REQUEST"

// notePrefix begins a line of evidence that natprobe left to us: a word of the catalog and its values.
const notePrefix = "note:"

// Lesson writes the sentences of a classification into it: the title and text of each step, the summary, and the evidence where there are only notes yet.
// It serves the command line, whose steps are STUN requests of this machine, and browsers, whose filters are tested by checks that the server sends.
func Lesson(nat *protocol.NATReport, lang protocol.Lang) {
	l := lesson{nat.Tests, lang}
	for i := range nat.Tests {
		t := &nat.Tests[i]
		title := ".title"
		if t.Step == protocol.StepControl && strings.Contains(t.Packet, changeRequest) {
			title = ".title-again"
		}
		t.Title, t.Text = l.say("step."+string(t.Step)+title), l.text(i)
	}
	nat.Summary = l.summary(*nat)
	l.evidence(nat)
}

// lesson knows all steps, because what one means hangs on another: a silence on its control, a mapping on the one before.
type lesson struct {
	tests []protocol.NATTest
	lang  protocol.Lang
}

func (l lesson) say(key string, args ...string) string {
	return catalog.T("nat."+key, args...).In(l.lang)
}

// text is what the result of a step means.
func (l lesson) text(i int) string {
	t := l.tests[i]
	_, pause, _ := strings.Cut(t.Packet, " after ") // a lifetime's
	key := "step." + string(t.Step) + "." + l.variant(i)
	if !catalog.Has("nat." + key) {
		key = "result." + string(t.Result)
	}
	return l.say(key, "mapped", t.Mapped, "answerer", t.Answerer, "to", t.To, "corner", string(t.Corner), "error", l.why(t.Error),
		"fromPort", portOf(t.From), "mappedPort", portOf(t.Mapped), "pause", pause)
}

// why is the reason of a step that was not done: a word of ours in the reader's language, or what a system or a server said.
func (l lesson) why(reason string) string {
	if catalog.Has("nat.why." + reason) {
		return l.say("why." + reason)
	}
	if reason == "" {
		return l.say("text.no-answer")
	}
	return reason
}

// variant chooses among the sentences of a step. One that the catalog does not have falls back to that of the result.
func (l lesson) variant(i int) string {
	t := l.tests[i]
	result := string(t.Result)
	answered := t.Result == protocol.StepAnswered
	switch t.Step {
	case protocol.StepAddressUDP:
		if answered && t.From != "" && t.From == t.Mapped {
			return "own"
		}
	case protocol.StepAddressTCP:
		if udp := l.mapped(protocol.StepAddressUDP); answered && udp != "" {
			return differ(hostOf(t.Mapped) == hostOf(udp))
		}
		if t.Result == protocol.StepFailed && t.Error == "refused" {
			return "refused-connection"
		}
	case protocol.StepAddressRewrite:
		if answered {
			return differ(t.Mapped == l.mapped(protocol.StepAddressUDP))
		}
	case protocol.StepMappingAddress:
		if answered {
			return moved(t.Mapped, l.mapped(protocol.StepAddressUDP))
		}
	case protocol.StepMappingPort:
		before := l.mapped(protocol.StepMappingAddress)
		switch {
		case !answered:
		case t.Corner == protocol.CornerPS || before == "":
			return moved(t.Mapped, l.mapped(protocol.StepAddressUDP)) + "-one"
		default:
			return moved(t.Mapped, before)
		}
	case protocol.StepFilterPort, protocol.StepFilterAddress, protocol.StepFilterBoth:
		if t.Result == protocol.StepUnanswered {
			return l.silence(t.Corner)
		}
	case protocol.StepControl:
		if strings.Contains(t.Packet, changeRequest) {
			switch t.Result {
			case protocol.StepAnswered:
				return "again"
			case protocol.StepUnanswered:
				return "again-unanswered"
			}
		}
	case protocol.StepPreservation:
		if answered {
			return differ(portOf(t.From) == portOf(t.Mapped))
		}
	case protocol.StepContiguity:
		if answered {
			return l.neighbour(i)
		}
	case protocol.StepHairpin:
		if t.Error == "hairpin-mapping" {
			return t.Error
		}
	}
	return result
}

func differ(same bool) string {
	if same {
		return "same"
	}
	return "different"
}

// moved tells another outside IP from another port under the same one: only the port proves that the NAT mapped anew. An address without a port is a page's.
func moved(mapped, before string) string {
	if mapped != before && before != "" && hostOf(mapped) != hostOf(before) {
		return "elsewhere"
	}
	return differ(mapped == before)
}

// silence of a corner counts where each of its controls was answered.
func (l lesson) silence(corner protocol.Corner) string {
	found := "unanswered"
	for _, t := range l.tests {
		switch {
		case t.Step != protocol.StepControl || t.Corner != corner || t.Result == protocol.StepRunning:
		case t.Error == "server-translated":
			return "translated"
		case t.Result != protocol.StepAnswered:
			return "uncontrolled"
		default:
			found = "filtered"
		}
	}
	return found
}

// neighbour compares the second of two neighbouring ports with the first.
func (l lesson) neighbour(i int) string {
	if i == 0 || l.tests[i-1].Step != protocol.StepContiguity {
		return "first"
	}
	upper, lower := l.tests[i-1], l.tests[i]
	high, errHigh := strconv.Atoi(portOf(upper.Mapped))
	low, errLow := strconv.Atoi(portOf(lower.Mapped))
	return differ(errHigh == nil && errLow == nil && high-low == 1 && hostOf(upper.Mapped) == hostOf(lower.Mapped))
}

// mapped is the address that the first answered test of a step told.
func (l lesson) mapped(step protocol.NATStep) string {
	for _, t := range l.tests {
		if t.Step == step && t.Result == protocol.StepAnswered {
			return t.Mapped
		}
	}
	return ""
}

// summary says what the NAT does, and who may call. Empty while it is measured.
func (l lesson) summary(n protocol.NATReport) string {
	if n.State != protocol.NATDone {
		return ""
	}
	if n.RFC3489 == protocol.ClassicBlocked {
		return l.say("summary.blocked")
	}
	key := "summary.nat"
	switch none := n.Translated != nil && !*n.Translated; {
	case n.Translated == nil && n.Mapping == protocol.NotMeasurable && n.Filtering == protocol.NotMeasurable && l.mapped(protocol.StepAddressUDP) == "":
		if i := slices.IndexFunc(l.tests, func(t protocol.NATTest) bool { return t.Step == protocol.StepAddressUDP }); i >= 0 && l.tests[i].Result == protocol.StepRefused {
			return l.say("summary.refused")
		}
		return l.say("summary.silent")
	case n.RFC3489 == protocol.ClassicOpen:
		key = "summary.open"
	case n.RFC3489 == protocol.ClassicFirewall:
		key = "summary.firewall"
	case none:
		key = "summary.no-nat"
	case n.Translated == nil:
		key = "summary.unknown"
	}
	callers := string(n.Callers)
	if callers == "" {
		callers = "unknown"
	}
	first := l.say(key, "mapping", l.say("mapping."+string(n.Mapping)), "filtering", l.say("filtering."+string(n.Filtering)))
	return l.join(first, l.say("callers."+callers))
}

// join puts sentences behind one another. Japanese has no space between them.
func (l lesson) join(sentences ...string) string {
	if l.lang == protocol.Japanese {
		return strings.Join(sentences, "")
	}
	first := []rune(sentences[0])
	if len(first) > 0 {
		sentences[0] = strings.ToUpper(string(first[:1])) + string(first[1:])
	}
	return strings.Join(sentences, " ")
}

// evidence puts the notes into words. What the steps showed stands with the steps.
func (l lesson) evidence(n *protocol.NATReport) {
	lines := make([]string, 0, len(n.Evidence))
	for _, line := range n.Evidence {
		if words := strings.Fields(strings.TrimPrefix(line, notePrefix)); strings.HasPrefix(line, notePrefix) && len(words) > 0 {
			line = l.note(words)
		}
		lines = append(lines, line)
	}
	n.Evidence = lines
}

// decisive are the steps that mapping and filtering were read from, in words.
func decisive(n protocol.NATReport) (lines []string) {
	for _, t := range n.Tests {
		switch t.Step {
		case protocol.StepMappingAddress, protocol.StepMappingPort, protocol.StepFilterPort, protocol.StepFilterAddress, protocol.StepFilterBoth:
			lines = append(lines, t.Title+" "+t.Text)
		}
	}
	return lines
}

// note is a word of the catalog and at most two values.
func (l lesson) note(words []string) string {
	values := append(words[1:], "", "")
	return l.say("note."+words[0], "a", values[0], "b", values[1])
}

func hostOf(place string) string {
	ap, err := netip.ParseAddrPort(place)
	if err != nil {
		return place // a browser's page comes from an address without a port that counts
	}
	return ap.Addr().String()
}

func portOf(place string) string {
	ap, err := netip.ParseAddrPort(place)
	if err != nil {
		return ""
	}
	return fmt.Sprint(ap.Port())
}
