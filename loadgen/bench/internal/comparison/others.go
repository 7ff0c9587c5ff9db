package comparison

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// tick is the unit of /proc/stat; it is 10 ms on every Linux there is.
const tick = 10 * time.Millisecond

// bystanders measures how busy the machine is with other work, which distorts the figures.
type bystanders struct {
	start time.Time
	all   time.Duration
	own   time.Duration
	known bool
}

func watchBystanders() *bystanders {
	b := &bystanders{start: time.Now(), own: ownCPU()}
	b.all, b.known = machineCPU()
	return b
}

// cores is how many cores others kept busy on average; ours are this process, which has not gone, and what was used by those that have.
func (b *bystanders) cores(children time.Duration) (float64, bool) {
	all, ok := machineCPU()
	if !ok || !b.known {
		return 0, false
	}
	others := all - b.all - (ownCPU() - b.own) - children
	return max(0, others.Seconds()/time.Since(b.start).Seconds()), true
}

// machineCPU is the time that all processors were busy since the machine started.
func machineCPU() (time.Duration, bool) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, false
	}
	return ParseStat(text)
}

// ParseStat sums the busy columns of the first line of /proc/stat: user, nice, system, irq, softirq and steal, not idle and iowait.
func ParseStat(text []byte) (busy time.Duration, ok bool) {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) < 9 || string(fields[0]) != "cpu" {
		return 0, false
	}
	for _, column := range []int{1, 2, 3, 6, 7, 8} {
		n, err := strconv.ParseInt(string(fields[column]), 10, 64)
		if err != nil || n < 0 {
			return 0, false
		}
		busy += time.Duration(n) * tick
	}
	return busy, true
}

// used is the CPU time of a process that has gone.
func used(cmd *exec.Cmd) time.Duration {
	return cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
}
