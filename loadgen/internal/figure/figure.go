// Package figure is the one table of the figures that a run has: their names, units, documentation, the columns they are shown in, and how
// each is taken from the cells of a run. Gates ask for figures by name, tables and CSV list them, legends explain them: to add a figure is
// to add a line to Table.
//
// It knows run.json (package result) and nothing of how figures are rendered or judged.
package figure

import (
	"fmt"
	"slices"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/unit"
)

// Units of a figure's value.
const (
	Number       = ""
	Milliseconds = "ms"
	PerSecond    = "/s"
	Bytes        = "B"
)

// Figure is one line of the table.
type Figure struct {
	Name   string // as gates and CSV have it
	Unit   string // Number, Milliseconds, PerSecond or Bytes
	Doc    string // one line
	Column Column // where the table of modes shows it; the zero value is nowhere

	of        func(t *Total) (value float64, ok bool) // ok is false if there is nothing to take it of
	quantile  float64                                 // from 0 to 1, of a figure that is a quantile of a distribution
	over      func(t *Total) *hist.Histogram          // the distribution
	greatest  bool                                    // it is the greatest of something, so that more rounds make it greater
	predicted bool                                    // it is what a law says of the whole run
	share     bool                                    // it is from 0 to 1, and different each time it is measured
}

// Column is a column of the table of modes.
type Column struct {
	Place        int    // columns stand in this order; 0 is no column
	Above, Title string // the title, in one or two lines
	Format       func(float64) string
	Part         Part   // which table it is in where one is too wide
	Legend       string // explains the column to a first-time reader; empty if the title is enough
	Counted      bool   // background work is included where the app's counters could be read; the legend mentions it
	Optional     bool   // left out where no mode has a value
	Alarm        bool   // any value above 0 is bad
	Spare        bool   // left out where a page is too narrow
	Brief        bool   // a short report has it too
}

// Part is which of three tables a column is in where a page is too narrow for one: times, what requests cost in queries and recomputes, and
// what they use of processors, wires and memory.
type Part int

// Parts.
const (
	InLatency Part = 1 << iota
	InCost
	InUse
	InAll = InLatency | InCost | InUse
)

