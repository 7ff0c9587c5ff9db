package selfcpu

import (
	"runtime/metrics"
	"time"
)

// Runtime returns the CPU time that the garbage collector has used, as the runtime estimated it at the end of its last cycle, and how many objects have been
// allocated. What the collector did with processors that were idle is in it, as it is in what Used returns.
func Runtime() (gc time.Duration, allocations int64) {
	all := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}, {Name: "/gc/heap/allocs:objects"}}
	metrics.Read(all)
	if all[0].Value.Kind() == metrics.KindFloat64 {
		gc = time.Duration(all[0].Value.Float64() * float64(time.Second))
	}
	if all[1].Value.Kind() == metrics.KindUint64 {
		allocations = int64(all[1].Value.Uint64())
	}
	return gc, allocations
}
