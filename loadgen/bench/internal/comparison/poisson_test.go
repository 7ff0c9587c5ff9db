package comparison_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"loadlab/loadgen/bench/internal/comparison"
	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/client/tinyserver"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

const poissonRate = 2000

// witness records when requests were due by their own account, and when they arrive.
type witness struct {
	base time.Time // that both are relative to

	mu       sync.Mutex // guards all below
	dues     []time.Duration
	arrivals []time.Duration
	err      error
}

func (w *witness) seen(request []byte) {
	now := time.Since(w.base)
	_, value, _ := bytes.Cut(request, []byte("\r\nDue: "))
	due, err := strconv.ParseInt(string(value), 10, 64)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil && w.err == nil {
		w.err = err
	}
	w.dues = append(w.dues, time.Duration(due))
	w.arrivals = append(w.arrivals, now)
}

// announcer is a caller that sends the server the due time of each request.
type announcer struct {
	addr    string
	timeout time.Duration
	base    time.Time // that the due times are relative to
	conn    net.Conn
	in      *bufio.Reader
}

func (c *announcer) Call(ctx context.Context, _ int, deadline time.Time, out *measure.Outcome) {
	*out = measure.Outcome{Kind: measure.Refused}
	defer func() { out.Done = time.Now() }()
	if c.conn == nil {
		var err error
		var d net.Dialer
		if c.conn, err = d.DialContext(ctx, "tcp", c.addr); err != nil {
			return
		}
		c.in = bufio.NewReader(c.conn)
	}
	out.Kind, out.Sent = measure.Reset, time.Now()
	due := deadline.Add(-c.timeout).Sub(c.base)
	if _, err := fmt.Fprintf(c.conn, "GET /0 HTTP/1.1\r\nDue: %d\r\n\r\n", due); err != nil {
		return
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return
	}
	resp.Body.Close()
	out.Kind = measure.OK
}

func (c *announcer) Close() error {
	if c.conn == nil {
		return nil
	}
	return c.conn.Close()
}

// TestPoissonAtTheServer drives Poisson arrivals against a real server and looks at them from there. When requests arrive depends on the
// machine, so that nothing is asked of it but that none comes before it is due; when they were due is told by themselves: every due time
// of the stream arrives once, and the gaps between them are those of a Poisson process (Kolmogorov-Smirnov, not rejected at 1%).
func TestPoissonAtTheServer(t *testing.T) {
	const length, timeout = time.Second, time.Minute
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	w := &witness{base: time.Now()}
	server := tinyserver.Server{Seen: w.seen}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, ln) }()

	profile, err := arrival.New(arrival.Constant(poissonRate, length)...)
	if err != nil {
		t.Fatal(err)
	}
	stream := func() arrival.Stream { return arrival.NewPoisson(profile, 3) }
	recorder := measure.NewRecorder(measure.Config{})
	result, err := drive.Open(ctx, drive.OpenConfig{
		Common: drive.Common{Recorder: recorder, Timeout: timeout, NewCaller: func() drive.Caller {
			return &announcer{addr: ln.Addr().String(), timeout: timeout, base: w.base}
		}},
		Stream: stream, For: length, Connections: 32,
	})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	results, err := recorder.Finish()
	if err != nil || w.err != nil || len(results[0].Ledger.Failed) > 0 {
		t.Fatalf("recorder: %v; a due time: %v; requests failed: %v", err, w.err, results[0].Ledger.Failed)
	}
	w.check(t, stream(), result.Start.Sub(w.base))
}

// check compares with the stream of a phase that began at start.
func (w *witness) check(t *testing.T, stream arrival.Stream, start time.Duration) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, due := range w.dues {
		if w.arrivals[i] < due {
			t.Errorf("a request arrived %v before it was due", due-w.arrivals[i])
		}
	}
	var want []time.Duration
	for due, ok := stream.Next(); ok; due, ok = stream.Next() {
		want = append(want, start+due)
	}
	slices.Sort(w.dues)
	if !slices.Equal(w.dues, want) {
		t.Errorf("%d due times arrived, want the stream's %d, each once", len(w.dues), len(want))
	}
	at := make([]time.Time, len(w.dues))
	for i, due := range w.dues {
		at[i] = w.base.Add(due)
	}
	if d := comparison.KS(comparison.Gaps(at, 0), poissonRate); d > comparison.KS1pc {
		t.Errorf("KS of %d gaps: %.3f, rejected at 1%% above %.3f", len(at)-1, d, comparison.KS1pc)
	}
}
