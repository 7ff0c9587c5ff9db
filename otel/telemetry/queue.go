package telemetry

import (
	"context"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Sizes of the queue between the requests and the exporter. The SDK's own batch processor holds 2,048 spans, exports with one
// goroutine and drops silently: a naive page has 63 spans, so 33 pages would fill it.
const (
	queueSize  = 1 << 16
	batchSize  = 512
	batchDelay = 500 * time.Millisecond
	senders    = 2
)

// queue is a span processor that hands ended spans to the exporter in batches and counts those that it has no room for.
type queue struct {
	exporter sdktrace.SpanExporter
	counts   *Spans
	spans    chan sdktrace.ReadOnlySpan
	flushes  [senders]chan chan struct{} // one a sender: each holds spans of its own
	stop     chan struct{}
	stopOnce sync.Once
	running  sync.WaitGroup
}

func newQueue(exporter sdktrace.SpanExporter, counts *Spans) *queue {
	q := &queue{
		exporter: exporter,
		counts:   counts,
		spans:    make(chan sdktrace.ReadOnlySpan, queueSize),
		stop:     make(chan struct{}),
	}
	for i := range q.flushes {
		flushes := make(chan chan struct{})
		q.flushes[i] = flushes
		q.running.Go(func() { q.send(flushes) })
	}
	return q
}

// OnStart does nothing: a span is worth sending when it has ended.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd queues a sampled span. It never waits: the request that ended the span is being measured.
func (q *queue) OnEnd(span sdktrace.ReadOnlySpan) {
	if !span.SpanContext().IsSampled() {
		return
	}
	select {
	case q.spans <- span:
	default:
		q.counts.dropped.Add(1)
	}
}

// send exports batches until the queue is stopped, and then what is left.
func (q *queue) send(flushes <-chan chan struct{}) {
	tick := time.NewTicker(batchDelay)
	defer tick.Stop()
	batch := make([]sdktrace.ReadOnlySpan, 0, batchSize)
	for {
		select {
		case span := <-q.spans:
			if batch = append(batch, span); len(batch) == batchSize {
				batch = q.export(batch)
			}
		case <-tick.C:
			batch = q.export(batch)
		case done := <-flushes:
			batch = q.drain(batch)
			close(done)
		case <-q.stop:
			q.drain(batch)
			return
		}
	}
}

// drain exports batch and everything that is queued.
func (q *queue) drain(batch []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	for {
		select {
		case span := <-q.spans:
			if batch = append(batch, span); len(batch) == batchSize {
				batch = q.export(batch)
			}
		default:
			return q.export(batch)
		}
	}
}

func (q *queue) export(batch []sdktrace.ReadOnlySpan) []sdktrace.ReadOnlySpan {
	if len(batch) > 0 {
		_ = q.exporter.ExportSpans(context.Background(), batch) // the exporter counts its failures
	}
	return batch[:0]
}

// ForceFlush exports what is queued and what the senders hold.
func (q *queue) ForceFlush(ctx context.Context) error {
	for _, flushes := range q.flushes {
		done := make(chan struct{})
		select {
		case flushes <- done:
		case <-ctx.Done():
			return ctx.Err()
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// Shutdown exports what is queued and stops the senders. A span that ends later is lost.
func (q *queue) Shutdown(ctx context.Context) error {
	q.stopOnce.Do(func() { close(q.stop) })
	done := make(chan struct{})
	go func() {
		q.running.Wait()
		close(done)
	}()
	select {
	case <-done:
		return q.exporter.Shutdown(ctx)
	case <-ctx.Done():
		return ctx.Err()
	}
}
