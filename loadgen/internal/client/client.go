// Package client makes one HTTP request at a time, as cheaply as Go can without measuring it wrongly, and records in a measure.Outcome how
// each one ended. It knows nothing of schedules, modes or histograms: a caller is one connection, driven by one goroutine.
//
// # The raw transport
//
// A Conn speaks HTTP/1.1 over TCP or TLS. Its requests are serialised once, and only the 55 bytes of traceparent change; those with variables
// are written for each call, into the same memory. On Linux a call is
// one write, one wait and one read, and a sized body that is not checked is received but never copied out of the kernel (MSG_TRUNC):
// it is counted to its last byte, and the time of that byte is the time of the response. The parser reads the status, the framing
// and the few headers the lab reads.
//
// # What a call promises
//
// A call ends by its deadline, also while it dials or shakes hands, and soon after its context is cancelled or its caller is closed.
// Everything in the outcome is set anew by each call. A call that was stopped before its first byte was sent is Unsent, one that was
// stopped later is a Timeout: the service time up to then is a lower bound.
//
// # Connections that the server closed while they were idle
//
// A server may close a kept-alive connection at the moment a request is sent on it. That is no failure of the server, and browsers do not
// show it; neither does a Conn. The request is sent once more, on a new connection, when all of this holds: the connection had answered a
// request before; not one byte of the response was read; and either nothing was sent (the connection was found closed before), or the
// method is idempotent (RFC 9110, section 9.2.2) and the connection broke within 50 ms of the send. The clock keeps running: Sent is the
// first attempt's. Whatever else breaks a connection is counted, and the second attempt is never repeated.
package client

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/url"
	"time"

	"loadlab/loadgen/internal/measure"
)

// Caller is one client with one connection. Call is for one goroutine at a time; Close may be called from any, ends a call that is
// under way, and makes every later one Unsent.
type Caller interface {
	// Draw has the calls up to the next Draw take the data of arrival k of a phase with that seed, or of its user where data sticks to
	// users. What an earlier arrival took from its responses is forgotten. Requests without variables need no Draw.
	Draw(seed uint64, k, user int64)
	// Digest returns a hash of the request reqs[mode] with the data of the last Draw, without what differs from run to run: the target, trace
	// ids, and values of responses. It is of use to compare what two runs have sent.
	Digest(mode int) uint64
	// Call makes the request reqs[mode] and fills in out, whose former content is lost. It returns by the deadline; a zero deadline is
	// Options.Timeout from now.
	Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome)
	Close() error
}

// Transports.
const (
	Raw     = "raw"      // Conn
	NetHTTP = "net/http" // HTTPCaller
)

// DefaultTimeout is how long a call without a deadline may take.
const DefaultTimeout = 10 * time.Second

// Options of a Target. The zero value is usable.
type Options struct {
	Transport string        // Raw (the default) or NetHTTP
	Timeout   time.Duration // of calls without a deadline; 0 is DefaultTimeout
	Phases    bool          // fill in Outcome.FirstByte
	Header    http.Header   // sent with every request, unless the request sets the same header
	Sampler   Sampler       // decides which requests are traced; nil samples none
	TLS       *tls.Config   // nil is the default configuration
	PEM       PEM           // what TLS was made of, for who passes the options on to another process
	Insecure  bool          // do not verify the server's certificate
	Untraced  bool          // send no traceparent at all
	Socket    string        // path of a Unix socket that is dialled whatever the URL's host is
	Address   string        // host:port that is dialled in the place of the URL's

	ConnectTimeout time.Duration // of connecting and the handshake; 0 is as long as the call

	// These need the transport NetHTTP.
	HTTP2     bool     // HTTP/2 only: negotiated over TLS, by prior knowledge without. It is an error if the server does not speak it
	Proxy     *url.URL // nil is none; the environment is not consulted. Nothing but the proxy is dialled, nor looked up
	Redirects int      // how many are followed; one more is an error of kind Status, unless it is 0: then a redirect is a response like another
}

// New returns a caller of the target's transport that makes the requests reqs. Callers with the same seed send the same trace ids, so a
// run should give each caller its own, derived from something that no other run has.
func New(t *Target, seed uint64, reqs []*Request) Caller {
	if t.opts.Transport == NetHTTP {
		return NewHTTPCaller(t, seed, reqs)
	}
	return NewConn(t, seed, reqs)
}
