//go:build !linux

package stunsrv

import "net/netip"

func fleetingAddrs() (map[netip.Addr]bool, bool) { return nil, false }
