package drive

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/hist"
	"loadlab/loadgen/internal/measure"
)

// Self describes the generator during a phase: what a verdict on it needs beside the lag of the requests. The lag alone is not
// enough, as a request also lags when every connection is busy with a slow server.
type Self struct {
	Wall, User, System time.Duration // of the process; User and System are 0 where the system does not account for them
	Seconds            []float64     // what CPU is in each second, the last of which may be a part of one; nil where the system does not account for it
	Procs              int           // GOMAXPROCS
	MaxRSS             int64         // bytes, of the process so far; 0 where the system does not account for it
	GCs                int64
	GCPause, GCCPU     time.Duration // all goroutines stopped; CPU, estimated by the runtime

	// Release is how late arrivals were released: the generator's own lateness, whatever the server did. Open loop only.
	Release result.Summary
	// Hiccup is how late a timer of 10 ms was, all through the phase: it shows when the process was not run at all, in either loop. Go's
	// timers account for up to a millisecond.
	Hiccup result.Summary
}

// CPU is the share of the processors it could use that the generator was busy on, 0 to 1.
func (s Self) CPU() float64 {
	if s.Wall <= 0 || s.Procs <= 0 {
		return 0
	}
	return float64(s.User+s.System) / float64(s.Wall) / float64(s.Procs)
}

// selfWatch observes the process from begin to end.
type selfWatch struct {
	start   time.Time
	usage   usage
	gc      gcStats
	late    *hist.Histogram
	cpu     []float64 // by second
	stop    chan struct{}
	stopped chan struct{}
}

// usage is what the system accounts to the process.
type usage struct {
	user, system time.Duration
	maxRSS       int64
}

type gcStats struct {
	n          int64
	pause, cpu time.Duration
}

// newSelfWatch makes ready what begin needs, which is not to take its time when the phase begins.
func newSelfWatch() *selfWatch {
	return &selfWatch{gc: readGC(), late: hist.New(), stop: make(chan struct{}), stopped: make(chan struct{})}
}

// begin begins the observation.
func (w *selfWatch) begin() {
	w.start, w.usage = time.Now(), readUsage()
	go w.hiccups()
}

// end ends the observation.
func (w *selfWatch) end() Self {
	close(w.stop)
	<-w.stopped
	usage, gc := readUsage(), readGC()
	return Self{
		Wall: time.Since(w.start), User: usage.user - w.usage.user, System: usage.system - w.usage.system,
		Procs: runtime.GOMAXPROCS(0), MaxRSS: usage.maxRSS,
		GCs: gc.n - w.gc.n, GCPause: gc.pause - w.gc.pause, GCCPU: gc.cpu - w.gc.cpu,
		Hiccup: measure.Summarize(w.late), Seconds: w.cpu,
	}
}

// hiccups is Gil Tene's jHiccup: a goroutine that does nothing but note how late it is woken. One reading of the clock ends a wait and begins the
// next, so that a pause between two waits is in one of them.
func (w *selfWatch) hiccups() {
	defer close(w.stopped)
	timer := time.NewTimer(hiccupEvery)
	defer timer.Stop()
	next := w.start.Add(hiccupEvery)
	second, used := w.start, w.usage
	for {
		timer.Reset(time.Until(next))
		select {
		case <-timer.C:
			now := time.Now()
			w.late.Record(now.Sub(next))
			next = now.Add(hiccupEvery)
			if now.Sub(second) >= time.Second {
				used = w.busy(used, now.Sub(second))
				second = now
			}
		case <-w.stop:
			if part := time.Since(second); part >= leastPart {
				w.busy(used, part)
			}
			// A phase may end with the pause that should be seen.
			if late := time.Since(next); late > 0 {
				w.late.Record(late)
			}
			return
		}
	}
}

const (
	hiccupEvery = 10 * time.Millisecond
	leastPart   = 200 * time.Millisecond // of a second, for a share of it to mean anything
)

// busy notes the share of the processors that was used since a reading of the clocks, and returns the next.
func (w *selfWatch) busy(since usage, took time.Duration) usage {
	now := readUsage()
	if now != (usage{}) {
		w.cpu = append(w.cpu, float64(now.user+now.system-since.user-since.system)/float64(took)/float64(runtime.GOMAXPROCS(0)))
	}
	return now
}

func readGC() gcStats {
	var s debug.GCStats
	debug.ReadGCStats(&s)
	cpu := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(cpu)
	g := gcStats{n: s.NumGC, pause: s.PauseTotal}
	if cpu[0].Value.Kind() == metrics.KindFloat64 {
		g.cpu = time.Duration(cpu[0].Value.Float64() * float64(time.Second))
	}
	return g
}
