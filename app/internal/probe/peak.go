package probe

import (
	"sync"
	"time"

	"loadlab/otel/signal"
)

// level is how many of something there are now, and the most there were at once in the last signal.PeakWindow: what a gauge misses between two scrapes.
// To read it changes nothing, so that any number of scrapers see the same. The zero value is 0.
type level struct {
	mu   sync.Mutex // guards the rest
	now  int64
	most [2 * slotsPerWindow]slotMost // by the number of the slot
}

// slotMost is the most there were within a slot of time.
type slotMost struct{ slot, most int64 }

const slotsPerWindow = 12

// slotOf is the number of the slot that a time is in.
func slotOf(at time.Time) int64 { return at.UnixNano() / int64(signal.PeakWindow/slotsPerWindow) }

// add changes the level and returns it.
func (l *level) add(n int64) int64 {
	slot := slotOf(time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &l.most[slot%int64(len(l.most))]
	if s.slot != slot {
		*s = slotMost{slot, l.now}
	}
	l.now += n
	s.most = max(s.most, l.now)
	return l.now
}

// read returns the level, and the most there were.
func (l *level) read() (now, most int64) {
	slot := slotOf(time.Now())
	l.mu.Lock()
	defer l.mu.Unlock()
	most = l.now
	for _, s := range l.most {
		if s.slot > slot-slotsPerWindow {
			most = max(most, s.most)
		}
	}
	return l.now, most
}
