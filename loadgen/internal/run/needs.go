package run

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/scenario"
)

// What a connection and the rest of the process take of the machine.
const (
	ownFiles         = 32               // results, listeners, the lab's pipes
	connectionMemory = 100 << 10        // its buffer, its goroutine, and the kernel's socket
	timeWait         = 60 * time.Second // that the port of a connection which this side closed stays taken (TCP_TIMEWAIT_LEN of Linux)
)

// shortages returns of what a scenario can need more than the process may have. It may not come to that: an open load uses the connections that it has to.
func shortages(s *scenario.Scenario, l limits.Limits) []string {
	var short []string
	for _, p := range s.Phases {
		n, add := mostConnections(s, p), func(format string, args ...any) {
			short = append(short, fmt.Sprintf("phase %s can ", p.Name)+fmt.Sprintf(format, args...)+": a run that comes to it is GENERATOR-LIMITED")
		}
		if l.Files > 0 && uint64(n+ownFiles) > l.Files {
			add("open %d connections, and this process may have %d files open (ulimit -n)", n, l.Files)
		}
		ports := float64(n)
		if closes(s, p) {
			ports = max(ports, p.Rate()*min(p.Length(), timeWait).Seconds())
		}
		if l.Ports > 0 && ports > float64(l.Ports) {
			add("take %.0f local ports, and there are %d to one address (net.ipv4.ip_local_port_range)", math.Ceil(ports), l.Ports)
		}
		if l.Memory > 0 && int64(n)*connectionMemory > l.Memory {
			add("take %d MB for its %d connections, and %d MB are left", int64(n)*connectionMemory>>20, n, l.Memory>>20)
		}
	}
	return short
}

// mostConnections is how many connections a phase has at most, to all replicas together.
func mostConnections(s *scenario.Scenario, p scenario.Phase) int {
	n := p.Connections
	if p.Kind == scenario.Open && s.MaxInFlight > 0 {
		n = min(n, s.MaxInFlight)
	}
	return n * max(p.World.Replicas, 1)
}

// closes reports whether any request of a phase takes a connection of its own.
func closes(s *scenario.Scenario, p scenario.Phase) bool {
	for _, m := range s.Modes {
		for _, h := range m.Header {
			if http.CanonicalHeaderKey(h.Name) == "Connection" && strings.EqualFold(h.Value, "close") && takesPart(p, m) {
				return true
			}
		}
	}
	return false
}

// takesPart reports whether a mode is driven in a phase.
func takesPart(p scenario.Phase, m scenario.Mode) bool {
	for _, share := range p.Mix {
		if share.Mode == m.Compared() {
			return true
		}
	}
	return len(p.Mix) == 0
}

// refusals returns what the generator's own machine refused in phases that count.
func refusals(r *result.Run) []string {
	var texts []string
	for _, c := range r.Cells {
		for _, f := range c.Failures {
			if f.Kind == measure.Limit.String() && !isWarmup(r, c.Phase) {
				texts = append(texts, fmt.Sprintf("%s, %s, round %d: %d requests were refused by the generator's own machine, which has no more %s: %s",
					c.Mode, c.Phase, c.Round, f.Count, f.Code, f.Example))
			}
		}
	}
	return texts
}

func isWarmup(r *result.Run, phase string) bool {
	for _, p := range r.Phases {
		if p.Name == phase {
			return p.Warmup
		}
	}
	return false
}
