package stunsrv

import (
	"net/netip"
	"testing"
)

func TestParseFleeting(t *testing.T) {
	got := parseFleeting([]byte(`20010db8000000000000000000000001 02 40 00 80     eth0
20010db8000000000000000000000002 02 40 00 01     eth0
20010db8000000000000000000000003 02 40 00 20     eth0
20010db8000000000000000000000004 02 40 00 c0     eth0
20010db80000000000000000000000   02 40 00 01     short
20010db80000000000000000000000055 02 40 00 zz     eth0
xx010db8000000000000000000000006 02 40 00 01     eth0

few words
fe8000000000000000fc00fffe000001 02 40 20 80     eth0`))
	if len(got) != 3 {
		t.Errorf("%v", got)
	}
	for _, want := range []string{"2001:db8::2", "2001:db8::3", "2001:db8::4"} {
		if !got[netip.MustParseAddr(want)] {
			t.Errorf("%s is missing in %v", want, got)
		}
	}
}

func FuzzParseFleeting(f *testing.F) {
	f.Add([]byte("20010db8000000000000000000000002 02 40 00 01     eth0\n"))
	f.Fuzz(func(t *testing.T, list []byte) {
		for a := range parseFleeting(list) {
			if !a.Is6() {
				t.Errorf("%s", a)
			}
		}
	})
}
