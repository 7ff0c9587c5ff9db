package pagecache_test

import (
	"context"
	"testing"
	"time"

	"loadlab/app/internal/pagecache"
	"loadlab/otel/signal"
)

// expiredFor is how long a page of the mode has been expired.
func (l *lab) expiredFor(t *testing.T) time.Duration {
	t.Helper()
	families, err := l.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == signal.ExpiredSeconds && len(f.GetMetric()) == 1 {
			return time.Duration(f.GetMetric()[0].GetCounter().GetValue() * float64(time.Second))
		}
	}
	t.Fatalf("no metric %s of one mode", signal.ExpiredSeconds)
	return 0
}

// expiryLasts: a page is expired from when it is found so, while its recompute goes on, and until that is stored; a page that was flushed is not.
func expiryLasts(t *testing.T, l *lab, s pagecache.Strategy) {
	l.get(t, s.Name, page(1))
	if d := l.expiredFor(t); d != 0 {
		t.Fatalf("a cold page: got %v, want none", d)
	}
	if err := l.cache.Expire(testContext(t)); err != nil {
		t.Fatal(err)
	}
	const took = 2 * time.Millisecond
	var during time.Duration
	l.get(t, s.Name, func(ctx context.Context) (pagecache.Page, error) {
		<-time.NewTimer(took).C
		during = l.expiredFor(t)
		return page(2)(ctx)
	})
	if err := l.cache.Close(testContext(t)); err != nil { // a refresh may go on
		t.Fatal(err)
	}
	after := l.expiredFor(t)
	if during < took || after < during {
		t.Errorf("got %v while the page was recomputed, and %v when it was stored, want at least %v and more than that", during, after, took)
	}
	if d := l.expiredFor(t); d != after {
		t.Errorf("got %v once the page was stored, and then %v: it is expired still", after, d)
	}
}

// A page that was found expired and could not be recomputed is expired until it is, and no longer when it is flushed.
func TestExpiryOfAPageThatFails(t *testing.T) {
	onEachRedis(t, func(t *testing.T, l *lab) {
		l.get(t, "ttl", page(1))
		l.pass(ttl)
		l.get(t, "ttl", failing)
		if first, second := l.expiredFor(t), l.expiredFor(t); first == 0 || second <= first {
			t.Errorf("after a recompute that failed: got %v, and then %v, want that it goes on", first, second)
		}
		if err := l.cache.Flush(testContext(t)); err != nil {
			t.Fatal(err)
		}
		if first, second := l.expiredFor(t), l.expiredFor(t); first != second {
			t.Errorf("after the flush: got %v, and then %v", first, second)
		}
	})
}
