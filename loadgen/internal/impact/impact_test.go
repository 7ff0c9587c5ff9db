package impact_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/impact"
	"loadlab/loadgen/internal/result"
)

const ms = time.Millisecond

// every makes a sample each 10 ms up to 9 s, as of gives it. Response times are 2 ms unless of has another.
func every(of func(due time.Duration, s *impact.Sample)) []impact.Sample {
	var all []impact.Sample
	for due := time.Duration(0); due < 9*time.Second; due += 10 * ms {
		s := impact.Sample{Due: due, Done: due + 2*ms, Measured: true}
		of(due, &s)
		all = append(all, s)
	}
	return all
}

func within(due, from, to time.Duration) bool { return from <= due && due < to }

func TestOf(t *testing.T) {
	const began, ended = 3 * time.Second, 6 * time.Second
	dur := func(d time.Duration) *time.Duration { return &d }
	for name, tt := range map[string]struct {
		of                       func(due time.Duration, s *impact.Sample)
		detect, degrade, recover *time.Duration
		errors, degraded         int64
		underWay                 int64 // when it begins
	}{
		"nobody shows it": {func(time.Duration, *impact.Sample) {}, nil, dur(0), dur(0), 0, 0, 0},
		"all fail until it ends, and for 200 ms more": {func(due time.Duration, s *impact.Sample) {
			if within(due, began, ended+200*ms) {
				s.Kind, s.Measured = "refused", false
			}
		}, dur(2 * ms), nil, dur(200 * ms), 300, 0, 0},
		"the first 500 ms pay, then they do without": {func(due time.Duration, s *impact.Sample) {
			s.Degraded = within(due, began, ended+300*ms)
			if within(due, began, began+500*ms) {
				s.Done = due + 250*ms
			}
		}, dur(250 * ms), dur(500 * ms), dur(300 * ms), 0, 300, 0},
		"one under way when it begins": {func(due time.Duration, s *impact.Sample) {
			if due == began-10*ms {
				s.Done = began + 90*ms
			}
		}, dur(90 * ms), dur(0), dur(0), 0, 0, 1},
		"never recovered": {func(due time.Duration, s *impact.Sample) {
			if due >= began {
				s.Kind = "status"
			}
		}, dur(2 * ms), nil, nil, 300, 0, 0},
		"one slow request a second is noise": {func(due time.Duration, s *impact.Sample) {
			if due > ended && due%time.Second == 500*ms {
				s.Done = due + 400*ms
			}
		}, nil, dur(0), dur(0), 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got := impact.Of(every(tt.of), impact.Band{From: began, To: ended}, nil, 9*time.Second)
			type times struct{ Detect, Degrade, Recover *time.Duration }
			if diff := cmp.Diff(times{tt.detect, tt.degrade, tt.recover}, times{got.Detect, got.Degrade, got.Recover}); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			in := got.Inside
			if in.Requests != 300+tt.underWay || got.Outside.Requests != 600-tt.underWay || in.Errors() != tt.errors || in.Degraded != tt.degraded {
				t.Errorf("inside %+v, outside %+v", in, got.Outside)
			}
			if got.Slow != 12*ms || got.Watched != 3*time.Second {
				t.Errorf("slow above %s, watched for %s, want 12 ms and 3 s", got.Slow, got.Watched)
			}
		})
	}
}

// The requests of another fault of the phase belong to neither side, and what comes after its begin is its own doing.
func TestOfTwoFaults(t *testing.T) {
	first, second := impact.Band{From: 1 * time.Second, To: 2 * time.Second}, impact.Band{From: 4 * time.Second, To: 5 * time.Second}
	samples := every(func(due time.Duration, s *impact.Sample) {
		if within(due, second.From, second.To) {
			s.Kind, s.Stale = "timeout", due
		}
	})
	got := impact.Of(samples, first, []impact.Band{second}, 9*time.Second)
	want := result.Impact{
		Inside: result.Stretch{Took: time.Second, Requests: 100}, Outside: result.Stretch{Took: 7 * time.Second, Requests: 700},
		Degrade: new(time.Duration), Recover: new(time.Duration), Watched: 2 * time.Second, Slow: 12 * ms, Attempts: -1,
	}
	got.Inside.Response, got.Outside.Response = result.Summary{}, result.Summary{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := impact.Of(samples, second, []impact.Band{first}, 9*time.Second).Inside.Stalest; got != 4990*ms {
		t.Errorf("stalest %s, want 4.99s", got)
	}
	if got := impact.Of(nil, first, nil, time.Second); got.Inside.Requests != 0 || got.Detect != nil {
		t.Errorf("without samples: %+v", got)
	}
}
