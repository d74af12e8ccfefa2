package natprobe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/icescope/icescope/protocol"
	"pgregory.net/rapid"
)

var behaviors = []protocol.Behavior{protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent}

// probeIn runs in a bubble: its clock is that of the test, and no goroutine may be left.
func probeIn(t *testing.T, w *world, c Config) protocol.NATResult {
	t.Helper()
	var r protocol.NATResult
	synctest.Test(t, func(t *testing.T) {
		c.Server, c.Network = simPP.String(), w
		var err error
		if r, err = Run(context.Background(), c); err != nil {
			t.Error(err)
		}
	})
	return r
}

func tell(b *bool) string {
	if b == nil {
		return "unknown"
	}
	return fmt.Sprint(*b)
}

// TestMatrix: every NAT of RFC 4787 is named right, and in time.
func TestMatrix(t *testing.T) {
	for _, mapping := range behaviors {
		for _, filtering := range behaviors {
			for _, hairpin := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s mapping, %s filtering, hairpin %t", mapping, filtering, hairpin), func(t *testing.T) {
					w := &world{nat: &simNAT{mapping: mapping, filtering: filtering, hairpin: hairpin}, delay: 5 * time.Millisecond, tcp: "answers"}
					r := probeIn(t, w, Config{Hairpin: true})
					if r.NAT.Mapping != mapping || r.NAT.Filtering != filtering {
						t.Errorf("mapping %s, filtering %s: %+v", r.NAT.Mapping, r.NAT.Filtering, r.NAT.Tests)
					}
					want := fmt.Sprint(hairpin)
					if !hairpin && mapping != protocol.EndpointIndependent {
						want = "unknown"
					}
					if got := tell(r.NAT.Hairpin); got != want && !(hairpin && mapping != protocol.EndpointIndependent && got == "unknown") {
						t.Errorf("hairpin %s, want %s", got, want)
					}
					if tell(r.NAT.Translated) != "true" || tell(r.UDPBlocked) != "false" || tell(r.PortPreservation) != "false" || tell(r.Contiguity) != "false" || tell(r.Fragments) != "true" ||
						tell(r.Rewritten) != "false" || r.TCPAddress != "198.51.100.1:50000" || tell(r.ServerTranslated) != "false" || r.Dialect != "RFC 5780" || r.Software != "sim[31m" {
						t.Errorf("%+v", r)
					}
					if r.NAT.RFC3489 != protocol.Classic(r.NAT.Translated, mapping, filtering) || r.NAT.Callers != protocol.CallersOf(mapping, filtering) || r.NAT.State != protocol.NATDone {
						t.Errorf("%+v", r.NAT)
					}
					if r.TookMs > 2000 {
						t.Errorf("took %.0f ms", r.TookMs)
					}
				})
			}
		}
	}
}

