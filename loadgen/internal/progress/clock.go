package progress

import "time"

// clock estimates how much of a run is left. Phases that a time ends take that; others take what phases of the same name have taken; and between two phases goes by what went by
// between those before.
type clock struct {
	began, ended time.Time // of the run, and of the last phase
	phases       int
	between      time.Duration            // all that went by between phases
	took         map[string]time.Duration // the last phase of a name that a number of requests ended
}

// begin starts a phase.
func (c *clock) begin() {
	now := time.Now()
	if c.began.IsZero() {
		c.began, c.took = now, map[string]time.Duration{}
	} else {
		c.between += now.Sub(c.ended)
	}
}

// end ends a phase that took so long.
func (c *clock) end(h Heading, took time.Duration) {
	c.ended = time.Now()
	c.phases++
	c.took[h.Name] = took
}

// elapsed is how long the run has gone on, from its first phase.
func (c *clock) elapsed() time.Duration { return time.Since(c.began) }

// at returns how much of the run is done, and how long it takes still; false if nobody knows how many phases there are.
func (c *clock) at(h Heading, f Figures) (share float64, left time.Duration, known bool) {
	if len(h.Ahead) == 0 && !h.Last {
		return 0, 0, false
	}
	left = max(c.length(Ahead{h.Name, h.For})-f.Elapsed, 0)
	pause := time.Duration(0)
	if c.phases > 0 {
		pause = c.between / time.Duration(c.phases)
	}
	for _, a := range h.Ahead {
		left += c.length(a) + pause
	}
	elapsed := c.elapsed()
	return float64(elapsed) / float64(max(elapsed+left, 1)), left, true
}

// length is how long a phase takes, as far as it is known.
func (c *clock) length(a Ahead) time.Duration {
	if a.For > 0 {
		return a.For
	}
	return c.took[a.Name]
}
