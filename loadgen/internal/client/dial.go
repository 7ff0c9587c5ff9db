package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
)

// dial connects, and shakes hands if the target uses TLS.
func (c *Conn) dial(ctx context.Context, deadline time.Time, out *measure.Outcome) (measure.Kind, error) {
	begin := time.Now()
	if !begin.Before(deadline) {
		return c.failed(os.ErrDeadlineExceeded, out)
	}
	if d := c.t.opts.ConnectTimeout; d > 0 && begin.Add(d).Before(deadline) {
		deadline = begin.Add(d)
	}
	nc, err := c.connect(ctx, deadline)
	if err != nil {
		return c.refused(fmt.Errorf("connect: %w", err), deadline, out)
	}
	if c.sock, err = newSock(nc, &c.stop); err != nil || !c.stop.attach(nc) {
		_ = nc.Close()
		c.sock = nil
		return c.failed(errStopped, out)
	}
	c.used, c.last = false, begin
	connected := time.Now()
	if c.t.tls != nil {
		c.tls = tls.Client(c.sock, c.t.tls)
		c.sock.until(deadline)
		// The handshake's own context would cost a goroutine: the socket's deadline and stopper end it as well.
		if err := c.tls.Handshake(); err != nil { //nolint:noctx // see above
			c.hangUp()
			return c.refused(fmt.Errorf(inTLS+"%w", err), deadline, out)
		}
		out.TLS += time.Since(connected)
	}
	out.Connect += connected.Sub(begin)
	return measure.OK, nil
}

// connect makes a TCP connection, by the deadline, unless the caller is stopped. The end of ctx reaches the dial through the stopper: if
// the dialer knew of a deadline of ctx, it could fail a moment before ctx is done, and that would look like the server's fault.
func (c *Conn) connect(ctx context.Context, deadline time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), deadline)
	defer cancel()
	c.stop.dialling(cancel)
	defer c.stop.dialling(nil)
	if c.stop.stopped() {
		return nil, errStopped
	}
	return c.t.dial(ctx, "tcp", c.t.addr)
}

// dialWithin is dial by the limit of connecting, if there is one.
func (t *Target) dialWithin(ctx context.Context, network, address string) (net.Conn, error) {
	if t.opts.ConnectTimeout == 0 {
		return t.dial(ctx, network, address)
	}
	ctx, cancel := context.WithTimeout(ctx, t.opts.ConnectTimeout)
	defer cancel()
	return t.dial(ctx, network, address)
}

// dial connects to an address, or to the target's socket.
func (t *Target) dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1} // a dead peer is found by the deadline
	if t.opts.Socket != "" {
		return d.DialContext(ctx, "unix", t.opts.Socket)
	}
	if t.opts.Address != "" && address == t.addr {
		address = t.opts.Address
	}
	host, port, err := net.SplitHostPort(address)
	if err == nil && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		return dialLocal(ctx, &d, network, port)
	}
	nc, err := d.DialContext(ctx, network, address)
	return nc, withServers(err)
}

// dialLocal connects to localhost, which is this machine by either protocol, whoever is asked for it (RFC 6761, section 6.3): what a file of hosts names one
// address for may listen on the other.
func dialLocal(ctx context.Context, d *net.Dialer, network, port string) (net.Conn, error) {
	nc, err := d.DialContext(ctx, network, net.JoinHostPort("localhost", port))
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nc, err
	}
	if nc, six := d.DialContext(ctx, network, net.JoinHostPort(net.IPv6loopback.String(), port)); six == nil {
		return nc, nil
	}
	return nil, err
}

// withServers returns the error of a name that no name server has answered for, with the servers that were asked: package net names one only if it has answered.
func withServers(err error) error {
	var dns *net.DNSError
	if !errors.As(err, &dns) || !dns.IsTimeout || dns.Server != "" {
		return err
	}
	text, failed := os.ReadFile("/etc/resolv.conf")
	if failed != nil {
		return err
	}
	var servers []string
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) > 1 && fields[0] == "nameserver" {
			servers = append(servers, fields[1])
		}
	}
	return fmt.Errorf("%w: no answer of the name servers in /etc/resolv.conf (%s)", err, strings.Join(servers, ", "))
}

// Reach makes a connection to where requests go, which is the proxy if there is one, and closes it.
func (t *Target) Reach(ctx context.Context) error {
	address := t.addr
	if p := t.opts.Proxy; p != nil {
		address = net.JoinHostPort(p.Hostname(), cmp.Or(p.Port(), DefaultPort(p.Scheme)))
	}
	nc, err := t.dial(ctx, "tcp", address)
	switch {
	case err != nil && t.opts.Proxy != nil:
		return fmt.Errorf("its proxy: %w", err)
	case err != nil:
		return err
	}
	return nc.Close()
}

// refused returns how a call ends for which no connection could be made.
func (c *Conn) refused(err error, deadline time.Time, out *measure.Outcome) (measure.Kind, error) {
	switch {
	case c.stop.stopped():
		return c.failed(err, out)
	case !time.Now().Before(deadline):
		return measure.Timeout, err
	}
	if own := limits.Of(err); own != nil {
		return measure.Limit, own
	}
	return measure.Refused, err
}

// isAlert reports whether err is what the other side of a TLS connection ended it with.
func isAlert(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error"
}

// hangUp gives the connection up; the next call dials.
func (c *Conn) hangUp() {
	c.stop.attach(nil)
	_ = c.sock.Close()
	c.sock, c.tls = nil, nil
}

// watch makes the end of ctx stop the caller, instead of that of the context before.
func (s *stopper) watch(ctx context.Context, done <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forget != nil {
		s.forget()
		s.forget = nil
	}
	s.done = done
	if done != nil && !s.closed.Load() {
		s.forget = context.AfterFunc(ctx, s.wake)
	}
}
