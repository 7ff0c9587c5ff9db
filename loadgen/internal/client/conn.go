package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
)

const (
	// readSize is the read buffer of a connection, and firstRead how much of it the first read of a response uses: the head and a small
	// body fit, and the rest of a large one is then dropped without a copy.
	readSize  = 64 << 10
	firstRead = 4 << 10
	// dropSize is the least size of a body that is dropped by a system call of its own.
	dropSize = 4 << 10
	// idleProbe is how long a connection may be idle before it is looked at again before a request is sent. It costs a system call, and
	// servers close what is idle for seconds.
	idleProbe = 100 * time.Millisecond
	// replayWithin is how soon after the send a kept-alive connection must break for that to be the idle close of the package comment.
	replayWithin = 50 * time.Millisecond
)

// Conn is a Caller with the raw transport: one HTTP/1.1 connection that is dialled when it is first needed, kept, and dialled again after
// an error or when the server requires it.
type Conn struct {
	t      *Target
	jobs   []job
	draw   *draw
	tracer tracer
	resp   response
	ask    question
	answer answer
	buf    []byte
	stop   stopper

	sock *sock     // nil while there is no connection
	tls  *tls.Conn // over sock, or nil
	used bool      // it has answered a request
	last time.Time // when
}

// job is a request and this connection's own copy of its bytes: patching shared ones would be a race. A request with variables is written
// there for each call.
type job struct {
	*Request
	wire  []byte
	trace int
}

// NewConn returns a connection that is not dialled yet. Its trace ids follow from the seed.
func NewConn(t *Target, seed uint64, reqs []*Request) *Conn {
	c := &Conn{t: t, draw: &draw{}, tracer: newTracer(seed, t.opts.Sampler), buf: make([]byte, readSize)}
	for _, r := range reqs {
		c.jobs = append(c.jobs, job{r, bytes.Clone(r.wire), r.trace})
	}
	return c
}

// Close implements Caller.
func (c *Conn) Close() error { return c.stop.close() }

// Draw implements Caller.
func (c *Conn) Draw(seed uint64, k, user int64) { c.draw.begin(seed, k, user) }

// share implements sharer.
func (c *Conn) share(d *draw) { c.draw = d }

// Call implements Caller. A context that lives as long as many calls costs nothing per call; a new one is watched by
// context.AfterFunc, which allocates.
func (c *Conn) Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) {
	*out = measure.Outcome{}
	if deadline.IsZero() {
		deadline = time.Now().Add(c.t.opts.Timeout)
	}
	if done := ctx.Done(); done != c.stop.done {
		c.stop.watch(ctx, done)
	}
	req := &c.jobs[mode]
	if req.template != nil {
		req.wire, req.trace = req.template.write(req.wire, !c.t.opts.Untraced, c.draw)
	}
	if req.spec.Copies != nil {
		req.revalidate(&c.ask)
	}
	kind, err := c.run(ctx, mode, deadline, out)
	out.Done = time.Now()
	if !out.Sent.IsZero() {
		out.Wrote = int64(len(req.spec.Body))
		if req.template != nil {
			out.Wrote = int64(len(c.draw.body))
		}
	}
	switch {
	case kind != measure.OK:
	case out.Done.After(deadline):
		kind, err = measure.Timeout, os.ErrDeadlineExceeded
	default:
		kind, err = conclude(req.Request, &c.ask, out, &c.answer, c.resp.body, c.draw)
	}
	noteEnd(out, kind, err)
	switch {
	case c.sock == nil:
	case c.resp.out == out && c.resp.reusable() && !req.closes:
		c.used, c.last = true, out.Done
	case kind != measure.Unsent:
		c.hangUp()
	}
	c.resp.out = nil
}

// run makes the request, on a new connection if it must, and reads its response.
func (c *Conn) run(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) (measure.Kind, error) {
	req := &c.jobs[mode]
	for again := true; ; again = false {
		if c.stop.stopped() {
			return c.failed(errStopped, out)
		}
		sent := time.Now()
		if c.sock != nil && (!req.idempotent || sent.Sub(c.last) > idleProbe) && !c.sock.idle() {
			c.hangUp()
		}
		if c.sock == nil {
			if kind, err := c.dial(ctx, deadline, out); err != nil {
				return kind, err
			}
			sent = time.Now()
		}
		if !sent.Before(deadline) {
			return c.failed(os.ErrDeadlineExceeded, out)
		}
		if again {
			out.Sent = sent
			if req.trace > 0 {
				out.TraceID, out.SpanID, out.Sampled = c.tracer.stamp(req.wire[req.trace:req.trace+len(emptyTraceparent)], mode, c.draw.k, c.draw.user, sent)
			}
		}
		c.sock.until(deadline)
		c.resp.begin(out, req.method == "HEAD", req.keeps())
		if req.spec.Copies != nil {
			c.resp.ask = &c.ask
			c.ask.answer()
		}
		if c.answer.begin(req.Request); req.reads() {
			c.resp.answer = &c.answer
		}
		n, err := c.exchange(req.wire, out)
		if n == 0 && err != nil && again && c.idleClosed(req, sent, err) {
			c.hangUp()
			continue
		}
		return c.receive(n, err, out)
	}
}

