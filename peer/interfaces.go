package peer

import (
	"net"
	"slices"

	"github.com/icescope/icescope/protocol"
	"github.com/pion/transport/v4"
)

// maxInterfaces bounds what is told of a machine with a bridge for each of many containers.
const maxInterfaces = 64

// interfaces are those that are up, without the loopback. defaults names where the default routes leave.
func interfaces(n transport.Net, defaults []string) (out []protocol.Interface) {
	all, err := n.Interfaces()
	if err != nil {
		return nil
	}
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagLoopback != 0 || len(out) == maxInterfaces {
			continue
		}
		one := protocol.Interface{
			Name: i.Name, MTU: i.MTU, Addresses: []string{},
			Default: slices.Contains(defaults, i.Name), PointToPoint: i.Flags&net.FlagPointToPoint != 0,
		}
		addrs, _ := i.Addrs() // an error is an interface without addresses
		for _, a := range addrs {
			one.Addresses = append(one.Addresses, a.String()) // *net.IPNet: CIDR
		}
		out = append(out, one)
	}
	return out
}
