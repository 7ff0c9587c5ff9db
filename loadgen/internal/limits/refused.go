// Package limits is what the generator's own machine lets it have: descriptors, local ports, memory. It reads the limits, raises those that a process may raise,
// and recognises the errors by which the machine refuses more. Such an error is never the target's.
package limits

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
)

// RefusedError is an error of the generator's own machine.
type RefusedError struct {
	Resource string // that there is no more of
	Limit    string // of it, and what sets it; empty if it is unknown
	err      error
}

func (r *RefusedError) Error() string {
	text := fmt.Sprintf("%v: this machine has no more %s", r.err, r.Resource)
	if r.Limit != "" {
		text += ": " + r.Limit
	}
	return text
}

func (r *RefusedError) Unwrap() error { return r.err }

// refusal is an error by which a kernel refuses a resource.
type refusal struct {
	errno    syscall.Errno
	name     string // of the error
	resource string
	limit    func() string
	unix     bool // it is the machine's also of a Unix socket
}

// refusals are those of socket(2), connect(2), send(2) and recv(2) that say nothing of the peer.
func refusals() []refusal {
	return []refusal{
		{syscall.EMFILE, "EMFILE", "open files for this process", filesText, true},
		{syscall.ENFILE, "ENFILE", "open files for all processes", systemFilesText, true},
		{syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL", "local ports", portsText, false},
		{syscall.ENOBUFS, "ENOBUFS", "network buffers", buffersText, true},
		{syscall.ENOMEM, "ENOMEM", "memory", memoryText, true},
		{syscall.EAGAIN, "EAGAIN", "local ports or routes", portsText, false}, // of a Unix socket: its listener's backlog is full
		{syscall.EPERM, "EPERM", "permission to send: a rule of its firewall", nil, false},
		{syscall.EACCES, "EACCES", "permission to send: a rule of its firewall", nil, false},
	}
}

// Of returns err as an error of the generator's own machine; nil if it is none.
func Of(err error) *RefusedError {
	var known *RefusedError
	if errors.As(err, &known) {
		return known
	}
	var op *net.OpError
	onUnix := errors.As(err, &op) && strings.HasPrefix(op.Net, "unix")
	for _, r := range refusals() {
		if onUnix && !r.unix || !r.is(err) || r.errno == syscall.EADDRNOTAVAIL && isLoopback6(op) {
			continue
		}
		refused := &RefusedError{Resource: fmt.Sprintf("%s (%s)", r.resource, r.name), err: err}
		if r.limit != nil {
			refused.Limit = r.limit()
		}
		return refused
	}
	return nil
}

// is reports whether err is the refusal's. Package net keeps no errno of a name that it could not look up: there it is the text that counts.
func (r refusal) is(err error) bool {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno == r.errno
	}
	var dns *net.DNSError
	return errors.As(err, &dns) && strings.HasSuffix(dns.Err, r.errno.Error())
}

// isLoopback6 reports whether a connection to ::1 failed: on a machine without IPv6 there is no such address, and localhost is looked for at the other one.
func isLoopback6(op *net.OpError) bool {
	if op == nil {
		return false
	}
	tcp, ok := op.Addr.(*net.TCPAddr)
	return ok && tcp.IP.To4() == nil && tcp.IP.IsLoopback()
}
