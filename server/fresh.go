package server

import (
	"net/netip"
	"time"

	"github.com/icescope/icescope/protocol"
)

// freshFor is how long a fresh STUN port stays open at most: a trial lasts 25 s, and the session closes its port with it.
const freshFor = 30 * time.Second

// freshPort opens STUN on a port that nobody has asked before, and names it as this server is named to the page.
func (s *Server) freshPort(pageHost string, local netip.Addr) ([]protocol.ICEServer, func(), error) {
	port, done, err := s.stun.FreshPort(freshFor)
	if err != nil {
		return nil, nil, err
	}
	urls := s.urls
	urls.ports, urls.corners = []uint16{port}, nil
	return urls.servers(pageHost, local), done, nil
}
