package housing_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"loadlab/app/internal/housing"
)

// No wait of the system's alarm ends early, whether it or the ones before it were given up or not; one that is given up says so.
func TestAlarm(t *testing.T) {
	const waiters, waits = 8, 200
	var wg sync.WaitGroup
	for i := range waiters {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			wait, closeAlarm := housing.NewAlarm()
			defer closeAlarm()
			for range waits {
				d := time.Duration(random.Int64N(int64(time.Millisecond)))
				// Many of the limits end about when the wait does.
				limit := d + time.Duration(random.Int64N(int64(time.Millisecond))) - time.Millisecond/2
				limited := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				start := time.Now()
				err := wait(ctx, d)
				ended := time.Now()
				cancel()
				switch {
				case err == nil && ended.Sub(start) < d:
					t.Errorf("a wait of %s ended after %s", d, ended.Sub(start))
				case err != nil && (!errors.Is(err, context.DeadlineExceeded) || ended.Sub(limited) < limit):
					t.Errorf("a wait of %s, limited to %s: %v after %s", d, limit, err, ended.Sub(limited))
				}
			}
		})
	}
	wg.Wait()
}

func TestAlarmWithoutALimit(t *testing.T) {
	wait, closeAlarm := housing.NewAlarm()
	start := time.Now()
	if err := wait(context.WithoutCancel(t.Context()), time.Millisecond); err != nil || time.Since(start) < time.Millisecond {
		t.Errorf("got %v after %s, want nothing after 1ms", err, time.Since(start))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, d := range []time.Duration{0, time.Hour} {
		if err := wait(ctx, d); !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a context that has ended: got %v", d, err)
		}
	}
	closeAlarm()
	if err := wait(t.Context(), time.Millisecond); err != nil { // by a timer
		t.Error(err)
	}
}