// Table returns all figures: p50, p90, p95, p99, mean and max of the response time, the same of the service time (service_p50, ...) and of
// the send lag (lag_p50, ...), and then the others.
func Table() []Figure {
	return append(append(append(distributions(), transfers()...),
		Figure{Name: "rate", Unit: PerSecond, Doc: "completed requests a second", of: (*Total).rate,
			Column: Column{Brief: true, Place: 30, Title: "req/s", Format: unit.Digits, Part: InLatency, Spare: true}},
		Figure{Name: "requests", Doc: "scheduled requests", of: func(t *Total) (float64, bool) { return float64(t.Ledger.Scheduled), true },
			Column: Column{Place: 10, Title: "requests", Format: unit.Amount, Part: InCost}},
		Figure{Name: "completed", Doc: "completed requests", of: func(t *Total) (float64, bool) { return float64(t.Ledger.Completed), true }},
		Figure{Name: "errors", Doc: "requests that failed in any way, or were never sent", of: func(t *Total) (float64, bool) { return float64(t.Ledger.Errors()), true },
			Column: Column{Brief: true, Place: 20, Title: "errors", Format: unit.Amount, Part: InLatency, Alarm: true}},
		Figure{Name: "error_ratio", Doc: "errors over requests, from 0 to 1", of: func(t *Total) (float64, bool) { return Ratio(t.Ledger.Errors(), t.Ledger.Scheduled) }},
		Figure{Name: "sql", Doc: "SQL queries per request", of: (*Total).sql,
			Column: Column{Brief: true, Place: 90, Above: "SQL", Title: "/req", Format: unit.Amount, Part: InCost, Optional: true, Counted: true,
				Legend: "SQL and Redis: queries and commands per request"}},
		Figure{Name: "redis", Doc: "Redis commands per request", of: (*Total).redis,
			Column: Column{Place: 100, Above: "Redis", Title: "/req", Format: unit.Amount, Part: InCost, Optional: true}},
		Figure{Name: "not_modified", Doc: "responses without a body, as the copy that the user has is current (304), from 0 to 1; of modes that are conditional", of: (*Total).notModified, share: true,
			Column: Column{Brief: true, Place: 115, Above: "not", Title: "modified", Format: unit.Percent, Part: InCost, Optional: true,
				Legend: "not modified: the user's copy was current (304)"}},
		Figure{Name: "saved_bytes", Unit: Bytes, Doc: "bytes of bodies that a 304 spared per completed request: the length of what it stood for; of modes that are conditional", of: (*Total).saved,
			Column: Column{Place: 128, Above: "saved", Title: "/req", Format: unit.Bytes, Part: InUse, Optional: true,
				Legend: "saved: bytes of bodies that a 304 spared per request"}},
		Figure{Name: "redis_bytes", Unit: Bytes, Doc: "bytes from Redis per request, by its own account", of: (*Total).redisBytes,
			Column: Column{Place: 130, Above: "from", Title: "Redis", Format: unit.Bytes, Part: InUse, Optional: true,
				Legend: "from Redis: what it sent per request"}},
		Figure{Name: "page_memory", Unit: Bytes, Doc: "memory that a cached page takes in Redis, all overhead included: the mean of a sample", of: (*Total).pageMemory,
			Column: Column{Place: 135, Above: "page in", Title: "Redis", Format: unit.Bytes, Part: InUse, Optional: true,
				Legend: "page in Redis: the memory that a cached page takes there, overhead included"}},
		Figure{Name: "cpu", Unit: Milliseconds, Doc: "the app's CPU time per request, by the operating system's account, background work included", of: (*Total).appCPU,
			Column: Column{Place: 140, Above: "CPU µs", Title: "app", Format: inMicros, Part: InUse, Optional: true,
				Legend: "CPU: µs of CPU time per request, of all processes of the app, the database and Redis; SQLite runs inside the app"}},
		Figure{Name: "db_cpu", Unit: Milliseconds, Doc: "the database's CPU time per request, of all its processes", of: (*Total).databaseCPU,
			Column: Column{Place: 145, Above: "CPU µs", Title: "db", Format: inMicros, Part: InUse, Optional: true}},
		Figure{Name: "redis_cpu", Unit: Milliseconds, Doc: "Redis' CPU time per request", of: (*Total).redisCPU,
			Column: Column{Place: 150, Above: "CPU µs", Title: "Redis", Format: inMicros, Part: InUse, Optional: true}},
		Figure{Name: "cores", Doc: "processors that app, database and Redis used together: CPU seconds a second", of: (*Total).cores},
		Figure{Name: "per_core", Unit: PerSecond, Doc: "completed requests a second for each of these processors", of: (*Total).perCore},
		Figure{Name: "recomputes", Doc: "pages recomputed in a round: the mean over the rounds", of: (*Total).recomputes,
			Column: Column{Brief: true, Place: 120, Above: "recomputes", Title: "/round", Format: unit.Amount, Part: InCost, Optional: true,
				Legend: "recomputes: how often a page was computed anew in a round"}},
		Figure{Name: "peak_recomputes", Doc: "the most pages that were recomputed by the requests of one second, of a mode that asks for many pages; refreshes in the background are in none",
			of: (*Total).peakRecomputes,
			Column: Column{Place: 122, Above: "most in", Title: "1 s", Format: unit.Amount, Part: InCost, Optional: true,
				Legend: "most in 1 s: of the recomputes, those of the second in which most were asked for"}},
		Figure{Name: "recomputes_per_expiry", Doc: "recomputes over the pages that were found expired", of: (*Total).perExpiry},
		Figure{Name: "hit_ratio", Doc: "responses served from the cache, from 0 to 1", of: (*Total).hits, share: true,
			Column: Column{Brief: true, Place: 110, Above: "hit", Title: "ratio", Format: unit.Percent, Part: InCost, Optional: true,
				Legend: "hit ratio: answered from the cache, stale pages included"}},
		Figure{Name: "predicted_hit_ratio", Doc: "what the law of the mode's strategy predicts for hit_ratio in a phase", of: (*Total).predictedHits, predicted: true},
		Figure{Name: "evictions", Doc: "keys that Redis evicted in a round to keep within its maxmemory: the mean over the rounds", of: (*Total).evictions,
			Column: Column{Place: 125, Above: "evictions", Title: "/round", Format: unit.Amount, Part: InCost, Optional: true,
				Legend: "evictions: keys that Redis dropped in a round to keep within its memory"}},
	), troubles()...)
}

// troubles returns the figures of old pages and of faults.
func troubles() []Figure {
	return []Figure{
		{Name: "stale_max", Unit: Milliseconds, Doc: "longest time after a change was committed that a read was sent and still got the version before it",
			of: (*Total).stalest, greatest: true,
			Column: Column{Brief: true, Place: 112, Above: "stalest", Title: "read", Format: inMillis, Part: InCost, Optional: true,
				Legend: "stalest read: the longest that a page was still served after a price change"}},
		{Name: "predicted_stale_max", Unit: Milliseconds, Doc: "the bound of the law of the mode's strategy for stale_max in a phase", of: (*Total).predictedStalest, predicted: true},
		{Name: "degraded", Doc: "responses while a fault lasted that say that the app ran without its cache", of: (*Total).degraded},
		{Name: "detect", Unit: Milliseconds, Doc: "longest time from the begin of a fault until the first request that shows it had ended", of: (*Total).detect, greatest: true},
		{Name: "degrade", Unit: Milliseconds, Doc: "longest time from the begin of a fault until requests stopped to fail or be slow, while it went on", of: (*Total).degrade, greatest: true},
		{Name: "recover", Unit: Milliseconds, Doc: "longest time from the end of a fault until requests were as before it", of: (*Total).recover, greatest: true},
		{Name: "attempts", Unit: PerSecond, Doc: "calls a second that the app made to a server while it was down", of: (*Total).attempts},
		{Name: "stale_ratio", Doc: "reads that got an old version, from 0 to 1", of: (*Total).stale, share: true},
	}
}

