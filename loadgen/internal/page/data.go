package page

import (
	"maps"
	"math"
	"slices"
	"time"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
)

// data is what the scripts of the page draw. Times are in microseconds, as histograms have them; modes and phases are numbers of the lists.
type data struct {
	Runs []runData `json:"runs"`
	AB   *abData   `json:"ab,omitempty"`
	Live *liveData `json:"live,omitempty"`
}

// runData is one run.
type runData struct {
	Label   string       `json:"label,omitempty"` // A, B; empty if there is but one
	ID      string       `json:"id"`
	Rounds  int          `json:"rounds"`
	Width   int          `json:"width"` // seconds that one point stands for
	Modes   []modeData   `json:"modes"`
	Phases  []phaseData  `json:"phases"` // without warm-up
	Cells   []cellData   `json:"cells"`
	Drivers []driverData `json:"drivers,omitempty"`
	Traces  []traceData  `json:"traces,omitempty"`
	// NoTraces is how many traces there is no room for; run.json has them.
	NoTraces int `json:"noTraces,omitempty"`
}

type modeData struct {
	Name  string    `json:"name"`
	Color string    `json:"color"`
	Dash  []float64 `json:"dash,omitempty"`
	// Steps is whether it is a session: its entries are not requests.
	Steps bool `json:"steps,omitempty"`
}

type phaseData struct {
	Name   string  `json:"name"`
	Load   string  `json:"load"`
	Rate   float64 `json:"rate,omitempty"` // requests a second of an open phase whose rate does not change, of all modes that share it
	Mix    bool    `json:"mix,omitempty"`
	Length int     `json:"length"` // seconds of the longest of its cells
}

// cellData is one mode in one phase, over all rounds.
type cellData struct {
	Mode   int   `json:"mode"`
	Phase  int   `json:"phase"`
	Rounds int   `json:"rounds"`
	Took   int64 `json:"took"` // in all rounds

	phase string // its name in run.json

	points
	Quantiles [][2]float64          `json:"quantiles,omitempty"` // share and time
	Intervals map[string][3]float64 `json:"intervals,omitempty"` // of p50, p95 and p99: middle, low and high
	Ratios    map[string][3]float64 `json:"ratios,omitempty"`    // the same to the first mode, or of runs that are compared to the same of the first run
	Expiries  []int64               `json:"expiries,omitempty"`  // when a page was found missing or too old, since the phase began, in all rounds
	Faults    []bandData            `json:"faults,omitempty"`
	Laws      []lawData             `json:"laws,omitempty"`
	Stale     *staleData            `json:"stale,omitempty"`
}

// bandData is a fault of one mode in one round.
type bandData struct {
	Text string `json:"text"`
	From int64  `json:"from"` // since the phase began
	To   int64  `json:"to"`
}

// driverData is what the generator was like in one phase.
type driverData struct {
	Round   int       `json:"round"`
	Mode    string    `json:"mode"`
	Phase   int       `json:"phase"`
	Offered int64     `json:"offered"`
	Sent    int64     `json:"sent"`
	InTime  int64     `json:"inTime"`
	Took    int64     `json:"took"`
	CPU     float64   `json:"cpu"`
	CPUs    []float64 `json:"cpus,omitempty"` // by second
	Release int64     `json:"release"`        // p99
}

// newRunData takes what is drawn out of a run.
func newRunData(r *report.Report, label string) (runData, error) {
	run := r.Run
	d := runData{Label: label, ID: tty.Clean(run.ID), Rounds: run.Scenario.Rounds, Modes: modesOf(run), Phases: []phaseData{}, Cells: []cellData{}}
	d.Width = widthOf(run)
	for _, p := range run.Phases {
		of := phaseData{Name: tty.Clean(p.Name), Load: tty.Clean(p.Load), Mix: p.Mix, Length: 1}
		if !p.Varies {
			of.Rate = p.Rate
		}
		n := len(d.Cells)
		for i, m := range run.Modes {
			cells := cellsOf(run, m.Name, p)
			if len(cells) == 0 {
				continue
			}
			c, err := newCell(cells, d.Width)
			if err != nil {
				return d, err
			}
			c.Mode, c.Phase, c.phase = i, len(d.Phases), p.Name
			c.Intervals = intervalsOf(r, m.Name, p.Name)
			c.Ratios = ratiosOf(r, m.Name, p.Name)
			c.Laws, c.Stale = lawsOf(r, m.Name, p.Name), staleOf(r, m.Name, p.Name)
			of.Length = max(of.Length, c.seconds(d.Width))
			d.Cells = append(d.Cells, c)
		}
		if len(d.Cells) == n {
			continue
		}
		d.addDrivers(run, p.Name)
		d.Phases = append(d.Phases, of)
	}
	d.tracesOf(run)
	return d, nil
}

// modesOf are the modes of a run, and how each is drawn.
func modesOf(run *result.Run) []modeData {
	names, all := modeNames(run), []modeData{}
	for i, style := range palette.Of(names) {
		all = append(all, modeData{Name: tty.Clean(names[i]), Color: style.Color, Dash: style.Dash.Pattern(), Steps: run.Modes[i].Steps > 0})
	}
	return all
}

