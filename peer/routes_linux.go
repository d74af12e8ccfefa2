package peer

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"
)

// defaultInterfaces names the interfaces that a default route leaves by, of both families.
func defaultInterfaces() (names []string) {
	for path, parse := range map[string]func(fields []string) string{"/proc/net/route": defaultIPv4, "/proc/net/ipv6_route": defaultIPv6} {
		f, err := os.Open(path)
		if err != nil {
			continue // a kernel without that family
		}
		names = append(names, routes(f, parse)...)
		_ = f.Close()
	}
	return names
}

func routes(r io.Reader, parse func(fields []string) string) (names []string) {
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if name := parse(strings.Fields(lines.Text())); name != "" {
			names = append(names, name)
		}
	}
	return names
}

const (
	routeUp     = 0x1   // RTF_UP of linux/route.h
	routeReject = 0x200 // RTF_REJECT: "unreachable default" is none
)

// defaultIPv4 reads a line of /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask …
func defaultIPv4(f []string) string {
	if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" || !usable(f[3]) {
		return ""
	}
	return f[0]
}

// defaultIPv6 reads a line of /proc/net/ipv6_route: destination, its prefix length, source, its length, next hop, metric, …, flags, device.
func defaultIPv6(f []string) string {
	if len(f) < 10 || strings.Trim(f[0], "0") != "" || f[1] != "00" || !usable(f[8]) || f[9] == "lo" {
		return ""
	}
	return f[9]
}

func usable(flags string) bool {
	n, err := strconv.ParseUint(flags, 16, 32)
	return err == nil && n&routeUp != 0 && n&routeReject == 0
}
