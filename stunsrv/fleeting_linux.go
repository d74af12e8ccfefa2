package stunsrv

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"net/netip"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// fleetingAddrs are the IPv6 addresses that are about to go away, or not there yet: temporary ones (RFC 8981), deprecated ones, and those that duplicate address detection
// has not passed. ok is false where the kernel does not tell.
func fleetingAddrs() (found map[netip.Addr]bool, ok bool) {
	// The file of the calling thread, whose network namespace may be another than that of the process.
	list, err := os.ReadFile("/proc/thread-self/net/if_inet6")
	if err != nil {
		return nil, false
	}
	return parseFleeting(list), true
}

// parseFleeting reads lines of address, interface, length of the prefix, scope, flags, and name, all but the last hexadecimal (proc(5)).
func parseFleeting(list []byte) map[netip.Addr]bool {
	const fleeting = unix.IFA_F_TEMPORARY | unix.IFA_F_DEPRECATED | unix.IFA_F_TENTATIVE | unix.IFA_F_DADFAILED
	found := make(map[netip.Addr]bool)
	for lines := bufio.NewScanner(bytes.NewReader(list)); lines.Scan(); {
		fields := bytes.Fields(lines.Bytes())
		if len(fields) < 5 {
			continue
		}
		var ip [16]byte
		flags, err := strconv.ParseUint(string(fields[4]), 16, 32)
		if n, bad := hex.Decode(ip[:], fields[0][:min(len(fields[0]), 2*len(ip))]); err != nil || bad != nil || n != len(ip) {
			continue
		}
		if flags&fleeting != 0 {
			found[netip.AddrFrom16(ip)] = true
		}
	}
	return found
}
