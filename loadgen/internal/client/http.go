package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// HTTPCaller is a Caller over net/http, for what a Conn does not speak: HTTP/2, proxies, redirects. It costs several times as much CPU
// per request. Each has connections of its own, so that callers are to a server what Conns are.
type HTTPCaller struct {
	t      *Target
	reqs   []*Request
	draw   *draw
	client http.Client
	tracer tracer
	ask    question
	answer answer
	buf    []byte
	body   bytes.Buffer
	wrote  int64 // length of the body of the request under way

	closed atomic.Bool
	mu     sync.Mutex
	cancel context.CancelFunc // of the call under way
}

// NewHTTPCaller returns a caller with no connection yet. Its trace ids follow from the seed, and are those of NewConn.
func NewHTTPCaller(t *Target, seed uint64, reqs []*Request) *HTTPCaller {
	tr := &http.Transport{
		DialContext:         t.dialWithin,
		TLSHandshakeTimeout: t.opts.ConnectTimeout,
		MaxConnsPerHost:     1,
		MaxIdleConnsPerHost: 1,
		DisableCompression:  true,
		TLSClientConfig:     t.tls.Clone(),
		ReadBufferSize:      firstRead,
	}
	if t.opts.Proxy != nil {
		tr.Proxy = http.ProxyURL(t.opts.Proxy)
		tr.OnProxyConnectResponse = connected
	}
	tr.Protocols = new(http.Protocols)
	tr.Protocols.SetHTTP1(!t.opts.HTTP2)
	tr.Protocols.SetHTTP2(t.opts.HTTP2)
	tr.Protocols.SetUnencryptedHTTP2(t.opts.HTTP2 && t.tls == nil)
	c := &HTTPCaller{t: t, reqs: reqs, draw: &draw{}, tracer: newTracer(seed, t.opts.Sampler), buf: make([]byte, readSize)}
	c.client = http.Client{Transport: tr, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
		if len(via) > t.opts.Redirects {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return c
}

// Close implements Caller.
func (c *HTTPCaller) Close() error {
	c.closed.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel != nil {
		c.cancel()
	}
	c.client.CloseIdleConnections()
	return nil
}

// Draw implements Caller.
func (c *HTTPCaller) Draw(seed uint64, k, user int64) { c.draw.begin(seed, k, user) }

// share implements sharer.
func (c *HTTPCaller) share(d *draw) { c.draw = d }

// Call implements Caller.
func (c *HTTPCaller) Call(ctx context.Context, mode int, deadline time.Time, out *measure.Outcome) {
	*out = measure.Outcome{}
	if deadline.IsZero() {
		deadline = time.Now().Add(c.t.opts.Timeout)
	}
	var clocks clocks
	call, cancel := context.WithDeadline(httptrace.WithClientTrace(ctx, clocks.trace()), deadline)
	defer cancel()
	c.underWay(cancel)
	defer c.underWay(nil)

	kind, err := measure.Unsent, errStopped
	if !c.stopped(ctx) {
		kind, err = c.run(call, mode, out)
	}
	out.Done = time.Now()
	clocks.into(out, c.t.opts.Phases)
	if !out.Sent.IsZero() {
		out.Wrote = c.wrote
	}
	switch {
	case kind == measure.OK && out.Done.After(deadline):
		kind, err = measure.Timeout, os.ErrDeadlineExceeded
	case kind == measure.OK:
		kind, err = conclude(c.reqs[mode], &c.ask, out, &c.answer, c.body.Bytes(), c.draw)
	case out.Sent.IsZero() && (c.stopped(ctx) || !out.Done.Before(deadline) && !clocks.dialled()):
		kind = measure.Unsent
	case c.stopped(ctx) || !out.Done.Before(deadline):
		kind = measure.Timeout
	}
	noteEnd(out, kind, err)
	if c.closed.Load() {
		c.client.CloseIdleConnections()
	}
}

// stopped reports whether the caller is closed or ctx has ended. The network may notice a deadline of ctx before ctx does.
func (c *HTTPCaller) stopped(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return c.closed.Load() || ctx.Err() != nil || ok && !time.Now().Before(end)
}

// underWay names the function that ends the call under way, or nil.
func (c *HTTPCaller) underWay(cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel = cancel
	if cancel != nil && c.closed.Load() {
		cancel()
	}
}

// run makes the request and reads the response.
func (c *HTTPCaller) run(ctx context.Context, mode int, out *measure.Outcome) (measure.Kind, error) {
	r := c.reqs[mode]
	req, err := c.request(ctx, r)
	if err != nil {
		return measure.Unsent, err
	}
	if copies := r.spec.Copies; copies != nil {
		c.ask.answer()
		if k := c.ask.begin(copies, []byte(req.URL.RequestURI())); k != nil {
			req.Header.Set(api.HeaderIfNoneMatch, k.etag)
		}
	}
	if !c.t.opts.Untraced {
		var trace [len(emptyTraceparent)]byte
		copy(trace[:], emptyTraceparent)
		out.TraceID, out.SpanID, out.Sampled = c.tracer.stamp(trace[:], mode, c.draw.k, c.draw.user, time.Now())
		req.Header.Set(api.HeaderTraceparent, string(trace[:]))
	}

	resp, err := c.client.Do(req)
	if err != nil {
		err = shaking(withoutURL(err))
		if c.t.opts.HTTP2 && refusesHTTP2(err) {
			err = fmt.Errorf("%w without TLS: %w", errNoHTTP2, err)
		}
		return classify(err)
	}
	defer resp.Body.Close()
	if c.t.opts.HTTP2 && resp.ProtoMajor < 2 {
		return measure.BadResponse, fmt.Errorf("%w: it answered in %s", errNoHTTP2, resp.Proto)
	}
	if resp.StatusCode < http.StatusOK { // the body of 101 is the connection, which knows of no deadline; those below 100 are none
		return measure.BadResponse, coded{fmt.Errorf("status %03d, %s", resp.StatusCode, unasked), unasked}
	}
	out.Status = resp.StatusCode
	c.answer.begin(r)
	for name, values := range resp.Header {
		for _, value := range values {
			record(out, []byte(name), []byte(value))
			if r.spec.Copies != nil {
				c.ask.read([]byte(name), []byte(value))
			}
			if r.reads() {
				c.answer.header([]byte(name), []byte(value))
			}
		}
	}
	if err := c.read(resp.Body, r, out); err != nil {
		return classifyBody(err, out.Bytes, resp.ContentLength)
	}
	if n := c.t.opts.Redirects; n > 0 && redirects(resp) {
		return measure.Status, coded{fmt.Errorf("status %d after %d redirects, which is the limit", out.Status, n), "the limit of redirects is reached"}
	}
	for _, value := range resp.Trailer.Values(api.HeaderServerTiming) {
		recordTiming(out, []byte(value))
	}
	return measure.OK, nil
}

// redirects reports whether a response names another URL that the client is to ask instead.
func redirects(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// request makes a request, with the values of the arrival under way if it has variables.
func (c *HTTPCaller) request(ctx context.Context, r *Request) (*http.Request, error) {
	target, host, body, header := r.target, r.host, r.spec.Body, r.header.Clone()
	if t := r.template; t != nil {
		target, host = string(t.target.append(nil, c.draw)), string(t.host.append(nil, c.draw))
		body = t.body.append(nil, c.draw) // net/http may still read the last call's
		for name, values := range t.header {
			header[name] = nil
			for _, value := range values {
				header[name] = append(header[name], string(value.append(nil, c.draw)))
			}
		}
	}
	c.wrote = int64(len(body))
	req, err := http.NewRequestWithContext(ctx, r.method, c.t.base.Scheme+"://"+c.t.base.Host+target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Host, req.Close, req.Header = host, r.closes, header
	return req, nil
}

// read counts the body, and keeps it if it is to be checked.
func (c *HTTPCaller) read(body io.Reader, r *Request, out *measure.Outcome) error {
	c.body.Reset()
	for {
		n, err := body.Read(c.buf)
		out.Bytes += int64(n)
		if r.keeps() && out.Bytes <= maxChecked {
			c.body.Write(c.buf[:n])
		}
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
