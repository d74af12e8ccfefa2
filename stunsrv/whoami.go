package stunsrv

import (
	"bytes"
	"net/netip"
	"strconv"
)

const (
	whoamiWord = "whoami"
	// maxWhoami is in bytes: "whoami PP\r\n". What is longer is no question.
	maxWhoami = len(whoamiWord) + 5
)

// noCorner answers a question for a corner that is not there. Like every answer it cannot be taken for a question.
const noCorner = "no such corner\n"

// parseWhoami reads "whoami", or "whoami PP", with or without an end of line. Without a corner the answer leaves from here.
func parseWhoami(b []byte, here corner) (corner, bool) {
	if len(b) > maxWhoami {
		return 0, false
	}
	b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte{'\n'}), []byte{'\r'})
	switch string(b) {
	case whoamiWord:
		return here, true
	case whoamiWord + " PP":
		return pp, true
	case whoamiWord + " PS":
		return ps, true
	case whoamiWord + " SP":
		return sp, true
	case whoamiWord + " SS":
		return ss, true
	}
	return 0, false
}

// respondWhoami answers with "ip,port\n". The answer begins with a digit, a hexadecimal digit, a colon or an n, and so is never a question.
func (r *responder) respondWhoami(dst, msg []byte, source, local netip.AddrPort) ([]byte, inquiry) {
	here := r.here(local.Addr())
	from, ok := parseWhoami(msg, here)
	if !ok {
		return dst, inquiry{}
	}
	change := here ^ from
	if !r.has(local.Addr(), change) || r.stream && change != 0 {
		return append(dst, noCorner...), inquiry{kind: kindWhoami, from: here, origin: local, to: source}
	}
	dst = source.Addr().WithZone("").AppendTo(dst)
	dst = append(dst, ',')
	dst = strconv.AppendUint(dst, uint64(source.Port()), 10)
	return append(dst, '\n'), inquiry{kind: kindWhoami, from: from, origin: r.across(local, change), to: source}
}
