package run_test

import (
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"
)

// The portal's cached page keeps its version until it is flushed, and its live page has the latest: of the one every read after the
// first price change is stale, of the other none.
func TestStaleness(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, p.start(t, `why: x
modes:
  live:   GET /api/properties/live/naive/
  cached: GET /api/properties/cached/ttl/
rounds: 1
phases:
  - {name: prime, requests: 1, warmup: true, before: [flush]}
  - {name: reads, rate: 100/s, arrivals: constant, for: 600ms, during: {price_change: 50ms}}
  - {name: after, requests: 3, before: [flush, price_change]}
gates:
  - stale_ratio("live", "reads") == 0
  - stale_ratio("cached", "reads") > 0
  - stale_max("cached", "reads") > 0 and stale_max("live", "reads") == 0
  - predicted_stale_max("live", "reads") == 0 and stale_max("cached", "reads") <= predicted_stale_max("cached", "reads")
  - predicted_stale_max("cached", "reads") >= 60*s
  - errors() == 0
`))
	if code := result.ExitCode(r); code != result.ExitPass {
		t.Errorf("exit code %d: %+v", code, r.Gates)
	}
	if c := cell(t, r, 1, "live", "prime"); c.Stale != nil {
		t.Errorf("a phase without price changes has %+v", c.Stale)
	}
	live, cached := cell(t, r, 1, "live", "reads"), cell(t, r, 1, "cached", "reads")
	if live.Stale.Reads != 60 || live.Stale.Stale != 0 || live.Stale.Max != 0 || live.Stale.Writes < 3 {
		t.Errorf("live: %+v, want 60 fresh reads", live.Stale)
	}
	s := cached.Stale
	if s.Reads != 60 || s.Writes < 3 || int(s.Writes) != len(s.Changes) || !slices.IsSorted(s.Changes) || s.Changes[0] < 50*time.Millisecond {
		t.Fatalf("cached: %+v, want 60 reads and a change each 50 ms", s)
	}
	// Reads are due every 10 ms, the last at 590 ms, and sent then or later. So at least those due after the first change are stale, and
	// the last of them by the time since then.
	due := 0
	for i := range 60 {
		if time.Duration(i)*10*time.Millisecond > s.Changes[0] {
			due++
		}
	}
	if s.Stale < int64(due) || s.Stale == s.Reads && s.Changes[0] > 500*time.Millisecond {
		t.Errorf("cached: %d stale of %d, first change after %s: want at least %d", s.Stale, s.Reads, s.Changes[0], due)
	}
	if least := 590*time.Millisecond - s.Changes[0]; s.Max < least || s.Max > cached.Took+cached.Lag.Max {
		t.Errorf("cached: stale by %s at most, want at least %s, and less than the phase", s.Max, least)
	}
	// The change before a phase is committed before its first read, of a page that is not cached any more.
	for _, mode := range []string{"live", "cached"} {
		if s := cell(t, r, 1, mode, "after").Stale; s.Writes != 1 || s.Reads != 3 || s.Changes[0] > 0 {
			t.Errorf("%s after the change: %+v", mode, s)
		}
	}
}