// cellsOf are the cells of a mode in a phase in which it did anything; none of a warm-up.
func cellsOf(run *result.Run, mode string, p result.PhaseInfo) []*result.Cell {
	var cells []*result.Cell
	for i := range run.Cells {
		if c := &run.Cells[i]; c.Mode == mode && c.Phase == p.Name && !p.Warmup && c.Ledger.Scheduled > 0 {
			cells = append(cells, c)
		}
	}
	return cells
}

// maxPoints is how many points a line has at most: more than that no screen has room for.
const maxPoints = 1200

// widthOf is how many seconds are joined to one point.
func widthOf(run *result.Run) int {
	length := map[string]int{}
	for _, c := range run.Cells {
		length[c.Phase] = max(length[c.Phase], int(c.Took/time.Second)+1)
	}
	sum := 0
	for _, n := range length {
		sum += n
	}
	return (sum + maxPoints - 1) / maxPoints
}

// addDrivers adds what the generator was like in a phase, which is the next to be added.
func (d *runData) addDrivers(run *result.Run, phase string) {
	for _, x := range run.Drivers {
		if x.Phase == phase {
			d.Drivers = append(d.Drivers, driverData{Round: x.Round, Mode: tty.Clean(x.Mode), Phase: len(d.Phases), Offered: x.Offered, Sent: x.Sent, InTime: x.InTime,
				Took: micros(x.Took), CPU: x.CPU, CPUs: shares(x.CPUs), Release: micros(x.Release.P99)})
		}
	}
}

// newCell takes what is drawn of the cells of a mode in a phase, one a round.
func newCell(cells []*result.Cell, width int) (cellData, error) {
	c := cellData{Rounds: len(cells)}
	parts := map[int][]result.Second{}
	for _, of := range cells {
		c.Took += micros(of.Took)
		for _, s := range of.Seconds {
			at := s.At / width * width
			parts[at] = append(parts[at], s)
		}
		for _, h := range of.Herds {
			c.Expiries = append(c.Expiries, micros(h.At))
		}
		for _, x := range of.Faults {
			c.Faults = append(c.Faults, bandData{Text: tty.Clean(x.Text), From: micros(x.Began), To: micros(x.Ended)})
		}
	}
	counted := slices.ContainsFunc(cells, func(c *result.Cell) bool {
		return slices.ContainsFunc(c.Seconds, func(s result.Second) bool { return s.Scheduled > 0 })
	})
	all := hist.New()
	s := &second{response: hist.New(), lag: hist.New()}
	for _, at := range slices.Sorted(maps.Keys(parts)) {
		if err := s.set(parts[at]); err != nil {
			return c, err
		}
		c.add(at, s, counted)
		if err := all.Add(s.response); err != nil {
			return c, err
		}
	}
	c.Quantiles = quantiles(all)
	return c, nil
}

// seconds is how many seconds of a phase the cell takes on the axis of time: as long as requests were due.
func (c *cellData) seconds(width int) int {
	for i := len(c.At) - 1; i >= 0; i-- {
		if c.N[i] > 0 || c.Scheduled != nil && c.Scheduled[i] > 0 {
			return c.At[i] + width
		}
	}
	return width
}

// quantiles are the percentiles from p50 to p99.99, as far as there are enough samples for them, evenly spread on a logarithmic axis of what is beyond them.
func quantiles(h *hist.Histogram) [][2]float64 {
	const steps = 8 // for each factor of two
	var shares []float64
	for i := 0; ; i++ {
		q := 1 - 0.5*math.Exp2(-float64(i)/steps)
		if q > 0.9999 || hist.Samples(q) > h.Count() {
			break
		}
		shares = append(shares, q)
	}
	for _, q := range []float64{0.9, 0.95, 0.99, 0.999, 0.9999} {
		if hist.Samples(q) <= h.Count() && !slices.Contains(shares, q) {
			shares = append(shares, q)
		}
	}
	slices.Sort(shares)
	var all [][2]float64
	for i, d := range h.Quantiles(shares...) {
		all = append(all, [2]float64{math.Round(shares[i]*1e6) / 1e6, float64(micros(d))})
	}
	return all
}

// shares rounds shares to what can be seen of them.
func shares(all []float64) []float64 {
	rounded := make([]float64, len(all))
	for i, x := range all {
		rounded[i] = math.Round(x*1e4) / 1e4
	}
	return rounded
}

func micros(d time.Duration) int64 { return int64(d / time.Microsecond) }

// intervalsOf and ratiosOf are the intervals of the percentiles of a mode in a phase, as the report has them, and those of their ratios to the first mode.
func intervalsOf(r *report.Report, mode, phase string) map[string][3]float64 {
	return findIntervals(r.Section(report.IntervalFigures).Table, mode, phase, [4]string{"figure", "middle", "low", "high"}, 1000)
}

// compare has the ratios of a run that is compared be those to the same mode of the first run.
func (d *runData) compare(run *result.Run, c *report.Comparison, i int) {
	for k := range d.Cells {
		cell := &d.Cells[k]
		cell.Ratios = map[string][3]float64{}
		for _, name := range []string{"p50", "p95", "p99"} {
			if r, ok := c.Ratio(i, name, run.Modes[cell.Mode].Name, cell.phase); ok && i > 0 {
				cell.Ratios[name] = [3]float64{r.Value, r.Low, r.High}
			}
		}
	}
}

func ratiosOf(r *report.Report, mode, phase string) map[string][3]float64 {
	return findIntervals(r.Section(report.Ratios).Table, mode, phase, [4]string{"figure", "ratio", "low", "high"}, 1)
}