// TestCircumstances are the servers and networks beside the nine.
func TestCircumstances(t *testing.T) {
	const eim, adm, apdm, nm = protocol.EndpointIndependent, protocol.AddressDependent, protocol.AddressAndPortDependent, protocol.NotMeasurable
	nat := func(m, f protocol.Behavior) *simNAT { return &simNAT{mapping: m, filtering: f} }
	elsewhere := func(m protocol.Behavior) *simNAT {
		return &simNAT{mapping: m, filtering: apdm, address: netip.MustParseAddr("203.0.113.1")}
	}
	for name, c := range map[string]struct {
		world              *world
		mapping, filtering protocol.Behavior
		classic            protocol.ClassicNAT
		blocked            string
		limit              float64 // ms
		note               string
	}{
		"no NAT":                               {world: &world{}, mapping: eim, filtering: eim, classic: protocol.ClassicOpen},
		"one IP, equal":                        {world: &world{nat: nat(eim, apdm), server: simServer{oneIP: true, guessable: true}}, mapping: nm, filtering: nm},
		"one IP, address-dependent":            {world: &world{nat: nat(adm, apdm), server: simServer{oneIP: true, guessable: true}}, mapping: nm, filtering: nm},
		"one IP, different":                    {world: &world{nat: nat(apdm, apdm), server: simServer{oneIP: true, guessable: true}}, mapping: apdm, filtering: nm, classic: protocol.ClassicSymmetric},
		"one IP, one port":                     {world: &world{nat: nat(apdm, apdm), server: simServer{oneIP: true}}, mapping: nm, filtering: nm},
		"alternate unreachable":                {world: &world{nat: nat(eim, apdm), server: simServer{altDead: true}}, mapping: nm, filtering: nm},
		"alternate unreachable, symmetric":     {world: &world{nat: nat(apdm, apdm), server: simServer{altDead: true}}, mapping: apdm, filtering: nm, classic: protocol.ClassicSymmetric},
		"partner does not answer for it":       {world: &world{nat: nat(eim, eim), server: simServer{changeBroken: true}}, mapping: eim, filtering: nm},
		"CHANGE-REQUEST ignored":               {world: &world{nat: nat(eim, adm), server: simServer{ignoresChange: true}}, mapping: eim, filtering: nm},
		"CHANGE-REQUEST refused":               {world: &world{nat: nat(eim, adm), server: simServer{noChange: true}}, mapping: eim, filtering: nm},
		"RFC 3489":                             {world: &world{nat: nat(eim, adm), server: simServer{classic: true}, tcp: "refused"}, mapping: eim, filtering: adm, classic: protocol.ClassicRestricted},
		"plain RFC 5780":                       {world: &world{nat: nat(adm, eim), server: simServer{noExtras: true}}, mapping: adm, filtering: eim, classic: protocol.ClassicSymmetric},
		"TCP only":                             {world: &world{nat: nat(eim, eim), server: simServer{dead: true}, tcp: "answers"}, mapping: nm, filtering: nm, classic: protocol.ClassicBlocked, blocked: "true", limit: 5000},
		"nobody there":                         {world: &world{nat: nat(eim, eim), server: simServer{dead: true}}, mapping: nm, filtering: nm, blocked: "unknown", limit: 5000},
		"refused over TCP, silent over UDP":    {world: &world{server: simServer{dead: true}, tcp: "refused"}, mapping: nm, filtering: nm, blocked: "unknown", limit: 5000},
		"garbage":                              {world: &world{nat: nat(adm, adm), noise: true}, mapping: adm, filtering: adm, classic: protocol.ClassicSymmetric, note: "ignored"},
		"mappings that change by themselves":   {world: &world{nat: &simNAT{mapping: eim, filtering: eim, shuffles: true}}, mapping: nm, note: "mapping-changed"},
		"a filter of ports alone":              {world: &world{nat: &simNAT{mapping: eim, portFilter: true}}, mapping: eim, filtering: nm},
		"a filter that remembers by machine":   {world: &world{nat: &simNAT{mapping: eim, filtering: apdm, perHost: true}}, mapping: eim, filtering: apdm, classic: protocol.ClassicPortRestricted},
		"as Linux, RFC 3489":                   {world: &world{nat: &simNAT{mapping: eim, filtering: apdm, clashes: true}, server: simServer{classic: true}}, mapping: eim, filtering: apdm, classic: protocol.ClassicPortRestricted},
		"symmetric, RFC 3489":                  {world: &world{nat: nat(apdm, apdm), server: simServer{classic: true}}, mapping: apdm, filtering: nm, classic: protocol.ClassicSymmetric},
		"address pool":                         {world: &world{nat: &simNAT{mapping: apdm, filtering: apdm, pool: true}}, mapping: apdm, filtering: apdm, classic: protocol.ClassicSymmetric},
		"pool, each socket keeps to one":       {world: &world{nat: &simNAT{mapping: eim, filtering: apdm, pool: true, sticky: true}}, mapping: eim, filtering: apdm, classic: protocol.ClassicPortRestricted, note: "several-outside"},
		"NAT, and a partner without":           {world: &world{nat: nat(eim, apdm), twoPaths: true}, mapping: nm, note: "mapping-elsewhere"},
		"no NAT, and a partner behind one":     {world: &world{twoPaths: true, beyond: nat(eim, apdm)}, mapping: nm, note: "mapping-elsewhere"},
		"no NAT, partner behind symmetric":     {world: &world{twoPaths: true, beyond: nat(apdm, apdm)}, mapping: nm, note: "mapping-elsewhere"},
		"two NATs":                             {world: &world{nat: nat(eim, apdm), twoPaths: true, beyond: elsewhere(eim)}, mapping: nm, note: "mapping-elsewhere"},
		"two NATs, the other is symmetric":     {world: &world{nat: nat(eim, apdm), twoPaths: true, beyond: elsewhere(apdm)}, mapping: nm, note: "mapping-elsewhere"},
		"two symmetric NATs":                   {world: &world{nat: nat(apdm, apdm), twoPaths: true, beyond: elsewhere(apdm)}, mapping: apdm, filtering: nm, classic: protocol.ClassicSymmetric},
		"forwarded ports, no NAT here":         {world: &world{server: simServer{forwarded: true}}, mapping: eim, filtering: nm, note: "answered-elsewhere"},
		"forwarded ports":                      {world: &world{nat: nat(eim, apdm), server: simServer{forwarded: true}}, mapping: eim, filtering: nm},
		"forwarded ports, a filter by address": {world: &world{nat: nat(eim, adm), server: simServer{forwarded: true}}, mapping: eim, filtering: nm},
		"forwarded, and it does not know":      {world: &world{server: simServer{forwarded: true, unsaid: true}}, mapping: eim, filtering: nm, note: "answered-elsewhere"},
		"OTHER-ADDRESS of itself":              {world: &world{nat: nat(eim, eim), server: simServer{otherLies: netip.MustParseAddrPort("127.0.0.1:3479")}}, mapping: nm, filtering: nm, note: "other-loopback"},
		"slow":                                 {world: &world{nat: nat(eim, apdm), delay: 100 * time.Millisecond}, mapping: eim, filtering: apdm, classic: protocol.ClassicPortRestricted, limit: 3000},
	} {
		t.Run(name, func(t *testing.T) {

			r := probeIn(t, c.world, Config{})
			if c.filtering == "" {
				c.filtering = r.NAT.Filtering
			}
			if c.blocked == "" {
				c.blocked = "false"
			}
			if c.limit == 0 {
				c.limit = 2000
			}
			if r.NAT.Mapping != c.mapping || r.NAT.Filtering != c.filtering || r.NAT.RFC3489 != c.classic || tell(r.UDPBlocked) != c.blocked {
				t.Errorf("%+v", r)
			}
			if r.TookMs > c.limit {
				t.Errorf("took %.0f ms", r.TookMs)
			}
			if c.note != "" && !strings.Contains(strings.Join(r.NAT.Evidence, "\n"), NotePrefix+c.note+" ") {
				t.Errorf("no note %s in %q", c.note, r.NAT.Evidence)
			}
		})
	}
}

