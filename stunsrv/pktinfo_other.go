//go:build !linux

package stunsrv

import "net/netip"

// Elsewhere there is one socket for each address of the machine, so that an answer leaves from where its request came to. An address that the
// machine gets later is not served until the next start.
const havePacketInfo = false

const controlSize = 0

func wantPacketInfo(uintptr, bool) error { return nil }

func arrivedAt([]byte) (netip.Addr, []byte) { return netip.Addr{}, nil }

func sendFrom(netip.Addr) []byte { return nil }
