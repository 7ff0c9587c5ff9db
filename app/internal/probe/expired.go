package probe

import (
	"sync"
	"time"
)

// expired is for how long at least one of a mode's pages was expired: from when it was found so until there was a fresh one. The zero value is of no time.
type expired struct {
	mu    sync.Mutex // guards the rest
	pages int        // that are expired now
	since time.Time  // there has been one; valid while there is
	total time.Duration
}

// begin is called when one more page is found expired; the caller calls end when it is fresh again.
func (e *expired) begin() (end func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pages == 0 {
		e.since = time.Now()
	}
	e.pages++
	return e.end
}

func (e *expired) end() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pages--; e.pages == 0 {
		e.total += time.Since(e.since)
	}
}

// read returns the time until now: one that has not ended counts as well, so that it is seen while it lasts.
func (e *expired) read() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.pages > 0 {
		return e.total + time.Since(e.since)
	}
	return e.total
}
