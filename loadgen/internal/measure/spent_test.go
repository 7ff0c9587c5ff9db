package measure_test

import (
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/measure"
)

// TestSpentAddsUp: every part of a response time is somewhere, and slow responses are apart from fast ones.
func TestSpentAddsUp(t *testing.T) {
	start := time.Now()
	r := measure.NewRecorder(measure.Config{})
	r.Start(start)
	const ms = time.Millisecond
	record := func(due, lag, service time.Duration, timing api.Timing) {
		r.Scheduled(0, due)
		sent := start.Add(due + lag)
		r.Record(0, due, &measure.Outcome{Sent: sent, Done: sent.Add(service), Timed: true, Timing: timing})
	}
	for i := range 100 {
		record(time.Duration(i)*ms, 0, 1*ms, api.Timing{Redis: 2, RedisTime: 300 * time.Microsecond, Total: 500 * time.Microsecond})
	}
	record(200*ms, 2*ms, 50*ms, api.Timing{SQL: 62, SQLTime: 38 * ms, Wait: 3 * ms, Total: 46 * ms})
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	buckets := results[0].Spent
	if len(buckets) != 2 || buckets[0].Count != 100 || buckets[1].Count != 1 {
		t.Fatalf("buckets %+v", buckets)
	}
	for _, b := range buckets {
		if sum := b.Lag + b.Wait + b.SQL + b.Redis + b.App + b.Network; sum != b.Response {
			t.Errorf("the parts of the bucket over %s add up to %s, not to %s", b.Over, sum, b.Response)
		}
		if mean := b.Response / time.Duration(b.Count); mean < b.Over || mean >= 2*b.Over {
			t.Errorf("the bucket over %s has a mean of %s", b.Over, mean)
		}
	}
	slow := buckets[1]
	if slow.Lag != 2*ms || slow.SQL != 38*ms || slow.Wait != 3*ms || slow.App != 5*ms || slow.Network != 4*ms {
		t.Errorf("the slow response: %+v", slow)
	}
}
