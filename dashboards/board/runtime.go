package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// Runtime shows the processes themselves: a slow request is often made of the scheduler and the garbage collector. The names are those
// of client_golang's collectors.
func Runtime() model.Dashboard {
	d := dashboard(UIDRuntime, "runtime", "The Go runtime of the lab's processes: CPU, scheduler, garbage collector, heap.", jobVariable())
	var l layout
	l.row("Processor")
	l.add(8, 8, series("CPU", "short",
		"Processors that a process kept busy, and how many it may use. Near the limit the figures of all modes are those of the CPU.",
		query{promql.Rate(ofJob("process_cpu_seconds_total"), job), "used, {{job}}", false},
		query{perJob("go_sched_gomaxprocs_threads"), "limit, {{job}}", false}))
	latencies := ofJob(signal.SchedulerLatency)
	l.add(8, 8, logarithmic(series("Scheduler latency", "s",
		"How long goroutines were ready before they ran: p99 and p50. Above a millisecond the process is short of CPU.",
		query{promql.ClassicQuantile(.99, latencies, job), "p99, {{job}}", false},
		query{promql.ClassicQuantile(.5, latencies, job), "p50, {{job}}", false})))
	l.add(8, 8, series("Goroutines", "short",
		"Goroutines that exist, and those that are ready but have no processor.",
		query{perJob("go_goroutines"), "all, {{job}}", false},
		query{perJob("go_sched_goroutines_runnable_goroutines"), "ready, {{job}}", false}))
	l.add(24, 8, atLeast(.1, series("Servers and host", "short",
		"Processors that the servers of a run kept busy, where their processes are the run's own, and everything on the generator's machine. Where the host is near its limit, all figures are those of the CPU.",
		query{promql.Rate(promql.Metric{Name: signal.LoadCPU}, signal.LabelServer), "{{server}}", false})))
	l.row("Garbage collector")
	pauses := ofJob(signal.GCPause)
	l.add(8, 8, logarithmic(series("Pauses", "s",
		"How long the collector stopped the world: p99 and p50.",
		query{promql.ClassicQuantile(.99, pauses, job), "p99, {{job}}", false},
		query{promql.ClassicQuantile(.5, pauses, job), "p50, {{job}}", false})))
	l.add(8, 8, series("Cycles", "ops",
		"Collections a second.",
		query{promql.Rate(ofJob("go_gc_cycles_total_gc_cycles_total"), job), "{{job}}", false}))
	l.add(8, 8, series("Allocation", "Bps",
		"Bytes allocated a second.",
		query{promql.Rate(ofJob("go_gc_heap_allocs_bytes_total"), job), "{{job}}", false}))
	l.row("Memory and files")
	l.add(8, 8, series("Heap", "bytes",
		"What was live after the last collection, and the size at which the next one ends.",
		query{perJob("go_gc_heap_live_bytes"), "live, {{job}}", false},
		query{perJob("go_gc_heap_goal_bytes"), "goal, {{job}}", false}))
	l.add(8, 8, series("Resident memory", "bytes",
		"Memory of the process as the kernel counts it: what the container's limit is about.",
		query{perJob("process_resident_memory_bytes"), "{{job}}", false}))
	l.add(8, 8, series("Open files", "short",
		"File descriptors in use: connections, mostly.",
		query{perJob("process_open_fds"), "{{job}}", false}))
	d.Panels = l.panels
	return d
}

// job is Prometheus' own label for which process a series is from.
const job = "job"

// ofJob is a metric of the chosen processes.
func ofJob(name string) promql.Metric { return promql.Metric{Name: name, Match: job + `=~"$job"`} }

// perJob is a gauge by process.
func perJob(name string) string { return promql.Sum(ofJob(name).Select(), job) }
