package e2e

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	tunName = "nat0"
	tunPath = "/dev/net/tun"
	// tunMTU lets whole datagrams through that the kernel has put together from fragments; it makes fragments of them again on the way out.
	tunMTU = 65535
	// tunMark is on what the router's rules hand to the TUN device, tunTable the routing table that leads there.
	tunMark, tunTable = 1, 100
	// tunTries with tunPause between them are two seconds for the kernel to remove a device whose file is closed.
	tunTries, tunPause = 100, 20 * time.Millisecond
)

// natUser is the shell of a UserNAT: it moves datagrams between a TUN device in a router's namespace and the core.
type natUser struct {
	file *os.File
	done chan struct{}
}

// startUserNAT makes the TUN device in the namespace and translates until Close. Which packets come to it is for the router's rules to say.
func startUserNAT(ns string, n UserNAT, inside netip.Prefix, public []netip.Addr) (*natUser, error) {
	u := &natUser{done: make(chan struct{})}
	err := InNamespace(ns, func() error {
		fd, err := unix.Open(tunPath, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open %s: %w", tunPath, err)
		}
		request, err := unix.NewIfreq(tunName)
		if err == nil {
			request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
			err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
			for tries := 0; errors.Is(err, unix.EBUSY) && tries < tunTries; tries++ { // the one before it of that name is still being removed
				time.Sleep(tunPause)
				err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
			}
		}
		if err != nil {
			unix.Close(fd)
			return fmt.Errorf("make %s: %w", tunName, err)
		}
		u.file = os.NewFile(uintptr(fd), tunPath)
		return sysctl(map[string]string{
			"net/ipv4/conf/" + tunName + "/accept_local": "1", // what comes back from here bears the router's own public address as its source
			"net/ipv4/conf/" + tunName + "/rp_filter":    "0",
		})
	})
	if err == nil {
		err = run(fmt.Sprintf("link set dev %s mtu %d up\nroute add default dev %s table %d\n", tunName, tunMTU, tunName, tunTable), "ip", "-n", ns, "-batch", "-")
	}
	if err != nil {
		if u.file != nil {
			u.file.Close()
		}
		return nil, fmt.Errorf("userspace NAT in %s: %w", ns, err)
	}
	table := newNATTable(n, inside, public, rand.IntN)
	go func() {
		defer close(u.done)
		b := make([]byte, tunMTU+1)
		for {
			n, err := u.file.Read(b)
			if err != nil {
				return // closed
			}
			if table.rewrite(time.Now(), b[:n]) {
				_, _ = u.file.Write(b[:n]) // a full queue loses packets, as routers do
			}
		}
	}()
	return u, nil
}

// Close removes the device and waits until nothing is translated any more.
func (u *natUser) Close() error {
	err := u.file.Close()
	<-u.done
	return err
}
