//go:build !linux

package stunsrv

import "net/netip"

// Elsewhere there is one socket for each address of the machine, so that an answer leaves from where its request came to. An address that the
// machine gets later is not served until the next start. No control messages are asked for, so the TTL of a request is not known.
const havePacketInfo = false

const controlSize = 0

func wantControl(uintptr, bool, bool) error { return nil }

func arrivedAt([]byte) (netip.Addr, int, []byte) { return netip.Addr{}, 0, nil }

func sendFrom(netip.Addr) []byte { return nil }
