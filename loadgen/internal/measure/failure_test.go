package measure_test

import (
	"errors"
	"testing"
	"time"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"

	"github.com/google/go-cmp/cmp"
)

// What failed is counted by how it did, with the first error in full and the times of the first and the last, whatever order they are recorded in.
func TestFailures(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := measure.NewRecorder(measure.Config{Modes: 2})
	r.Start(start)
	for i, o := range []measure.Outcome{
		{Kind: measure.OK, Status: 200},
		{Kind: measure.Status, Status: 404, Err: errors.New("status 404 Not Found")},
		{Kind: measure.Refused, Code: "connection refused", Err: errors.New("dial 127.0.0.1:1: connection refused")},
		{Kind: measure.Refused, Code: "no such host", Err: errors.New("lookup nowhere")},
		{Kind: measure.Refused, Code: "connection refused", Err: errors.New("dial 127.0.0.1:2: connection refused")},
		{Kind: measure.Status, Status: 500},
		{Kind: measure.Check, Status: 200, Err: errors.New("a is 1, want 2")},
		{Kind: measure.Refused, Code: "connection refused"},
	} {
		at := time.Duration(10-i) * time.Second
		r.Scheduled(0, 0)
		o.Sent, o.Done = start, start.Add(at)
		r.Record(0, 0, &o)
	}
	results, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	want := []result.Failure{
		{Kind: "refused", Code: "connection refused", Count: 3, Example: "dial 127.0.0.1:1: connection refused", First: 3 * time.Second, Last: 8 * time.Second},
		{Kind: "check", Count: 1, Example: "a is 1, want 2", First: 4 * time.Second, Last: 4 * time.Second},
		{Kind: "refused", Code: "no such host", Count: 1, Example: "lookup nowhere", First: 7 * time.Second, Last: 7 * time.Second},
		{Kind: "status", Status: 404, Count: 1, Example: "status 404 Not Found", First: 9 * time.Second, Last: 9 * time.Second},
		{Kind: "status", Status: 500, Count: 1, First: 5 * time.Second, Last: 5 * time.Second},
	}
	if diff := cmp.Diff(want, results[0].Failures); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if results[1].Failures != nil {
		t.Errorf("got %v of a mode without requests", results[1].Failures)
	}
}
