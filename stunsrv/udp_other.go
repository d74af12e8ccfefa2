//go:build !linux

package stunsrv

func newDatagrams(sock *socket) datagrams { return newOneByOne(sock) }
