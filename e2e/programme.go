package e2e

import (
	"fmt"
	"slices"

	"github.com/icescope/icescope/protocol"
)

// Play is one line of the lab's programme.
type Play struct {
	Name string // the scenario's, and of a variant what stands there
	Scenario
	Variant
}

// Ends is what stands at both ends, in the lab's words.
type Ends string

// The ends that every scenario can be played with.
const (
	TwoChromium Ends = "chromium"
	FirefoxOne  Ends = "firefox-one" // Firefox at A, or where the scenario says so at B
	FirefoxBoth Ends = "firefox-both"
	HeadlessOne Ends = "headless-one" // icescope peer at A
)

// AllEnds are the columns of the lab's table.
var AllEnds = []Ends{TwoChromium, FirefoxOne, FirefoxBoth, HeadlessOne}

// Listed as Ends of Programme are two Chromium, and whatever the scenario lists as a variant.
const Listed Ends = "listed"

// kinds are what the ends are where a scenario does not say otherwise.
func (e Ends) kinds() [2]Kind {
	switch e {
	case FirefoxOne:
		return [2]Kind{Firefox, Chromium}
	case FirefoxBoth:
		return [2]Kind{Firefox, Firefox}
	case HeadlessOne:
		return [2]Kind{Headless, Chromium}
	}
	return [2]Kind{Chromium, Chromium}
}

// Ends of a variant.
func (v Variant) Ends() Ends {
	for i, k := range v.Kinds {
		switch {
		case k == Chromium:
		case v.Kinds[1-i] == k:
			return Ends(k + "-both")
		default:
			return Ends(k + "-one")
		}
	}
	return TwoChromium
}

// play is the scenario with that variant's ends.
func (s Scenario) play(v Variant) Play {
	p := Play{s.Name, s, v}
	if e := v.Ends(); e != TwoChromium {
		p.Name += "-" + string(e)
	}
	if v.Otherwise != nil {
		p.Scenario.Expect = *v.Otherwise
	}
	return p
}

// Tested is what the tests play, of Plays: as few as show every cause, every finding and every verdict once with two Chromium, and enough of the variants. The rest is for make lab, and its
// recordings are the diagnosis' stories.
func Tested() (out []Play) {
	shown := map[string]bool{}
	variants := map[Ends]int{}
	for _, p := range Plays() {
		fresh := false
		for _, what := range append(words(p.Expect.known()), "needs "+string(p.Expect.Needs)) {
			fresh = fresh || !shown[what]
			shown[what] = true
		}
		if e := p.Ends(); e != TwoChromium {
			variants[e]++
			fresh = fresh || variants[e] <= enoughVariants
		}
		if fresh {
			out = append(out, p)
		}
	}
	return out
}

// enoughVariants of each pair of ends: what makes them another matter (no counters, other names, no page) shows in the first few.
const enoughVariants = 4

func words(codes []protocol.Code) (out []string) {
	for _, c := range codes {
		out = append(out, string(c))
	}
	return out
}

// Plays is what the scenarios list: every one with two Chromium, then with its variants.
func Plays() (out []Play) {
	for _, s := range Scenarios {
		for _, v := range append([]Variant{{Kinds: TwoChromium.kinds()}}, s.Variants...) {
			out = append(out, s.play(v))
		}
	}
	return out
}

// obeyed: does such an end obey the policies that the scenario sets for it? Else it would be another scenario.
func (s Side) obeyed(k Kind) bool { return len(s.Policies) == 0 || k == Chromium }

// Programme is every scenario with each of these ends, but for ends that a scenario's policies are nothing to. Where a scenario lists no such variant, the play is weak.
func Programme(ends []Ends) (out []Play, err error) {
	if slices.Contains(ends, Listed) {
		return Plays(), nil
	}
	for _, e := range ends {
		if !slices.Contains(AllEnds, e) {
			return nil, fmt.Errorf("there are no ends %q; there are %v and %s", e, AllEnds, Listed)
		}
	}
	for _, s := range Scenarios {
		for _, e := range ends {
			listed := slices.IndexFunc(s.Variants, func(v Variant) bool { return v.Ends() == e })
			switch {
			case listed >= 0:
				out = append(out, s.play(s.Variants[listed]))
			case e == TwoChromium:
				out = append(out, s.play(Variant{Kinds: e.kinds()}))
			case s.A.obeyed(e.kinds()[0]) && s.B.obeyed(e.kinds()[1]):
				out = append(out, s.play(Variant{Kinds: e.kinds(), Weak: true}))
			}
		}
	}
	return out, nil
}
