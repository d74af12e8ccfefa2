// Package e2e is the lab: real networks in Linux namespaces, real browsers inside them, and the scenarios that prove what icescope says.
//
// A scenario is data: a picture, a network of segments and nodes, what stands at both ends, and what the report must and must not say.
// Networks are built with ip and nft as text, so that whoever owns a firewall can read a rule and type it. Nothing imports this package.
//
// It needs root, ip, nft and the browsers. Tests skip and say what is missing; under CI they fail instead.
// Everything it makes carries the prefix ics-<pid>-; what dead processes left behind is removed at the next start.
package e2e
