package expose

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/otel/signal"
)

// Bounds of how many seconds of phases have series of their own.
const (
	mostSeconds  = 120  // of a mode in a phase
	mostOfAll    = 1500 // of all modes in all phases
	leastSeconds = 20   // of a mode in a phase, however many there are
)

// seconds are curves over the time since a phase began, so that those of modes, which run one after the other, can be laid over each other.
type seconds struct {
	response, recomputes, waited *prometheus.GaugeVec

	most int                      // of a mode in a phase
	step map[string]time.Duration // by phase that is no warm-up
}

func newSeconds(r registrar, p Plan) *seconds {
	labels := []string{signal.LabelMode, signal.LabelPhase, signal.LabelSecond}
	s := &seconds{
		response: r.gauge(signal.LoadPhaseResponse, fmt.Sprintf("Response time of what was due in a second since the phase began, over the rounds. A phase of more than %d seconds, "+
			"or of fewer with many modes, has steps of several seconds, each by its first; where its length is not known, what comes after is left out.", mostSeconds),
			append(labels, signal.LabelQuantile)...),
		recomputes: r.gauge(signal.LoadRecomputes, "Recomputes a round in the herds that began in such a second, by what responses reported: those of the first thousand herds of a cell, "+
			"without refreshes in the background.", labels...),
		waited: r.gauge(signal.LoadWaited, "Requests a round that were due in such a second and waited for a recompute of another, by what responses reported.", labels...),
		step:   map[string]time.Duration{},
	}
	cells := 0
	for _, phase := range p.Phases {
		if !phase.Warmup {
			cells += len(phase.Modes)
		}
	}
	s.most = min(mostSeconds, max(leastSeconds, mostOfAll/max(cells, 1)))
	for _, phase := range p.Phases {
		if !phase.Warmup {
			s.step[phase.Name] = time.Second * time.Duration(max(1, (int(phase.For/time.Second)+s.most-1)/s.most))
		}
	}
	return s
}

// part is the requests that were due in a second of a cell.
type part struct {
	step     int // that the second is in
	response string
}

// show sets the curves of a run's cells.
func (s *seconds) show(run *result.Run) error {
	for phase, step := range s.step {
		for _, mode := range run.Modes {
			cells := slices.DeleteFunc(slices.Clone(run.Cells), func(c result.Cell) bool { return c.Mode != mode.Name || c.Phase != phase })
			if len(cells) == 0 {
				continue
			}
			if err := s.responses(mode.Name, phase, step, cells); err != nil {
				return fmt.Errorf("mode %s, phase %s: %w", mode.Name, phase, err)
			}
			s.herds(mode.Name, phase, step, cells)
			s.waiters(mode.Name, phase, step, cells)
		}
	}
	return nil
}

// responses sets the quantiles of each step.
func (s *seconds) responses(mode, phase string, step time.Duration, cells []result.Cell) error {
	var parts []part
	for _, c := range cells {
		for _, second := range c.Seconds {
			if at := int(time.Duration(second.At) * time.Second / step); at < s.most {
				parts = append(parts, part{at, second.Response})
			}
		}
	}
	slices.SortStableFunc(parts, func(a, b part) int { return cmp.Compare(a.step, b.step) })
	for len(parts) > 0 {
		var these []string
		at := parts[0].step
		for len(parts) > 0 && parts[0].step == at {
			these, parts = append(these, parts[0].response), parts[1:]
		}
		all, err := hist.Merge(these)
		if err != nil {
			return err
		}
		if all.Count() == 0 {
			continue
		}
		for i, d := range all.Quantiles(0.5, 0.95, 0.99) {
			s.response.WithLabelValues(mode, phase, second(at, step), [...]string{"0.5", "0.95", "0.99"}[i]).Set(d.Seconds())
		}
	}
	return nil
}

// herds sets the recomputes of each step, 0 included, if there were any.
func (s *seconds) herds(mode, phase string, step time.Duration, cells []result.Cell) {
	var counts []int64
	for _, c := range cells {
		for _, h := range c.Herds {
			counts = addAt(counts, int(max(h.At, 0)/step), h.Size)
		}
	}
	s.count(s.recomputes, counts, mode, phase, step, cells)
}

// waiters sets the requests of each step that waited, likewise.
func (s *seconds) waiters(mode, phase string, step time.Duration, cells []result.Cell) {
	var counts []int64
	for _, c := range cells {
		for _, one := range c.Seconds {
			if one.Waited > 0 {
				counts = addAt(counts, int(time.Duration(one.At)*time.Second/step), one.Waited)
			}
		}
	}
	s.count(s.waited, counts, mode, phase, step, cells)
}

func addAt(counts []int64, at int, n int64) []int64 {
	for len(counts) <= at {
		counts = append(counts, 0)
	}
	counts[at] += n
	return counts
}

// count sets the mean of the rounds for each step of the longest.
func (s *seconds) count(to *prometheus.GaugeVec, counts []int64, mode, phase string, step time.Duration, cells []result.Cell) {
	if len(counts) == 0 {
		return
	}
	var longest time.Duration
	for _, c := range cells {
		longest = max(longest, c.Took)
	}
	for at := range min(s.most, max(len(counts), int((longest+step-1)/step))) {
		n := int64(0)
		if at < len(counts) {
			n = counts[at]
		}
		to.WithLabelValues(mode, phase, second(at, step)).Set(float64(n) / float64(len(cells)))
	}
}

// second is the label of a step.
func second(at int, step time.Duration) string {
	text := strconv.Itoa(at * int(step/time.Second))
	return "000"[min(len(text), 3):] + text
}
