//go:build !linux

package stunsrv

import "net"

func ownConn(conn *net.UDPConn) (udpConn, error) { return conn, nil }

func newDatagrams(sock *socket) datagrams { return newOneByOne(sock, sock.conn.(*net.UDPConn)) }
