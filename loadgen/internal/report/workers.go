package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// requests is what identifies the load of a run: two runs with the same hash have sent the same requests at the same times.
func requests(r *result.Requests) string {
	if r == nil {
		return ""
	}
	text := ""
	if r.Arrivals > 0 {
		text = fmt.Sprintf("%s by the seed, hash %s", unit.Count(r.Arrivals), r.Hash)
	}
	if len(r.Without) > 0 {
		text = joined("; ", text, "by the responses too: "+strings.Join(r.Without, ", "))
	}
	return text
}

// workers is what each worker of a run was like.
func workers(f *figure.Figures) Section {
	if len(f.Run.Workers) == 0 {
		return Section{}
	}
	t := &Table{Columns: []Column{
		{Name: "worker", Title: "worker", Left: true}, {Name: "requests", Title: "requests"}, {Name: "release_p99_ms", Above: "released late", Title: "p99 at most"},
		{Name: "hiccup_max_ms", Above: "stood still", Title: "at most"}, {Name: "cpu_percent", Above: "CPU", Title: "at most"}, {Name: "began_late_ms", Above: "began late", Title: "at most"},
		{Name: "uid", Title: "uid", Left: true, Spare: true}, {Name: "host", Title: "host", Left: true, Spare: true},
	}}
	var g Group
	var clock time.Duration
	for _, w := range f.Run.Workers {
		g.Rows = append(g.Rows, workerCells(f.Run, w))
		clock = max(clock, w.Error)
	}
	t.Groups = []Group{g}
	notes := prose(fmt.Sprintf("The workers began their phases %s apart, p99 of %d; their clocks are known to within %s. CPU is of the processors that each could use.",
		unit.Latency(spread(f.Run, 0.99)), len(f.Run.Spreads()), unit.Latency(clock)))
	return Section{ID: Workers, Heading: "Workers: what each was like, over all phases", Table: t, Prose: append(notes, cutOff(f.Run.Workers)...)}
}

// cutOff is which workers were without a connection to the run for a time.
func cutOff(workers []result.Worker) []Note {
	var notes []Note
	for _, w := range workers {
		if w.Cuts == 0 {
			continue
		}
		line := fmt.Sprintf("Worker %d was cut off %s, %s at most", w.Index, often(w.Cuts), unit.Latency(w.CutMax))
		if !w.Lost {
			line += "; its load went on, and its figures are complete"
		}
		notes = append(notes, Note{Text: line + ".", Brief: true, Warning: w.Lost})
	}
	return notes
}

// often is how often something happened, in words.
func often(n int) string {
	switch n {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return unit.Counted(int64(n), "time")
}

func workerCells(run *result.Run, w result.Worker) []Cell {
	name := fmt.Sprintf("worker %d", w.Index)
	var sent int64
	var release, hiccup, late time.Duration
	var cpu float64
	for _, d := range run.Drivers {
		if d.Worker != name {
			continue
		}
		sent += d.Sent
		late = max(late, d.Late)
		if d.Warmup {
			continue
		}
		release, hiccup = max(release, d.Release.P99), max(hiccup, d.Hiccup.Max, d.Release.Max)
		if d.Took >= time.Second { // else a share of CPU means nothing
			cpu = max(cpu, d.CPU)
		}
	}
	lasts := func(d time.Duration) Cell {
		return Cell{Text: unit.Latency(d), Value: figure.Millis(d), Known: true}
	}
	used := Cell{Text: unit.None, Tone: Faint}
	if cpu > 0 {
		used = Cell{Text: unit.Percent(cpu), Value: 100 * cpu, Known: true}
	}
	return []Cell{
		{Text: strconv.Itoa(w.Index)}, {Text: unit.Count(sent), Value: float64(sent), Known: true}, lasts(release), lasts(hiccup), used, lasts(late),
		{Text: w.UID[:min(len(w.UID), shownUID)]}, {Text: w.Host},
	}
}

// shownUID is how much of an id is shown: enough to tell the pods of a run apart, and what a page of 80 columns has room for. run.json has all of it.
const shownUID = 8

// spread is a quantile of how far apart the workers began their phases.
func spread(run *result.Run, q float64) time.Duration {
	var widths []time.Duration
	for _, s := range run.Spreads() {
		widths = append(widths, s.Width())
	}
	if len(widths) == 0 {
		return 0
	}
	slices.Sort(widths)
	return widths[min(int(q*float64(len(widths))), len(widths)-1)]
}
