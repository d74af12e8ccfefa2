package diagnosis_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/icescope/icescope/diagnosis"
	"github.com/icescope/icescope/protocol"
)

// retold is a story's recording with words of it replaced, for what no lab of ours can make.
func retold(t *testing.T, name string, oldnew ...string) []protocol.Event {
	t.Helper()
	file := filepath.Join("testdata", name+".txtar")
	if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
		t.Skipf("there is no story %s", name)
	}
	text, err := json.Marshal(read(t, file).recording)
	if err != nil {
		t.Fatal(err)
	}
	var out []protocol.Event
	if err := json.Unmarshal([]byte(strings.NewReplacer(oldnew...).Replace(string(text))), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func found(d diagnosis.Diagnosis, c protocol.Code) []diagnosis.Finding {
	return slices.DeleteFunc(slices.Clone(d.Findings), func(f diagnosis.Finding) bool { return f.Code != c })
}

// No lab of ours has macOS: a permission of the system is possible where neighbours are silent, never more, and on no other system.
func TestOSPermissionIsPossibleAtMost(t *testing.T) {
	for _, c := range []struct {
		story, system string
		want          int
	}{
		{"client-isolation-revealed", "Macintosh; Intel Mac OS X 10_15_7", 2},
		{"client-isolation-revealed", "iPhone; CPU iPhone OS 18_0 like Mac OS X", 2},
		{"client-isolation-revealed", "X11; Linux x86_64", 0},
		{"client-isolation-revealed", "Windows NT 10.0; Win64; x64", 0},
		{"flat-revealed", "Macintosh; Intel Mac OS X 10_15_7", 0},
		{"udp-blocked", "Macintosh; Intel Mac OS X 10_15_7", 0},
		{"wrong-interface-chosen", "Macintosh; Intel Mac OS X 10_15_7", 0},
	} {
		d := diagnosis.Diagnose(retold(t, c.story, "X11; Linux x86_64", c.system))
		got := found(d, protocol.CodeOSPermission)
		if len(got) != c.want {
			t.Errorf("%s on %s: %d findings, want %d", c.story, c.system, len(got), c.want)
		}
		for _, f := range got {
			if f.Confidence != protocol.Possible {
				t.Errorf("%s on %s: %s", c.story, c.system, f.Confidence)
			}
		}
		if c.want > 0 && d.Verdict.Cause == protocol.CodeOSPermission {
			t.Errorf("%s on %s: a possible permission is the cause", c.story, c.system)
		}
	}
}

// Chromium on Linux calls every interface a cable; other systems tell a VPN.
func TestNetworkTypeVPN(t *testing.T) {
	d := diagnosis.Diagnose(retold(t, "wrong-interface-chosen", `"networkType":"unknown"`, `"networkType":"vpn"`))
	if len(found(d, protocol.CodeVPNChosen)) == 0 || len(found(d, protocol.CodeWrongInterface)) > 0 || d.Verdict.Cause != protocol.CodeVPNChosen {
		t.Errorf("cause %s", d.Verdict.Cause)
	}
}

// What one family does must not depend on how addresses are written: the seed of IPv6 is judged as that of IPv4.
func TestFamiliesAreJudgedAlike(t *testing.T) {
	for _, pair := range [][2]string{{"asymmetric-nat", "asymmetric-nat-ipv6"}, {"asymmetric-nat-revealed", "asymmetric-nat-ipv6-revealed"}, {"routed", "ipv6-only"}, {"routed-revealed", "ipv6-only-revealed"}} {
		four, six := diagnosis.Diagnose(retold(t, pair[0])).Verdict, diagnosis.Diagnose(retold(t, pair[1])).Verdict
		if four.Needs != six.Needs || four.Cause != six.Cause {
			t.Errorf("%s: %s because of %s; %s: %s because of %s", pair[0], four.Needs, four.Cause, pair[1], six.Needs, six.Cause)
		}
	}
}
