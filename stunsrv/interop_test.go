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

func answersOn(s *Server, ip string) bool {
	for _, a := range s.Addrs() {
		if a.Addr() == netip.MustParseAddr(ip) {
			return true
		}
	}
	return false
}
