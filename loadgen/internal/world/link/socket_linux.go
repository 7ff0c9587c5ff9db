package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// target is where connect(2) goes.
type target struct {
	domain  int
	address unix.Sockaddr
}

// lookup returns the addresses of a host, at least one.
type lookup func(ctx context.Context, host string) ([]netip.Addr, error)

func lookupIP(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// resolve turns an address into what connect(2) takes: one target for each address of its host.
func (find lookup) resolve(ctx context.Context, a Addr) ([]target, error) {
	if a.Network == "unix" {
		return []target{{unix.AF_UNIX, &unix.SockaddrUnix{Name: a.Address}}}, nil
	}
	host, port, err := net.SplitHostPort(a.Address)
	if err != nil {
		return nil, err
	}
	number, err := net.DefaultResolver.LookupPort(ctx, "tcp", port)
	if err != nil {
		return nil, err
	}
	if host == "" {
		host = "localhost"
	}
	ips, err := find(ctx, host)
	if err != nil {
		return nil, err
	}
	var to []target
	for _, ip := range ips {
		if ip = ip.Unmap(); ip.Is4() {
			to = append(to, target{unix.AF_INET, &unix.SockaddrInet4{Port: number, Addr: ip.As4()}})
		} else {
			to = append(to, target{unix.AF_INET6, &unix.SockaddrInet6{Port: number, Addr: ip.As16()}})
		}
	}
	return to, nil
}

// listen returns a listening descriptor, and the address with the port that it got. The runtime's poller has no part in it.
func listen(ctx context.Context, a Addr) (Addr, int, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, a.Network, a.Address)
	if err != nil {
		return a, -1, err
	}
	defer func() { _ = listener.Close() }() // the loop has a descriptor of its own
	if l, ok := listener.(*net.UnixListener); ok {
		l.SetUnlinkOnClose(false)
	}
	raw, err := listener.(syscall.Conn).SyscallConn()
	if err != nil {
		return a, -1, err
	}
	fd := -1
	if cerr := raw.Control(func(own uintptr) { fd, err = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0) }); cerr != nil || err != nil {
		return a, -1, errors.Join(cerr, err)
	}
	return Addr{Network: a.Network, Address: listener.Addr().String()}, fd, nil
}

// reserve returns a descriptor that is bound to where the closed listener was bound, and does not listen: connecting to it is refused, nobody
// else can take the port, and unlisten's opposite is one listen(2).
func reserve(a Addr, at unix.Sockaddr, v6only int) (fd int, err error) {
	domain := unix.AF_UNIX
	path := ""
	switch at := at.(type) {
	case *unix.SockaddrInet4:
		domain = unix.AF_INET
	case *unix.SockaddrInet6:
		domain = unix.AF_INET6
	case *unix.SockaddrUnix:
		path = at.Name + "~" // moved over the old one: there is no moment without a socket
		at.Name = path
	}
	fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(fd)
			fd = -1
		}
	}()
	if domain != unix.AF_UNIX {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return fd, os.NewSyscallError("setsockopt", err)
		}
	}
	if domain == unix.AF_INET6 {
		if err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, v6only); err != nil {
			return fd, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := unix.Bind(fd, at); err != nil {
		return fd, fmt.Errorf("keep %s: %w", a, os.NewSyscallError("bind", err))
	}
	if path != "" {
		if err := unix.Rename(path, a.Address); err != nil {
			return fd, fmt.Errorf("keep %s: %w", a, os.NewSyscallError("rename", err))
		}
	}
	return fd, nil
}

// lookAgain looks up the target's name each time it was not reached, until ctx ends: a container that comes back may have another address.
func (l *Link) lookAgain(ctx context.Context) {
	for {
		select {
		case <-l.stale:
		case <-ctx.Done():
			return
		}
		to, err := l.lookup.resolve(ctx, l.cfg.To)
		if err != nil {
			l.failures.add(err)
			continue
		}
		_ = l.do(ctx, func() { l.to = to }) // fails only when the link ends
	}
}