// transfers returns the figures of what came and went.
func transfers() []Figure {
	return []Figure{
		{Name: "bytes_in", Unit: Bytes, Doc: "bytes of responses' bodies that came in a second", of: (*Total).bytesIn},
		{Name: "bytes_out", Unit: Bytes, Doc: "bytes of requests' bodies that went out a second", of: (*Total).bytesOut},
	}
}

// distributions returns the figures of the three clocks.
func distributions() []Figure {
	var all []Figure
	for _, clock := range []struct {
		prefix, doc string
		of          func(*Total) *hist.Histogram
	}{
		{"", "response time, from when a request was due to when it was done", func(t *Total) *hist.Histogram { return t.Response }},
		{"service_", "service time, from when a request was sent to when it was done", func(t *Total) *hist.Histogram { return t.Service }},
		{"lag_", "send lag, from when a request was due to when it was sent", func(t *Total) *hist.Histogram { return t.Lag }},
	} {
		for _, s := range statistics() {
			f := Figure{Name: clock.prefix + s.name, Unit: Milliseconds, Doc: s.doc + clock.doc, quantile: s.quantile, over: clock.of, greatest: s.greatest,
				of: func(t *Total) (float64, bool) {
					h := clock.of(t)
					return Millis(s.of(h)), h.Count() > 0
				}}
			if clock.prefix == "" && s.place > 0 {
				f.Column = Column{Place: s.place, Title: s.name, Format: inMillis, Part: InLatency, Spare: s.name == "max", Brief: s.name != "max"}
			}
			all = append(all, f)
		}
	}
	return all
}

// statistic is one number of a distribution.
type statistic struct {
	name, doc string
	quantile  float64
	place     int
	greatest  bool
	of        func(*hist.Histogram) time.Duration
}

func statistics() []statistic {
	quantile := func(name, doc string, q float64, place int) statistic {
		return statistic{name, doc, q, place, false, func(h *hist.Histogram) time.Duration { return h.Quantile(q) }}
	}
	return []statistic{
		quantile("p50", "median of the ", 0.50, 40),
		quantile("p90", "90th percentile of the ", 0.90, 0),
		quantile("p95", "95th percentile of the ", 0.95, 50),
		quantile("p99", "99th percentile of the ", 0.99, 60),
		{"mean", "mean ", 0, 0, false, (*hist.Histogram).Mean},
		{"max", "greatest ", 0, 70, true, (*hist.Histogram).Max},
	}
}

// Named returns the figure of that name, which may be one of OfErrors, and whether there is one.
func Named(name string) (Figure, bool) {
	if f, ok := ofErrors(name); ok {
		return f, true
	}
	all := Table()
	i := slices.IndexFunc(all, func(f Figure) bool { return f.Name == name })
	if i < 0 {
		return Figure{}, false
	}
	return all[i], true
}

// Names returns the names of all figures, in the order of the table.
func Names() []string {
	var names []string
	for _, f := range Table() {
		names = append(names, f.Name)
	}
	return names
}

// Millis is d in milliseconds, the unit of figures that are times.
func Millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// Duration is the inverse of Millis: x milliseconds as a duration.
func Duration(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }

// inMillis renders milliseconds as a latency.
func inMillis(x float64) string { return unit.Latency(Duration(x)) }

// inMicros renders milliseconds as microseconds, without the unit.
func inMicros(x float64) string { return unit.Digits(1000 * x) }

// Samples returns how many samples the figure takes: see hist.Samples. It is 1 for what is no quantile.
func (f Figure) Samples() int64 {
	if f.quantile == 0 {
		return 1
	}
	return hist.Samples(f.quantile)
}

// Beyond is the share of the requests that a percentile leaves out: 0.01 for p99.
func (f Figure) Beyond() float64 { return 1 - f.quantile }

// OfTimes reports whether the figure is of the distribution of a clock: a quantile, the mean or the greatest.
func (f Figure) OfTimes() bool { return f.over != nil }

// few returns why the total has too few samples for the figure, or nil.
func (f Figure) few(t *Total) error {
	if f.quantile == 0 {
		return nil
	}
	if n := f.over(t).Count(); n < f.Samples() {
		return fmt.Errorf("%w: %s takes %d, there %s", ErrTooFewSamples, f.Name, f.Samples(), were(n))
	}
	return nil
}

func were(n int64) string {
	if n == 1 {
		return "was 1"
	}
	return fmt.Sprintf("were %d", n)
}

// atBound reports whether the figure is the greatest time that a histogram can hold, so that the true one may be greater.
func (f Figure) atBound(t *Total, value float64) bool {
	return f.over != nil && t.Clamped > 0 && value >= Millis(hist.Highest)
}
