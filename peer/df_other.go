//go:build !linux && !darwin && !windows

package peer

import (
	"errors"
	"net"
)

// dontFragment is not to be had here: long packets may travel in pieces.
func dontFragment(net.PacketConn) (restore func(), err error) {
	return func() {}, errors.ErrUnsupported
}
