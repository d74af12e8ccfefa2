package stunsrv

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// interopPatience is for a whole run of a client that others wrote; the slowest waits a second for answers that do not come.
const interopPatience = 20 * time.Second

// client runs a program against a server and returns all that it says. Where it is not installed the test is skipped, except under CI.
func client(t *testing.T, pkg, program string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is missing; apt-get install %s", program, pkg)
		}
		t.Skipf("%s is missing; apt-get install %s", program, pkg)
	}
	ctx, cancel := context.WithTimeout(t.Context(), interopPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, args...).CombinedOutput()
	t.Logf("%s %s\n%s", program, strings.Join(args, " "), out)
	return string(out), err
}

// TestInteropStun runs Vovida's client, which speaks RFC 3489 without the cookie and sends CHANGE-REQUEST in every message.
func TestInteropStun(t *testing.T) {
	s := run(t, Config{Software: "icescope"})
	server := s.at("127.0.0.1", PrimaryPort)
	out, err := client(t, "stun-client", "stun", server.String(), "1") // test 1: Binding, flags zero
	if err != nil || !strings.Contains(out, "Return value is 0x000000") {
		t.Errorf("test 1: %v", err)
	}
	out, _ = client(t, "stun-client", "stun", "-v", server.String()) // its exit status is the type of NAT
	for _, want := range []string{
		"SourceAddress = " + server.String(), "MappedAddress = 127.0.0.1:", "test I = 1", "is nat  = 0", "mapped IP same = 1",
		"ErrorCode = 4 20 Unknown Attribute", // to "change IP and port": one IP cannot
	} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q", want)
		}
	}
}

// TestInteropTurnutils runs coturn's client, RFC 5780, in both families.
func TestInteropTurnutils(t *testing.T) {
	s := run(t, Config{Primary: []string{":0"}, Software: "icescope"})
	for _, ip := range []string{"127.0.0.1", "::1"} {
		if !answersOn(s, ip) {
			t.Logf("this machine has no %s", ip)
			continue
		}
		out, err := client(t, "coturn", "turnutils_stunclient", "-p", fmt.Sprint(s.Port(PrimaryPort)), ip)
		if err != nil || !strings.Contains(out, "UDP reflexive addr: "+ip+":") {
			t.Errorf("%s: %v", ip, err)
		}
	}
}

// fourCornersOnLoopback serves four corners that clients on this machine can ask.
func fourCornersOnLoopback(t *testing.T) *Server {
	return run(t, Config{Primary: []string{":0"}, Alternate: []netip.Addr{netip.MustParseAddr("127.0.0.2")}, Software: "icescope"})
}

// TestInteropStunCorners: Vovida's client finds the second address by CHANGED-ADDRESS, and all tests of RFC 3489 section 10.1 come back.
func TestInteropStunCorners(t *testing.T) {
	s := fourCornersOnLoopback(t)
	out, _ := client(t, "stun-client", "stun", "-v", s.at("127.0.0.1", PrimaryPort).String()) // its exit status is the type of NAT
	for _, want := range []string{
		"ChangedAddress = " + s.at("127.0.0.2", AlternatePort).String(), "SourceAddress = " + s.at("127.0.0.2", PrimaryPort).String(),
		"SourceAddress = " + s.at("127.0.0.1", AlternatePort).String(), "test I = 1", "test II = 1", "test III = 1", "test I(2) = 1", "Primary: Open",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("does not say %q", want)
		}
	}
	if strings.Contains(out, "ErrorCode") {
		t.Error("something was refused")
	}
}

// TestInteropNATDiscovery runs each test of coturn's client; -P pads requests to 1500 bytes.
func TestInteropNATDiscovery(t *testing.T) {
	s := fourCornersOnLoopback(t)
	origin := func(ip string, p Port) string { return "Response origin: : " + s.at(ip, p).String() }
	for flags, wants := range map[string][]string{
		"-m":                           {"Endpoint Independent Mapping", origin("127.0.0.2", PrimaryPort), "Other addr: : " + s.at("127.0.0.2", AlternatePort).String()},
		"-f":                           {"Endpoint Independent Filtering", origin("127.0.0.2", AlternatePort)},
		"-m -f -P":                     {"Endpoint Independent Mapping", "Endpoint Independent Filtering", "No ALG"},
		"-H":                           {"successful hairpinning"},
		"-t -T 1":                      {"RFC 5780 response 2"},
		"-c -L 127.0.0.1 -A 127.0.0.3": {"UDP reflexive addr: 127.0.0.3:"},
	} {
		out, err := client(t, "coturn", "turnutils_natdiscovery", append(strings.Fields(flags), "-p", fmt.Sprint(s.Port(PrimaryPort)), "127.0.0.1")...)
		for _, want := range wants {
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%s: does not say %q, %v", flags, want, err)
			}
		}
	}
	out, err := client(t, "coturn", "turnutils_stunclient", "-f", "-p", fmt.Sprint(s.Port(PrimaryPort)), "127.0.0.1")
	if err != nil || !strings.Contains(out, "RFC 5780 response 3") || !strings.Contains(out, origin("127.0.0.2", AlternatePort)) {
		t.Errorf("turnutils_stunclient -f: %v", err)
	}
}

func answersOn(s *Server, ip string) bool {
	for _, a := range s.Addrs() {
		if a.Addr() == netip.MustParseAddr(ip) {
			return true
		}
	}
	return false
}
