package client

import (
	"crypto/tls"
	"net/http/httptrace"
	"sync"
	"time"

	"loadlab/loadgen/internal/measure"
)

// clocks collects when things happened to a request. With redirects, or after a connection that was closed while idle, the first send
// counts, and connects add up. net/http may still dial in the background after a call has ended, hence the mutex.
type clocks struct {
	mu             sync.Mutex
	dialAt, tlsAt  time.Time
	sent, first    time.Time
	connect, shake time.Duration
	dials          int
}

func (k *clocks) trace() *httptrace.ClientTrace {
	set := func(at *time.Time) {
		k.mu.Lock()
		defer k.mu.Unlock()
		if at.IsZero() {
			*at = time.Now()
		}
	}
	add := func(sum *time.Duration, at *time.Time) {
		k.mu.Lock()
		defer k.mu.Unlock()
		*sum += time.Since(*at)
		*at = time.Time{}
	}
	return &httptrace.ClientTrace{
		DNSStart:             func(httptrace.DNSStartInfo) { set(&k.dialAt) },
		ConnectStart:         func(_, _ string) { set(&k.dialAt); k.mu.Lock(); k.dials++; k.mu.Unlock() },
		ConnectDone:          func(_, _ string, _ error) { add(&k.connect, &k.dialAt) },
		TLSHandshakeStart:    func() { set(&k.tlsAt) },
		TLSHandshakeDone:     func(tls.ConnectionState, error) { add(&k.shake, &k.tlsAt) },
		GotConn:              func(httptrace.GotConnInfo) { set(&k.sent) },
		GotFirstResponseByte: func() { set(&k.first) },
	}
}

// dialled reports whether the call had to make a connection.
func (k *clocks) dialled() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.dials > 0
}

func (k *clocks) into(out *measure.Outcome, phases bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	out.Sent, out.Connect, out.TLS = k.sent, k.connect, k.shake
	if phases && !k.first.IsZero() {
		out.FirstByte = k.first.Sub(k.sent)
	}
}
