package page

import (
	"math"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
)

// points are figures by second, of the requests that were due in it. All slices are as long as At.
type points struct {
	At   []int   `json:"at"` // seconds since the phase began
	N    []int64 `json:"n"`  // response times
	P50  []int64 `json:"p50"`
	P95  []int64 `json:"p95"`
	P99  []int64 `json:"p99"`
	Max  []int64 `json:"max"`
	LagN []int64 `json:"lagN"`
	Lag  []int64 `json:"lag"` // p99 of the send lag
	// Counts by second; nil of runs that have none.
	Scheduled  []int64 `json:"scheduled,omitempty"`
	Failed     []int64 `json:"failed,omitempty"`
	Done       []int64 `json:"done,omitempty"`
	Recomputes []int64 `json:"recomputes,omitempty"`
	Waited     []int64 `json:"waited,omitempty"`
	Wait       []int64 `json:"wait,omitempty"` // for the pool, in all
	// Heat are the numbers of response times by bucket: the first bucket, and then the numbers from there on.
	Heat [][]int64 `json:"heat,omitempty"`
}

// bucketOf is the bucket of the heat map that a time is in.
func bucketOf(d time.Duration) int {
	return int(math.Floor(hist.HeatDecade * math.Log10(max(float64(d/time.Microsecond), 1))))
}

// second is one second of a mode in a phase, over all rounds.
type second struct {
	response, lag *hist.Histogram
	counts        result.SecondCounts
}

// set makes it the sum of the parts.
func (s *second) set(parts []result.Second) error {
	s.response.Reset()
	s.lag.Reset()
	s.counts = result.SecondCounts{}
	for _, part := range parts {
		s.counts.Add(part.SecondCounts)
		for _, h := range []struct {
			to   *hist.Histogram
			from string
		}{{s.response, part.Response}, {s.lag, part.Lag}} {
			from, err := hist.Decode(h.from)
			if err != nil {
				return err
			}
			if err := h.to.Add(from); err != nil {
				return err
			}
		}
	}
	return nil
}

// add appends a second.
func (p *points) add(at int, s *second, counted bool) {
	q := s.response.Quantiles(0.50, 0.95, 0.99)
	p.At, p.N = append(p.At, at), append(p.N, s.response.Count())
	p.P50, p.P95, p.P99 = append(p.P50, micros(q[0])), append(p.P95, micros(q[1])), append(p.P99, micros(q[2]))
	p.Max = append(p.Max, micros(s.response.Max()))
	p.LagN, p.Lag = append(p.LagN, s.lag.Count()), append(p.Lag, micros(s.lag.Quantile(0.99)))
	p.Heat = append(p.Heat, heat(s.response))
	if counted {
		n := s.counts
		p.Scheduled, p.Failed, p.Done = append(p.Scheduled, n.Scheduled), append(p.Failed, n.Failed), append(p.Done, n.Done)
		p.Recomputes, p.Waited, p.Wait = append(p.Recomputes, n.Recomputes), append(p.Waited, n.Waited), append(p.Wait, micros(n.Wait))
	}
}

// heat is a row of the heat map.
func heat(h *hist.Histogram) []int64 {
	var row hist.HeatRow
	h.Each(func(d time.Duration, n int64) { row.Add(int64(bucketOf(d)), n) })
	return row
}
