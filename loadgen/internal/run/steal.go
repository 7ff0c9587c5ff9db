package run

import (
	"strconv"
	"strings"
)

// ticks are the processors' ticks of 10 ms since the machine started: those that another guest of its host took, those in which they worked, and all.
type ticks struct{ stolen, busy, all int64 }

// readTicks returns zeros where there is no /proc/stat.
func readTicks() ticks { return ticksOf(read("/proc/stat")) }

// ticksOf reads the first line of a /proc/stat, see proc_stat(5): "cpu user nice system idle iowait irq softirq steal guest guest_nice", where a guest's are
// in user's already.
func ticksOf(stat string) (t ticks) {
	const idle, iowait, steal, guest = 3, 4, 7, 8
	line, _, _ := strings.Cut(stat, "\n")
	fields := strings.Fields(line)
	if len(fields) <= guest || fields[0] != "cpu" {
		return ticks{}
	}
	for i, field := range fields[1 : guest+1] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return ticks{}
		}
		t.all += n
		switch i {
		case idle, iowait:
		case steal:
			t.stolen = n
		default:
			t.busy += n
		}
	}
	return t
}

// stolenSince is the share of the processors' time that was taken from the machine since before.
func (t ticks) stolenSince(before ticks) float64 {
	if t.all <= before.all {
		return 0
	}
	return float64(t.stolen-before.stolen) / float64(t.all-before.all)
}
