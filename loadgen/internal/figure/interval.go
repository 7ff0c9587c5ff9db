package figure

import (
	"fmt"
	"math"
	"time"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// Interval is what a figure of one round is, by all rounds of a run; of a run of one round, what it is in one block of its time. Value is the middle
// of the rounds or blocks, and Low and High are the interval that has the true middle in 95% of such runs. It is not of the figure that
// Figures.Value returns, which is of all requests together: a p99 of those is made by the worst rounds, and no interval of a few rounds has
// it (see package stats).
type Interval struct {
	stats.Interval
	Blocks int           // 0 where it is of rounds
	Block  time.Duration // the length of each

	ratio stats.Ratio // of rounds of what is positive
}

// MoreFor returns about how many more rounds would decide on which side of bound the middle is: see stats.Ratio. It reports false for blocks and
// shares.
func (i Interval) MoreFor(bound float64) (rounds int, ok bool) {
	if i.ratio.N == 0 {
		return 0, false
	}
	return i.ratio.MoreFor(bound)
}

// Over renders what the interval is of: "3 rounds", "40 blocks of 2s".
func (i Interval) Over() string {
	if i.Blocks > 0 {
		return fmt.Sprintf("%s of %s", unit.Counted(int64(i.Blocks), "block"), i.Block)
	}
	return unit.Counted(int64(i.N), "round")
}

// Interval returns the interval of the figure from its values by round. It reports false if there is none: of one round; of a figure that is exact,
// as counts are; and of the greatest of something, which is greater the more rounds there are.
func (f Figure) Interval(byRound []float64) (Interval, bool) {
	x := make([][]float64, len(byRound))
	for i, v := range byRound {
		x[i] = []float64{v}
	}
	var i Interval
	var err error
	switch {
	case f.greatest || !f.share && !f.Noisy():
		return Interval{}, false
	case f.share:
		if i.Interval, err = stats.Rounds(x, stats.Level); err == nil && i.Bounded() {
			i.Low, i.High = max(i.Low, 0), min(i.High, 1)
		}
	default:
		i.ratio, err = stats.Positive(x, stats.Level)
		i.Interval = i.ratio.Interval
	}
	return i, err == nil && i.Bounded()
}

// Interval returns the interval of one figure of one mode in one phase; an empty mode or phase is the sum over all that is not warm-up. It
// reports false if there is none: see Figure.Interval. Rounds in which the mode had no request do not count. There is none either if another
// has no such figure, or one that is marked: a round that is left out because it was slow makes the others look better.
func (f *Figures) Interval(name, mode, phase string) (Interval, bool) {
	x, ok := Named(name)
	if !ok || f.Total(mode, phase) == nil {
		return Interval{}, false
	}
	rounds, err := f.Rounds()
	if err != nil {
		return Interval{}, false
	}
	var values []float64
	for _, r := range rounds {
		t := r.Total(mode, phase)
		if t == nil {
			continue
		}
		v, err := x.Of(t)
		if err != nil {
			return Interval{}, false
		}
		values = append(values, v)
	}
	if len(values) == 1 {
		return f.byBlock(x, mode, phase)
	}
	return x.Interval(values)
}

// Blocks of the time of one round: so many, and none shorter. By simulation (package stats) an interval of 40 blocks of 2 s holds its level on
// machines whose noise lasts for seconds, and one of 20 does not.
const (
	blocks     = 40
	leastBlock = 2 // seconds
)

// byBlock is the interval of a percentile from blocks of the time of one cell: run.json has response, service and lag by second, and nothing else.
// A load that varies, and one with a fault, is not the same in all of its blocks.
func (f *Figures) byBlock(x Figure, mode, phase string) (Interval, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	k := key{mode, phase}
	all, ok := f.blocks[k]
	if !ok {
		all = f.allByBlock(mode, phase)
		f.blocks[k] = all
	}
	i, ok := all[x.Name]
	return i, ok
}

// allByBlock are the intervals of all percentiles, by their names: to read the histograms takes longer than all of them together.
func (f *Figures) allByBlock(mode, phase string) map[string]Interval {
	c, ok := f.only(mode, phase)
	length := 0
	if ok {
		length = int(c.Took/time.Second) / blocks
	}
	if length < leastBlock {
		return nil
	}
	parts := make([]*Total, blocks)
	for i := range parts {
		parts[i] = &Total{Response: hist.New(), Service: hist.New(), Lag: hist.New(), Clamped: c.Clamped}
	}
	for _, s := range c.Seconds {
		if i := s.At / length; i >= 0 && i < blocks {
			if err := parts[i].addSecond(s); err != nil {
				return nil
			}
		}
	}
	all := map[string]Interval{}
	for _, x := range Table() {
		if x.quantile == 0 {
			continue
		}
		if i, ok := ofBlocks(x, parts); ok {
			i.Block = time.Duration(length) * time.Second
			all[x.Name] = i
		}
	}
	return all
}

// ofBlocks is the interval of a percentile from those of blocks.
func ofBlocks(x Figure, parts []*Total) (Interval, bool) {
	logs := make([]float64, len(parts))
	for i, t := range parts {
		v, err := x.Of(t)
		if err != nil || v <= 0 {
			return Interval{}, false
		}
		logs[i] = math.Log(v)
	}
	of, err := stats.Batches(logs, stats.Level)
	return Interval{Interval: of.Exp(), Blocks: len(parts)}, err == nil && of.Bounded()
}

// only is the one cell of a mode in a phase, if it is one and its load was the same from begin to end.
func (f *Figures) only(mode, phase string) (*result.Cell, bool) {
	var found *result.Cell
	for i := range f.Run.Cells {
		c := &f.Run.Cells[i]
		if f.warmup[c.Phase] || mode != "" && c.Mode != mode || phase != "" && c.Phase != phase {
			continue
		}
		if found != nil {
			return nil, false
		}
		found = c
	}
	if found == nil || len(found.Faults) > 0 {
		return nil, false
	}
	for _, p := range f.Run.Phases {
		if p.Name == found.Phase && p.Varies {
			return nil, false
		}
	}
	return found, true
}
