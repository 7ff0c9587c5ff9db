package figure

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Total is the sum of cells: a mode in a phase over its rounds, or any sum of such. The distributions are merged, so that their
// quantiles are those of all requests together.
type Total struct {
	Took   time.Duration // of load; modes that shared a phase shared its time
	Ledger result.Ledger
	Server result.Server // its Counters are the sums over the cells that have them: see Counters
	Stale  result.Stale  // Changes is not summed up

	Response, Service, Lag *hist.Histogram

	Statuses map[int]int64    // responses by status code
	Failures []result.Failure // since the run's start
	Clamped  int64            // times beyond the histograms' bound
	Faults   []result.Fault   // of the cells
	Herds    []result.Herd    // of the cells, one after the other; cut off where the load of their cell ended
	Replicas []*Replica       // that the requests were spread over; empty with one
	Asked    result.Revalidation

	peak     int64 // of recomputes in a second, in the cell that had the most
	rounds   map[int]bool
	exact    bool // every cell has Counters
	observed bool // some cell looked for staleness
	spent    map[time.Duration]result.Bucket
	cost     cost

	predicted map[string]float64 // of a mode in a phase, by the figure of package result, as far as it is known
}

func newTotal(run *result.Run) *Total {
	return &Total{
		Ledger:   result.Ledger{Failed: map[string]int64{}},
		Server:   result.Server{Cache: map[string]int64{}, Counters: api.Counts{}},
		Response: hist.New(), Service: hist.New(), Lag: hist.New(),
		Statuses:  map[int]int64{},
		rounds:    map[int]bool{},
		exact:     true,
		predicted: map[string]float64{},
		spent:     map[time.Duration]result.Bucket{},
		cost:      cost{inApp: api.DatabaseInApp(run.Stack.Database)},
	}
}

// addCell adds what one cell measured.
func (t *Total) addCell(c *result.Cell) error {
	for _, s := range c.Seconds {
		if err := t.addSecond(s); err != nil {
			return fmt.Errorf("mode %s, phase %s, round %d: %w", c.Mode, c.Phase, c.Round, err)
		}
	}
	t.rounds[c.Round] = true
	t.Took += c.Took
	t.peak = max(t.peak, c.Peak)
	t.Ledger.Add(c.Ledger)
	t.Server.Add(c.Server)
	t.exact = t.exact && c.Server.Counters != nil
	t.cost.addCell(c)
	t.addStatuses(c.Statuses)
	t.Failures = result.AddFailures(t.Failures, c.Failures, c.Start)
	t.Clamped += c.Clamped
	t.Faults = append(t.Faults, c.Faults...)
	for _, b := range c.Spent {
		t.addSpent(b)
	}
	for _, h := range c.Herds {
		h.First = max(min(h.First, c.Took-h.At), 0) // nobody came after that
		t.Herds = append(t.Herds, h)
	}
	if c.Stale != nil {
		t.observed = true
		t.Stale.Add(*c.Stale)
	}
	if c.Revalidation != nil {
		t.Asked.Add(*c.Revalidation)
	}
	return t.addReplicas(c.Replicas)
}

// addSecond adds the distributions of one second.
func (t *Total) addSecond(s result.Second) error {
	return errors.Join(merge(t.Response, s.Response), merge(t.Service, s.Service), merge(t.Lag, s.Lag))
}

// merge adds an encoded histogram to sum.
func merge(sum *hist.Histogram, encoded string) error {
	if encoded == "" {
		return nil
	}
	h, err := hist.Decode(encoded)
	if err != nil {
		return err
	}
	return sum.Add(h)
}

// add adds another total, except for its time: whether that adds up is known to the caller alone.
func (t *Total) add(o *Total) error {
	maps.Copy(t.rounds, o.rounds)
	t.peak = max(t.peak, o.peak)
	t.Ledger.Add(o.Ledger)
	t.Server.Add(o.Server)
	t.exact = t.exact && o.exact
	t.cost.add(o.cost)
	t.observed = t.observed || o.observed
	t.Stale.Add(o.Stale)
	t.Asked.Add(o.Asked)
	t.addStatuses(o.Statuses)
	t.Failures = result.AddFailures(t.Failures, o.Failures, 0)
	t.Clamped += o.Clamped
	t.Faults = append(t.Faults, o.Faults...)
	for _, b := range o.spent {
		t.addSpent(b)
	}
	t.Herds = append(t.Herds, o.Herds...)
	return errors.Join(t.sumReplicas(o.Replicas), t.Response.Add(o.Response), t.Service.Add(o.Service), t.Lag.Add(o.Lag))
}

func (t *Total) addStatuses(more map[int]int64) {
	for status, n := range more {
		t.Statuses[status] += n
	}
}

func (t *Total) addSpent(b result.Bucket) {
	sum := t.spent[b.Over]
	sum.Add(b)
	t.spent[b.Over] = sum
}

// Rounds is how many rounds the total is over.
func (t *Total) Rounds() int { return len(t.rounds) }

// Counters returns the app's exact counters, or nil if a cell lacks them: a sum with a gap would pass for one without.
func (t *Total) Counters() api.Counts {
	if !t.exact || len(t.rounds) == 0 {
		return nil
	}
	return t.Server.Counters
}

// Staleness returns what readers saw of staleness, and whether there is any to report: without price changes and versions nothing can be
// found stale.
func (t *Total) Staleness() (result.Stale, bool) {
	return t.Stale, t.observed && t.Stale.Writes > 0 && t.Stale.Reads > 0
}

// SpentAt returns the bucket of the requests at the quantile q: what those with about that response time spent it on. It reports false
// if no response carried Server-Timing.
func (t *Total) SpentAt(q float64) (result.Bucket, bool) {
	var all int64
	for _, b := range t.spent {
		all += b.Count
	}
	if all == 0 {
		return result.Bucket{}, false
	}
	rank := int64(q*float64(all) + 0.5)
	for _, over := range slices.Sorted(maps.Keys(t.spent)) {
		b := t.spent[over]
		if rank -= b.Count; rank <= 0 {
			return b, true
		}
	}
	return result.Bucket{}, false
}

// SpentAll is the sum of the buckets. It reports false if there are none.
func (t *Total) SpentAll() (result.Bucket, bool) {
	var sum result.Bucket
	for _, b := range t.spent {
		sum.Add(b)
	}
	return sum, sum.Count > 0
}

// Ratio is a / b, and whether there is one.
func Ratio(a, b int64) (float64, bool) {
	if b <= 0 {
		return 0, false
	}
	return float64(a) / float64(b), true
}
