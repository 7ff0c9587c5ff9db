package run

import (
	"fmt"
	"time"

	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// driver returns what a loop reports of the generator, in the terms of a report.
func driver(h progress.Heading, warmup bool, r drive.Result) result.Driver {
	d := result.Driver{
		Round: h.Round, Mode: h.Mode, Phase: h.Name, Warmup: warmup, Took: r.Took,
		Offered: r.Offered, Sent: r.Sent, InTime: r.InTime, Connections: r.Limit, Quickest: r.Quickest,
		CPU: r.Self.CPU(), CPUs: r.Self.Seconds, GCs: r.Self.GCs, GCPause: r.Self.GCPause, MaxRSS: r.Self.MaxRSS, Release: r.Self.Release, Hiccup: r.Self.Hiccup,
	}
	if available := r.Self.Wall.Seconds() * float64(r.Self.Procs); available > 0 {
		d.GCCPU = r.Self.GCCPU.Seconds() / available
	}
	return d
}

// placeOf is where a driver's figures are from.
func placeOf(d result.Driver) string {
	place := fmt.Sprintf("%s, %s, round %d", d.Mode, d.Phase, d.Round)
	if d.Worker != "" {
		place += ", " + d.Worker
	}
	return place
}

// What the generator must keep to for its figures to be the server's. They are wide: generator, app and servers share the machine, and a
// busy machine that makes everybody late is what a stampede is. A run that breaks them has measured the generator more than the app.
const (
	maxLag    = 50 * time.Millisecond  // p99 of the lateness of releases, of a phase with enough of them
	maxHiccup = 500 * time.Millisecond // the longest that the process was not run
	maxCPU    = 0.85                   // of the processors it could use
	maxGC     = 0.10                   // of the same
	minSent   = 0.95                   // of the requests that came due, sent while the phase lasted
	muchCPU   = 0.25                   // of the processors, for what a request costs to be more than the costs of the process

	maxSpread = 100 * time.Millisecond // between the begins of the first and the last worker of a phase

	enoughReleases = 200         // for a p99 to be more than the greatest value or two
	enoughTime     = time.Second // for a share of CPU to mean anything
)

// generatorLimits returns in which phases the generator was the bottleneck, and by what. Its own lateness counts, not the send lag of
// requests: those also wait when every connection is busy with a slow server, which is the server's doing.
func generatorLimits(drivers []result.Driver) []string {
	var limits []string
	for _, d := range drivers {
		if d.Warmup {
			continue
		}
		add := func(format string, args ...any) {
			limits = append(limits, placeOf(d)+": "+fmt.Sprintf(format, args...))
		}
		lagging := d.Release.Count >= enoughReleases && d.Release.P99 > maxLag
		busy := d.Took >= enoughTime && d.CPU > maxCPU
		if lagging {
			add("requests were released late, p99 %s (at most %s)", unit.Latency(d.Release.P99), unit.Latency(maxLag))
		}
		if late := max(d.Hiccup.Max, d.Release.Max); late > maxHiccup {
			add("the generator stood still for %s (at most %s)", unit.Latency(late), unit.Latency(maxHiccup))
		}
		if busy {
			add("it used %.0f%% of its processors (at most %.0f%%)", 100*d.CPU, 100*maxCPU)
		}
		if d.Took >= enoughTime && d.GCCPU > maxGC {
			add("its garbage collector used %.0f%% of its processors (at most %.0f%%)", 100*d.GCCPU, 100*maxGC)
		}
		if sent := float64(d.InTime) / float64(max(d.Offered, 1)); sent < minSent {
			if lagging || busy {
				add("only %.0f%% of the requests were sent in time (at least %.0f%%)", 100*sent, 100*minSent)
			}
			if why := beyond(d, sent); why != "" {
				add("%s", why)
			}
		}
	}
	return limits
}

// beyond returns why a load of which a share was sent in time could not have been sent whatever the target did; empty if it could.
func beyond(d result.Driver, sent float64) string {
	if d.Took <= 0 {
		return ""
	}
	rate := float64(d.Offered) / d.Took.Seconds()
	if d.Quickest > 0 && d.Connections > 0 {
		if most := float64(d.Connections) / d.Quickest.Seconds(); rate > most {
			return fmt.Sprintf("%s came due, and its %s could carry %s at most, even if every answer took no longer than the quickest (%s)",
				perSecond(rate), unit.Counted(int64(d.Connections), "connection"), perSecond(most), unit.Latency(d.Quickest))
		}
	}
	if cpu := loadCPU(d); d.Took >= enoughTime && d.CPU <= maxCPU && cpu > max(muchCPU, sent) { // above that it has been said
		return fmt.Sprintf("%s came due, and this machine can send %s at most: %.0f%% of its processors were used to send %s", perSecond(rate), perSecond(rate*sent/cpu), 100*cpu, perSecond(rate*sent))
	}
	return ""
}

func perSecond(rate float64) string { return unit.Digits(rate) + " requests a second" }

// loadCPU returns which share of the processors was used while the load lasted, without the time in which the last requests ended.
func loadCPU(d result.Driver) float64 {
	n := min(int(d.Took.Seconds()), len(d.CPUs))
	if n == 0 {
		return d.CPU
	}
	var sum float64
	for _, cpu := range d.CPUs[:n] {
		sum += cpu
	}
	return sum / float64(n)
}
