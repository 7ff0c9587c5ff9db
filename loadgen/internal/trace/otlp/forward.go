package otlp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/internal/redact"
)

// Defaults and limits of a Forwarder.
const (
	DefaultQueueBytes = 32 << 20
	queueRequests     = 1024
	senders           = 2
	attempts          = 3
	sendTimeout       = 5 * time.Second
	firstBackoff      = 100 * time.Millisecond // the next one is four times as long
)

// ForwarderConfig is where requests go.
type ForwarderConfig struct {
	Endpoint   string            // base URL, or that of the traces: http://localhost:4318 is http://localhost:4318/v1/traces
	Headers    map[string]string // for authentication
	QueueBytes int64             // that may wait; 0 is DefaultQueueBytes
}

// Forwarder sends export requests to another OTLP/HTTP endpoint in the background. It sends again what the other end answers as temporary,
// a few times, and drops what it cannot send.
type Forwarder struct {
	url     string
	headers map[string]string
	limit   int64
	client  *http.Client
	queue   chan export
	bytes   atomic.Int64 // that wait
	sending sync.WaitGroup

	mu     sync.RWMutex // guards closed: nothing is queued once it is set
	closed bool

	ctx  context.Context // of the requests; it ends when Close has waited long enough
	stop context.CancelFunc

	sent, dropped atomic.Int64
	lastError     atomic.Pointer[error]
}

// export is a request that waits to be sent.
type export struct {
	body  []byte
	spans int
}

// ForwarderStats are totals since the start.
type ForwarderStats struct {
	Sent    int64 // spans that the other end took
	Dropped int64 // spans that it did not take, or for which there was no room
	Err     error // why spans were dropped last; nil if there was always room and they were always taken
}

// NewForwarder starts a Forwarder. The caller closes it. It is no error if nothing listens there.
func NewForwarder(ctx context.Context, cfg ForwarderConfig) (*Forwarder, error) {
	u, err := redact.Parse(cfg.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("pass spans on: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("pass spans on: %q is not the URL of an OTLP/HTTP endpoint (http://localhost:4318)", redact.URL(cfg.Endpoint))
	}
	if !strings.HasSuffix(u.Path, tracesPath) {
		u = u.JoinPath(tracesPath)
	}
	f := &Forwarder{
		url: u.String(), headers: cfg.Headers, limit: cfg.QueueBytes, queue: make(chan export, queueRequests),
		client: &http.Client{Timeout: sendTimeout, Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: senders}},
	}
	if f.limit == 0 {
		f.limit = DefaultQueueBytes
	}
	f.ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	for range senders {
		f.sending.Go(f.work)
	}
	return f, nil
}

var errFull = errors.New("the queue is full")

// Send queues a request, whose body it keeps, and reports whether there was room. It never waits.
func (f *Forwarder) Send(body []byte, spans int) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.closed {
		f.drop(spans, errors.New("the end of the run"))
		return false
	}
	if f.bytes.Add(int64(len(body))) > f.limit {
		f.bytes.Add(-int64(len(body)))
		f.drop(spans, errFull)
		return false
	}
	select {
	case f.queue <- export{body, spans}:
		return true
	default:
		f.bytes.Add(-int64(len(body)))
		f.drop(spans, errFull)
		return false
	}
}

func (f *Forwarder) drop(spans int, err error) {
	f.dropped.Add(int64(spans))
	f.lastError.Store(&err)
}

// Stats returns what has become of the spans so far.
func (f *Forwarder) Stats() ForwarderStats {
	s := ForwarderStats{Sent: f.sent.Load(), Dropped: f.dropped.Load()}
	if err := f.lastError.Load(); err != nil {
		s.Err = *err
	}
	return s
}

// Close sends what is queued, and drops what is left of it when ctx ends.
func (f *Forwarder) Close(ctx context.Context) {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.queue)
	}
	f.mu.Unlock()
	defer context.AfterFunc(ctx, f.stop)()
	f.sending.Wait()
	f.stop()
	f.client.CloseIdleConnections()
}

func (f *Forwarder) work() {
	for e := range f.queue {
		f.bytes.Add(-int64(len(e.body)))
		rejected, err := f.try(e.body)
		if err != nil {
			f.drop(e.spans, err)
			continue
		}
		taken := max(e.spans-rejected, 0)
		f.sent.Add(int64(taken))
		if taken < e.spans {
			f.drop(e.spans-taken, errors.New("the other end rejected spans"))
		}
	}
}

// retryable is an answer after which the request is to be sent again.
type retryable struct{ error }

// try sends a request until it is taken, or there is no point in trying on.
func (f *Forwarder) try(body []byte) (rejected int, err error) {
	backoff := firstBackoff
	for attempt := 1; ; attempt++ {
		rejected, err = f.post(body)
		var again retryable
		if err == nil || attempt == attempts || !errors.As(err, &again) {
			return rejected, err
		}
		timer := time.NewTimer(backoff)
		select {
		case <-timer.C:
		case <-f.ctx.Done():
			timer.Stop()
			return 0, err
		}
		backoff *= 4
	}
}

// post sends a request once, and returns how many of its spans were rejected.
func (f *Forwarder) post(body []byte) (rejected int, err error) {
	req, err := http.NewRequestWithContext(f.ctx, http.MethodPost, f.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", protobufType)
	for name, value := range f.headers {
		req.Header.Set(name, value)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		return 0, retryable{err}
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return 0, fmt.Errorf("read the answer of %s: %w", f.url, err)
	}
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted:
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return 0, retryable{fmt.Errorf("%s answered %s", f.url, resp.Status)}
	default:
		return 0, fmt.Errorf("%s answered %s", f.url, resp.Status)
	}
	var response collectorpb.ExportTraceServiceResponse
	if proto.Unmarshal(answer, &response) != nil {
		return 0, nil // it was taken; a malformed answer does not lose spans
	}
	return int(response.GetPartialSuccess().GetRejectedSpans()), nil
}
