package ab

import (
	"fmt"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// Diagnosis is what one more pair of processes showed after B was found slower, under the same modes as the endpoint that is most so: the statements of
// traced requests, and where the CPU time went while one user after the other asked without a pause.
type Diagnosis struct {
	Mode       string      `json:"mode"`
	Phase      string      `json:"phase"`
	Statements []Statement `json:"statements,omitempty"` // that changed, the greatest growth of time first
	Functions  []Function  `json:"functions,omitempty"`  // whose CPU time grew, the greatest growth first
	Collected  *[2]float64 `json:"collected,omitempty"`  // the share of each arm's CPU time that its garbage collector took, from 0 to 1; nil if unknown
	Missing    string      `json:"missing,omitempty"`    // why something is
}

// isOf reports whether there is a diagnosis, and whether it is of the requests of an endpoint.
func (d *Diagnosis) isOf(e Endpoint) bool { return d != nil && d.Mode == e.Mode && d.Phase == e.Phase }

// ArmTrace is why a trace is kept: of which arm it is.
func ArmTrace(arm int) string { return "arm " + Letter(arm) }

// Statement is a SQL statement, by request of each arm.
type Statement struct {
	Name  string  `json:"name"` // "agents by id"
	Shape string  `json:"shape"`
	A     Average `json:"a"`
	B     Average `json:"b"`
}

// Average is of the traced requests of an arm.
type Average struct {
	Calls float64 `json:"calls"`
	Time  Dur     `json:"time_ns"` // of all calls
}

// Function is a function of the app's program, with the CPU time a request of the stacks that it is on.
type Function struct {
	Name string `json:"name"`
	A    Dur    `json:"a_ns"`
	B    Dur    `json:"b_ns"`
}

// Causes.
const (
	MoreSQL      = "more SQL"
	SlowerSQL    = "slower SQL"
	MoreRedis    = "more Redis commands"
	SlowerRedis  = "slower Redis"
	PoolWait     = "waiting for a connection of the pool"
	GC           = "garbage collection"
	CPU          = "CPU time of the app"
	AppWaits     = "waiting in the app, off the processor"
	Unattributed = "unattributed"
)

// Cause is why an endpoint is slower.
type Cause struct {
	Endpoint string
	Name     string // one of the causes
	Detail   string // a statement, a function; empty if there is none to name
	Change   stats.Interval
	Total    stats.Interval // of the mean service time of the requests, in seconds as Change: what they waited for before they were sent follows from it
	Explains float64        // share of Total
}

// Causes returns why each endpoint is slower that the decision d has found to be. A cause is one whose own interval excludes 0 and which explains half of
// the change or more: a part of the requests' time, or the CPU time of the collector, which makes all parts slower, or of the rest of the app; else it is
// Unattributed. p50 is explained by the requests up to about the p95, p95 and p99 by those above it.
func (t *Test) Causes(d Decision) []Cause {
	var all []Cause
	for m, f := range d.Latency.Findings {
		if f.Slower {
			all = append(all, t.cause(t.Plan.Endpoints[m], d.Latency.Epochs))
		}
	}
	return all
}

// cause is of the first epochs that count.
func (t *Test) cause(e Endpoint, epochs int) Cause {
	c := Cause{Endpoint: e.Name(), Name: Unattributed}
	var a, b spending
	if d := t.Diagnosis; d.isOf(e) && d.Collected != nil {
		a.collected, b.collected = &d.Collected[0], &d.Collected[1]
	}
	for _, epoch := range t.Epochs {
		if len(epoch.Dropped) > 0 || len(a.totals) == epochs {
			continue
		}
		for _, cell := range epoch.Cells {
			if cell.Mode == e.Mode && cell.Phase == e.Phase {
				a.add(cell.A, e.Quantile)
				b.add(cell.B, e.Quantile)
			}
		}
	}
	if a.gaps || b.gaps {
		return c
	}
	parts := []stats.Part{
		{Name: partSQL, Counted: true, A: a.sql, B: b.sql},
		{Name: partRedis, Counted: true, A: a.redis, B: b.redis},
		{Name: partWait, A: a.wait, B: b.wait},
		{Name: partApp, A: a.app, B: b.app},
	}
	whole, err := stats.Attribute(a.totals, b.totals, parts)
	if err != nil {
		return c
	}
	c.Total = whole.Total
	share, ok := whole.Culprit()
	of := c.Total
	if ok {
		c.Name, c.Change, c.Explains = nameOf(share), share.Change, share.Explains
	}
	app := ok && share.Part == partApp
	if app {
		of = share.Change
	}
	switch name, grew, found := a.onProcessor(b, of.Value); {
	case !found:
	case app:
		c.Name = name
	case ok && (share.Kind == stats.More || name != GC):
		// What does more allocates more, and the CPU time of SQLite is the app's.
	case c.Total.Compare(0) > 0:
		// Who allocates helps the collector, and all wait for a processor that it has: its time is in that of SQL as well as in the app's own. So it may be
		// half of none of them, or make all of them slower.
		c.Name, c.Change, c.Explains = name, grew, grew.Value/c.Total.Value
	}
	c.Detail = t.detail(e, c.Name)
	return c
}

const (
	partSQL   = "SQL"
	partRedis = "Redis"
	partWait  = "wait"
	partApp   = "app"
)

func nameOf(s stats.Share) string {
	switch {
	case s.Part == partSQL && s.Kind == stats.More:
		return MoreSQL
	case s.Part == partSQL:
		return SlowerSQL
	case s.Part == partRedis && s.Kind == stats.More:
		return MoreRedis
	case s.Part == partRedis:
		return SlowerRedis
	case s.Part == partWait:
		return PoolWait
	}
	return AppWaits
}

// spending is what the requests of one arm cost, by epoch, in seconds a request.
type spending struct {
	totals, all          []float64 // all is of all requests, whatever their response time
	sql, redis           []stats.Cost
	wait, app            []stats.Cost
	cpu, gc              []float64
	collected            *float64 // the collector's share of the CPU time, as a profile has it; nil if there is none
	gaps, withoutProcess bool
}

func (s *spending) add(side Side, quantile float64) {
	of := side.Body
	if quantile > 0.5 {
		of = side.Tail
	}
	if of == nil || of.Count == 0 || side.Body == nil || side.Tail == nil {
		s.gaps = true
		return
	}
	n := float64(of.Count)
	each := func(calls int64, took time.Duration) stats.Cost {
		if calls == 0 {
			return stats.Cost{}
		}
		return stats.Cost{Calls: float64(calls) / n, Each: took.Seconds() / float64(calls)}
	}
	s.totals = append(s.totals, max(0, (of.Response-of.Lag).Seconds()/n))
	s.all = append(s.all, max(0, (side.Body.Response+side.Tail.Response-side.Body.Lag-side.Tail.Lag).Seconds()/float64(side.Body.Count+side.Tail.Count)))
	s.sql = append(s.sql, each(of.Queries, of.SQL))
	s.redis = append(s.redis, each(of.Commands, of.Redis))
	s.wait = append(s.wait, stats.Cost{Each: of.Wait.Seconds() / n})
	s.app = append(s.app, stats.Cost{Each: max(0, of.App.Seconds()/n)})
	s.withoutProcess = s.withoutProcess || side.CPU == 0
	requests := float64(max(1, side.Requests))
	cpu, gc := side.CPU.Seconds()/requests, side.GC.Seconds()/requests
	if s.collected != nil {
		gc = *s.collected * cpu // the runtime's account has neither sweeping nor write barriers
	}
	s.cpu = append(s.cpu, max(0, cpu-gc))
	s.gc = append(s.gc, gc)
}

// onProcessor returns what the process' accounts of CPU time have that grew by half of a change of the time of a request or more, and by how much. They
// are means of all requests. A request that takes so many times as long as the mean of all is taken to cost as many times the CPU time.
func (s *spending) onProcessor(b spending, change float64) (name string, grew stats.Interval, found bool) {
	all := sum(s.all) + sum(b.all)
	if s.withoutProcess || b.withoutProcess || all == 0 {
		return "", stats.Interval{}, false
	}
	times := (sum(s.totals) + sum(b.totals)) / all
	const half = 0.5
	growth := func(a, b []float64) stats.Interval {
		d := make([]float64, len(a))
		for e := range a {
			d[e] = times * (b[e] - a[e])
		}
		i, err := stats.Walsh(d, stats.Level)
		if err != nil || i.Compare(0) <= 0 {
			return stats.Interval{}
		}
		return i
	}
	gc, cpu := growth(s.gc, b.gc), growth(s.cpu, b.cpu)
	switch {
	case gc.Value >= half*change && gc.Value > cpu.Value:
		return GC, gc, true
	case cpu.Value > 0 && cpu.Value >= half*change:
		return CPU, cpu, true
	}
	return "", stats.Interval{}, false
}

func sum(x []float64) (total float64) {
	for _, v := range x {
		total += v
	}
	return total
}

// detail is what the diagnosis has of a cause.
func (t *Test) detail(e Endpoint, cause string) string {
	d := t.Diagnosis
	if !d.isOf(e) {
		return ""
	}
	switch cause {
	case MoreSQL:
		for _, s := range d.Statements {
			if s.B.Calls > s.A.Calls {
				return fmt.Sprintf("%s, %.3g a request (A: %.3g)", s.Name, s.B.Calls, s.A.Calls)
			}
		}
	case SlowerSQL:
		for _, s := range d.Statements {
			if s.B.Calls > 0 && s.A.Calls > 0 && float64(s.B.Time)/s.B.Calls > float64(s.A.Time)/s.A.Calls {
				return s.Name
			}
		}
	case CPU:
		if len(d.Functions) > 0 {
			return d.Functions[0].Name
		}
	case GC:
		// Which function allocates more is a matter of chance where none does.
		if of := d.Collected; of != nil {
			return fmt.Sprintf("%s of the CPU time (A: %s)", unit.Percent(of[1]), unit.Percent(of[0]))
		}
	}
	return ""
}

// Halves splits what requests spent by their response times: up to the size that has the p95 in it, and from there on. Where requests are so alike that
// the median is of the p95's size too, that size is of both. Both are nil of no requests.
func Halves(spent []result.Bucket) (body, tail *result.Bucket) {
	const tailFrom = 0.95
	var all, below int64
	for _, b := range spent {
		all += b.Count
	}
	if all == 0 {
		return nil, nil
	}
	body, tail = &result.Bucket{}, &result.Bucket{}
	for _, b := range spent {
		median := 2*below < all && all <= 2*(below+b.Count)
		below += b.Count
		late := float64(below) > tailFrom*float64(all)
		if median || !late {
			body.Add(b)
		}
		if late {
			tail.Add(b)
		}
	}
	body.Over, tail.Over = 0, 0
	return body, tail
}
