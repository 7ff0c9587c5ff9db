package resulttest

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"loadlab/app/api"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// Load is what a cell of a fixture did.
type Load struct {
	Mode, Phase   string
	Requests      int
	Took          time.Duration
	Fast, Slow    time.Duration // of a hit and of a recompute
	Herd          time.Duration // of a recompute while a herd runs; 0 is Slow
	SlowShare     float64
	Failed        map[string]int64
	Sql, Redis    int64 // in all
	Recomputes    int64
	Expired, Cold int64
	Cache         map[string]int64
	Stale         *result.Stale
}

// cell makes a cell of a round with latencies that the seed decides.
func (l Load) cell(round int, at time.Duration) result.Cell {
	rng := rand.New(rand.NewPCG(uint64(round), uint64(len(l.Mode)*100+len(l.Phase))))
	c := result.Cell{Round: round, Mode: l.Mode, Phase: l.Phase, Start: at, Took: l.Took}
	var failed int64
	for _, kind := range slices.Sorted(maps.Keys(l.Failed)) {
		failed += l.Failed[kind]
		c.Failures = append(c.Failures, result.Failure{Kind: kind, Count: l.Failed[kind], Example: "the first " + kind, First: l.Took / 4, Last: l.Took / 2})
	}
	c.Ledger = result.Ledger{
		Scheduled: int64(l.Requests), Completed: int64(l.Requests) - failed, Failed: l.Failed, Bytes: int64(l.Requests) * 48_000,
	}
	n := 1 // histograms are dear with the race detector: two seconds stand for many
	if l.Took > time.Second && l.Mode == "ttl" {
		n = 2
	}
	all := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
	for at := range n {
		part := [3]*hist.Histogram{hist.New(), hist.New(), hist.New()}
		for range l.Requests / n {
			service := time.Duration(float64(l.Fast) * (0.7 + 0.6*rng.Float64()))
			if rng.Float64() < l.SlowShare {
				service = time.Duration(float64(l.Slow) * (0.8 + 0.7*rng.Float64()))
			}
			lag := time.Duration(rng.ExpFloat64() * float64(60*time.Microsecond))
			for i, d := range [3]time.Duration{service + lag, service, lag} {
				part[i].Record(d)
				all[i].Record(d)
			}
		}
		c.Seconds = append(c.Seconds, result.Second{
			At: at, Response: encode(part[0]), Service: encode(part[1]), Lag: encode(part[2]),
		})
	}
	c.Response, c.Service, c.Lag = summary(all[0]), summary(all[1]), summary(all[2])
	c.Clamped = all[0].Clamped() + all[1].Clamped() + all[2].Clamped()
	c.Server = result.Server{
		Timed: c.Ledger.Completed, SQL: l.Sql, Redis: l.Redis, Cache: l.Cache,
		Counters: api.Counts{
			api.CountRequests: c.Ledger.Completed, api.CountSQL: l.Sql, api.CountRedis: l.Redis,
			api.CountRecomputes: l.Recomputes, api.CountExpirations: l.Expired, api.CountCold: l.Cold,
		},
	}
	if l.Recomputes > 0 {
		c.Server.MinMiss = l.Slow
		c.Herds = l.herds()
	}
	if l.Stale != nil {
		s := *l.Stale
		c.Stale = &s
	}
	return c
}

// herds are one for each page that expired or was cold.
func (l Load) herds() []result.Herd {
	d := cmp.Or(l.Herd, l.Slow)
	if d == 0 {
		return nil
	}
	var all []result.Herd
	n := l.Expired + l.Cold
	for i := range n {
		all = append(all, result.Herd{At: l.Took * time.Duration(i) / time.Duration(n), First: d, Last: d, Size: l.Recomputes / n})
	}
	return all
}

// Fill runs every load once a round.
func Fill(run *result.Run, rounds int, loads []Load) *result.Run {
	var at time.Duration
	for round := 1; round <= rounds; round++ {
		for _, l := range loads {
			run.Cells = append(run.Cells, l.cell(round, at))
			at += l.Took
		}
	}
	return run
}

func encode(h *hist.Histogram) string {
	s, err := h.Encode()
	if err != nil {
		panic(err)
	}
	return s
}

func summary(h *hist.Histogram) result.Summary {
	return result.Summary{
		Count: h.Count(), Mean: h.Mean(), P50: h.Quantile(.5), P90: h.Quantile(.9), P95: h.Quantile(.95), P99: h.Quantile(.99), Max: h.Max(),
	}
}
