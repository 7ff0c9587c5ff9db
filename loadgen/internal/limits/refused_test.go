package limits_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"loadlab/loadgen/internal/limits"
)

// dial is an error of a connect, as package net has them.
func dial(network string, addr net.Addr, errno syscall.Errno) error {
	return fmt.Errorf("connect: %w", &net.OpError{Op: "dial", Net: network, Addr: addr, Err: os.NewSyscallError("connect", errno)})
}

func TestOf(t *testing.T) {
	here, six, socket := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv6loopback}, &net.UnixAddr{Name: "/x"}
	for _, tt := range []struct {
		err  error
		want string // of the message; empty for an error that is not the machine's
	}{
		{dial("tcp", here, syscall.EMFILE), "this machine has no more open files for this process (EMFILE): it may have "},
		{dial("unix", socket, syscall.EMFILE), "(EMFILE): it may have "},
		{dial("tcp", here, syscall.ENFILE), "open files for all processes (ENFILE): there may be "},
		{dial("tcp", here, syscall.EADDRNOTAVAIL), "local ports (EADDRNOTAVAIL): it has "},
		{dial("tcp", six, syscall.EADDRNOTAVAIL), ""},
		{dial("tcp", here, syscall.ENOBUFS), "network buffers (ENOBUFS)"},
		{dial("tcp", here, syscall.ENOMEM), "memory (ENOMEM)"},
		{dial("tcp", here, syscall.EAGAIN), "local ports or routes (EAGAIN)"},
		{dial("unix", socket, syscall.EAGAIN), ""},
		{dial("tcp", here, syscall.EPERM), "a rule of its firewall (EPERM)"},
		{dial("unix", socket, syscall.EACCES), ""},
		{dial("tcp", here, syscall.ECONNREFUSED), ""},
		{dial("tcp", here, syscall.ECONNRESET), ""},
		{&net.DNSError{Err: "dial udp 127.0.0.1:53: socket: too many open files", Name: "x"}, "(EMFILE)"},
		{&net.DNSError{Err: "no such host", Name: "x"}, ""},
		{fmt.Errorf("write: %w", syscall.ENOBUFS), "(ENOBUFS)"},
		{errors.New("too many open files"), ""},
	} {
		got := limits.Of(tt.err)
		switch {
		case (got == nil) != (tt.want == ""):
			t.Errorf("%v: got %v, want %q", tt.err, got, tt.want)
		case got != nil && (!strings.Contains(got.Error(), tt.want) || !strings.HasPrefix(got.Error(), tt.err.Error()) || !errors.Is(got, tt.err)):
			t.Errorf("%v: got %q, want %q in it", tt.err, got, tt.want)
		case got != nil && limits.Of(fmt.Errorf("again: %w", got)) != got:
			t.Errorf("%v: wrapped, it is another", tt.err)
		}
	}
}

func TestRead(t *testing.T) {
	l := limits.Read()
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		t.Skip(err)
	}
	if l.Files != files.Max || l.Ports < 1000 || l.Memory <= 0 {
		t.Errorf("got %+v; the hard limit of open files is %d", l, files.Max)
	}
}