// TestSideQuestions: what stands beside mapping and filtering.
func TestSideQuestions(t *testing.T) {
	kept := probeIn(t, &world{nat: &simNAT{mapping: protocol.EndpointIndependent, preserves: true, noFragments: true}, server: simServer{alg: true}}, Config{})
	if tell(kept.PortPreservation) != "true" || tell(kept.Contiguity) != "true" || tell(kept.Fragments) != "false" || tell(kept.Rewritten) != "true" || kept.NAT.Hairpin != nil {
		t.Errorf("%+v", kept)
	}
	plain := probeIn(t, &world{mtu: 65536, server: simServer{noExtras: true}}, Config{Hairpin: true, Lifetime: true})
	if plain.PortPreservation != nil || plain.Contiguity != nil || plain.Fragments != nil || plain.NAT.Hairpin != nil || plain.Lifetime != nil {
		t.Errorf("%+v", plain)
	}
}

// TestLifetime: the search brackets the truth, tells how far it is, and ends within its bound.
func TestLifetime(t *testing.T) {
	for _, c := range []struct{ forgets, longest time.Duration }{
		{2 * time.Second, time.Minute}, {30 * time.Second, 5 * time.Minute}, {180 * time.Second, 5 * time.Minute}, {299 * time.Second, 5 * time.Minute}, {0, time.Minute},
	} {
		t.Run(fmt.Sprint(c.forgets), func(t *testing.T) {
			var last, before time.Duration
			r := probeIn(t, &world{nat: &simNAT{mapping: protocol.EndpointIndependent, filtering: protocol.AddressAndPortDependent, forgets: c.forgets}, delay: time.Millisecond},
				Config{Lifetime: true, MaxLifetime: c.longest, OnProgress: func(done, total time.Duration) {
					if done < before || done > total || total > LifetimeBound(c.longest) {
						t.Errorf("%s of %s after %s", done, total, before)
					}
					before, last = done, total
				}})
			l := r.Lifetime
			switch {
			case l == nil || last == 0:
				t.Fatalf("%+v, progress to %s", r, last)
			case c.forgets == 0:
				if l.BelowS != nil || l.AtLeastS != c.longest.Seconds() {
					t.Errorf("%+v", l)
				}
			case l.BelowS == nil || l.AtLeastS > c.forgets.Seconds() || *l.BelowS < c.forgets.Seconds()-1 || *l.BelowS-l.AtLeastS > max(1, c.forgets.Seconds()/8):
				t.Errorf("%+v, below %v", l, *l.BelowS)
			}
			if took := time.Duration(r.TookMs * float64(time.Millisecond)); took > LifetimeBound(c.longest)+5*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

// TestOneLoss: whichever single packet is lost, nothing wrong is said.
func TestOneLoss(t *testing.T) {
	for _, f := range behaviors {
		for lost := range 40 {
			w := &world{nat: &simNAT{mapping: protocol.AddressDependent, filtering: f}, delay: 5 * time.Millisecond, tcp: "refused",
				lose: func(_, _ netip.AddrPort, _ []byte, n int) bool { return n == lost }}
			if r := probeIn(t, w, Config{}); r.NAT.Mapping != protocol.AddressDependent || r.NAT.Filtering != f {
				t.Errorf("packet %d: %s, %s", lost, r.NAT.Mapping, r.NAT.Filtering)
			}
		}
	}
}

// TestNothingWithoutControl: whatever the server cannot do, and whatever the network swallows, a behaviour that is named is the right one, and every silence in it has
// an answered control.
func TestNothingWithoutControl(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		mapping, filtering := rapid.SampledFrom(behaviors).Draw(rt, "mapping"), rapid.SampledFrom(behaviors).Draw(rt, "filtering")
		flag := func(name string) bool { return rapid.IntRange(0, 3).Draw(rt, name) == 0 }
		swallowed := rapid.SampledFrom([]netip.AddrPort{{}, {}, simPS, simSP, simSS}).Draw(rt, "swallowed")
		w := &world{
			nat:   &simNAT{mapping: mapping, filtering: filtering, preserves: flag("preserves") && mapping == protocol.EndpointIndependent, perHost: flag("perHost"), pool: flag("pool"), clashes: flag("clashes")},
			delay: time.Duration(rapid.IntRange(0, 120).Draw(rt, "delay")) * time.Millisecond, tcp: "refused", noise: flag("noise"),
			server: simServer{oneIP: flag("oneIP"), guessable: flag("guessable"), altDead: flag("altDead"), changeBroken: flag("changeBroken"), ignoresChange: flag("ignoresChange"),
				classic: flag("classic"), noExtras: flag("noExtras"), noChange: flag("noChange")},
			lose: func(from, to netip.AddrPort, _ []byte, _ int) bool { return from == swallowed || to == swallowed },
		}
		r := probeIn(t, w, Config{})
		if m := r.NAT.Mapping; m != mapping && m != protocol.NotMeasurable {
			rt.Errorf("mapping %s is called %s", mapping, m)
		}
		f := r.NAT.Filtering
		if f != filtering && f != protocol.NotMeasurable {
			rt.Errorf("filtering %s is called %s", filtering, f)
		}
		if f == protocol.NotMeasurable || f == protocol.EndpointIndependent {
			return
		}
		for _, silent := range r.NAT.Tests {
			if !strings.HasPrefix(string(silent.Step), "filter-") || silent.Result != protocol.StepUnanswered {
				continue
			}
			if !slices.ContainsFunc(r.NAT.Tests, func(c protocol.NATTest) bool {
				return c.Step == protocol.StepControl && c.Corner == silent.Corner && c.Result == protocol.StepAnswered
			}) {
				rt.Errorf("%s rests on the silence of %s, which has no control", f, silent.Corner)
			}
		}
	})
}

// TestStall: a server that pauses once, while the filters are tested, does not make them unmeasurable, and its late answers are not taken for early ones.
func TestStall(t *testing.T) {
	for _, f := range behaviors {
		w := &world{nat: &simNAT{mapping: protocol.EndpointIndependent, filtering: f}, delay: 5 * time.Millisecond, tcp: "answers", stallFrom: 25 * time.Millisecond, stallFor: 500 * time.Millisecond}
		if r := probeIn(t, w, Config{}); r.NAT.Filtering != f && (r.NAT.Filtering != protocol.NotMeasurable || f == protocol.AddressAndPortDependent) {
			t.Errorf("%s is called %s: %+v", f, r.NAT.Filtering, r.NAT.Tests)
		}
	}
}

// TestCancelled: it ends at once, with what is known.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), 150*time.Millisecond)
		defer cancel()
		began := time.Now()
		r, err := Run(ctx, Config{Server: simPP.String(), Network: &world{nat: &simNAT{mapping: protocol.EndpointIndependent, filtering: protocol.AddressDependent}, delay: 5 * time.Millisecond}})
		if err == nil || time.Since(began) != 150*time.Millisecond || r.UDPAddress == "" || r.NAT.Filtering != protocol.NotMeasurable {
			t.Errorf("%v after %s: %+v", err, time.Since(began), r)
		}
	})
}

// TestServerNames: what can be asked, and what is said of the rest.
func TestServerNames(t *testing.T) {
	for name, want := range map[string]string{
		"192.0.2.1": "192.0.2.1:3478", "192.0.2.1:19302": "192.0.2.1:19302", "2001:db8::1": "[2001:db8::1]:3478", "[2001:db8::1]": "[2001:db8::1]:3478",
		"[2001:db8::1]:1": "[2001:db8::1]:1", "": "no host", "192.0.2.1:0": "port", "192.0.2.1:stun": "port",
	} {
		got, err := Config{Server: name}.resolve(context.Background())
		if err != nil && !strings.Contains(err.Error(), want) || err == nil && got.String() != want {
			t.Errorf("%q: %v %v", name, got, err)
		}
	}
	if _, err := (Config{Server: "192.0.2.1", Family: 6}).resolve(context.Background()); err == nil {
		t.Error("an IPv4 literal over IPv6")
	}
}