// idleClosed reports whether a connection broke because the server had closed it while it was idle: see the package comment.
func (c *Conn) idleClosed(req *job, sent time.Time, err error) bool {
	return c.used && req.idempotent && !errors.Is(err, os.ErrDeadlineExceeded) && !c.stop.stopped() &&
		time.Since(sent) <= c.t.replay
}

// exchange sends the request and reads the first bytes of its response.
func (c *Conn) exchange(wire []byte, out *measure.Outcome) (n int, err error) {
	if c.tls == nil {
		n, err = c.sock.exchange(wire, c.buf[:firstRead])
	} else {
		if _, err = c.tls.Write(wire); err != nil {
			err = &writeError{err}
		} else {
			n, err = c.tls.Read(c.buf)
		}
	}
	if c.t.opts.Phases && n > 0 {
		out.FirstByte = time.Since(out.Sent)
	}
	return n, err
}

// receive reads the response, of which n bytes or an error are there already.
func (c *Conn) receive(n int, err error, out *measure.Outcome) (measure.Kind, error) {
	// A server may answer before it has read a whole request, and hang up; then the write failed, but there is an answer.
	r := &c.resp
	if err != nil && cutShort(err) {
		if k, rest := c.read(c.buf); k > 0 {
			n, err = k, rest
		}
		r.close = true
	}
	for {
		if n > 0 {
			if used := r.feed(c.buf[:n]); used < n || err != nil {
				r.close = true // more than one response, or the end: nothing may follow
			}
		}
		switch {
		case r.state == complete:
			return measure.OK, nil
		case r.state == broken:
			return measure.BadResponse, r.brokenBy()
		case errors.Is(err, io.EOF):
			switch kind := r.end(); kind {
			case measure.OK:
				return kind, nil
			case measure.BadResponse:
				return kind, r.brokenBy()
			case measure.Truncated:
				return kind, cutOff(out.Bytes, r.length())
			default:
				return kind, fmt.Errorf("response: %w", io.ErrUnexpectedEOF)
			}
		case err != nil:
			return c.failed(err, out)
		}
		n, err = c.more()
	}
}

// cutShort reports whether err is a write's, and not for want of time.
func cutShort(err error) bool {
	var cut *writeError
	return errors.As(err, &cut) && !errors.Is(err, os.ErrDeadlineExceeded)
}

// more reads the next bytes of a response, or drops them if they are not needed.
func (c *Conn) more() (int, error) {
	unseen := c.resp.unseen()
	if c.tls != nil || unseen < dropSize {
		return c.read(c.buf)
	}
	n, err := c.sock.drop(unseen, c.buf)
	c.resp.skipped(int64(n))
	return 0, err
}

func (c *Conn) read(buf []byte) (int, error) {
	if c.tls != nil {
		return c.tls.Read(buf)
	}
	return c.sock.read(buf)
}

// failed returns how a call ends that could not be finished.
func (c *Conn) failed(err error, out *measure.Outcome) (measure.Kind, error) {
	switch {
	case out.Sent.IsZero() && (c.stop.stopped() || errors.Is(err, os.ErrDeadlineExceeded)):
		return measure.Unsent, err
	case c.stop.stopped() || errors.Is(err, os.ErrDeadlineExceeded):
		return measure.Timeout, err
	case !c.used && out.Status == 0 && isAlert(err): // of a server that wants a certificate, in TLS 1.3 the first word after the handshake
		return measure.Refused, fmt.Errorf("TLS: %w", err)
	}
	if own := limits.Of(err); own != nil {
		return measure.Limit, own
	}
	return measure.Reset, err
}

// writeError is the error of a write, when nothing has been read yet.
type writeError struct{ error }

func (e *writeError) Unwrap() error { return e.error }

var errStopped = errors.New("stopped")
