package comparison

import (
	"os/exec"
	"strconv"
	"time"
)

// generator is a program that makes load. The command lines are nil for what it cannot do.
type generator struct {
	name   string
	path   string
	closed func(url string, connections int, d time.Duration) []string
	open   func(url string, rate float64, connections int, d time.Duration) []string
	stdin  func(url string) string // nil if it needs none
}

// wrk is the generator that the others are compared with.
const wrk = "wrk"

// peers are the other generators that are known, each limited to one core.
func peers() []generator {
	return []generator{
		{
			name: wrk,
			closed: func(url string, c int, d time.Duration) []string {
				return []string{"-t1", "-c" + strconv.Itoa(c), "-d" + strconv.Itoa(int(d.Seconds())) + "s", url}
			},
		},
		{
			name: "fortio",
			closed: func(url string, c int, d time.Duration) []string {
				return []string{"load", "-quiet", "-c", strconv.Itoa(c), "-qps", "0", "-t", d.String(), url}
			},
			open: func(url string, rate float64, c int, d time.Duration) []string {
				return []string{"load", "-quiet", "-c", strconv.Itoa(c), "-qps", number(rate), "-t", d.String(), url}
			},
		},
		{
			name: "hey",
			closed: func(url string, c int, d time.Duration) []string {
				return []string{"-cpus", "1", "-c", strconv.Itoa(c), "-z", d.String(), url}
			},
			open: func(url string, rate float64, c int, d time.Duration) []string { // its rate is each connection's
				return []string{"-cpus", "1", "-c", strconv.Itoa(c), "-q", number(rate / float64(c)), "-z", d.String(), url}
			},
		},
		{
			name: "vegeta",
			closed: func(_ string, c int, d time.Duration) []string {
				n := strconv.Itoa(c)
				return []string{"attack", "-rate=0", "-workers=" + n, "-max-workers=" + n, "-duration=" + d.String(), "-output=/dev/null"}
			},
			open: func(_ string, rate float64, _ int, d time.Duration) []string {
				return []string{"attack", "-rate=" + number(rate) + "/1s", "-duration=" + d.String(), "-output=/dev/null"}
			},
			stdin: func(url string) string { return "GET " + url + "\n" },
		},
	}
}

// present are the peers that the machine has.
func present() []generator {
	var found []generator
	for _, g := range peers() {
		if path, err := exec.LookPath(g.name); err == nil {
			g.path = path
			found = append(found, g)
		}
	}
	return found
}

func number(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }
