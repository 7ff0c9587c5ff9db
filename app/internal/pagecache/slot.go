package pagecache

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"loadlab/app/api"
	"loadlab/app/internal/probe"
)

// maxSlots bounds what is remembered of pages. Beyond it everything is forgotten, and pages that come back count as cold.
const maxSlots = 1 << 16

// slots holds what this process remembers of each page. The zero value remembers nothing.
type slots struct {
	mu sync.RWMutex // guards of
	of map[slotName]*slot
}

type slotName struct{ strategy, key string }

// slot is what this process remembers of one page: its keys in Redis, and which generations of it have been counted as expired. The
// counts are of pages, not of requests: of a hundred requests that find one page expired, one counts it.
type slot struct {
	pageKey, lockKey, tombstoneKey string

	headers headerLookups

	list atomic.Pointer[knownList] // that was last read, of a page in parts

	last    atomic.Uint64 // the generation last seen in Redis or stored there; 0 if none was
	waiters atomic.Int64  // requests of this process that wait for who holds the page's lock

	attempts attempts // of failsafe

	outrun atomic.Bool // the page had changed before it could be stored, and was not recomputed since

	mu      sync.Mutex    // guards the rest
	cold    bool          // the page has been counted as cold
	counted [4]uint64     // the generations last counted as expired
	next    int           // in counted
	renewed func()        // ends the time in which the page is expired; nil if it is not, as far as this process knows
	gone    bool          // the slot was forgotten
	change  chan struct{} // closed when the page next changes; nil if nobody waits for that
}

func (s *slots) get(prefix, strategy, key string) *slot {
	name := slotName{strategy, key}
	s.mu.RLock()
	found := s.of[name]
	s.mu.RUnlock()
	if found != nil {
		return found
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if found := s.of[name]; found != nil {
		return found
	}
	if s.of == nil || len(s.of) >= maxSlots {
		s.forgetAll()
		s.of = map[slotName]*slot{}
	}
	of := strategy + ":" + key
	made := &slot{pageKey: pagePrefix(prefix) + of, lockKey: lockPrefix(prefix) + of, tombstoneKey: tombstonePrefix(prefix) + of}
	s.of[name] = made
	return made
}

// drop forgets one page: there is none. Of what does not exist there is no end, and it would push out what is remembered of pages.
func (s *slots) drop(strategy, key string) {
	s.mu.Lock()
	if of := s.of[slotName{strategy, key}]; of != nil {
		of.forget()
	}
	delete(s.of, slotName{strategy, key})
	s.mu.Unlock()
}

func (s *slots) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetAll()
	s.of = nil
}

func (s *slots) forgetAll() {
	for _, of := range s.of {
		of.forget()
	}
}

// seen notes that this generation is in Redis. One that has been counted as expired is not noted again: a slow request may come with
// what it read before the page was replaced.
func (s *slot) seen(generation uint64) {
	if s.last.Load() == generation {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.counted[:], generation) {
		s.last.Store(generation)
		s.renew()
	}
}

// renew ends the time in which the page is expired, if it is. The caller holds mu.
func (s *slot) renew() {
	if s.renewed != nil {
		s.renewed()
		s.renewed = nil
	}
}

// forget is called when the page is cold from now on: what requests under way find of it is of no interest.
func (s *slot) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.renew()
}

// missed counts a page that is not in Redis: as expired if this process had seen a generation of it, else as cold. before is what last
// held before the read that missed; by now somebody may have stored the next generation, and that one has not expired. What it returns holds also of a page
// that has been counted before.
func (s *slot) missed(ctx context.Context, before uint64) probe.Cause {
	if before != 0 {
		s.expired(ctx, before)
		return probe.Expired
	}
	s.mu.Lock()
	counted := s.cold
	s.cold = true
	s.mu.Unlock()
	if !counted {
		probe.From(ctx).Count(api.CountCold)
	}
	return probe.Cold
}

// expired counts that this generation has expired, or is being replaced for its age; once.
func (s *slot) expired(ctx context.Context, generation uint64) {
	if s.replaced(ctx, generation) {
		probe.From(ctx).Count(api.CountExpirations)
	}
}

// replaced notes that this generation is counted as expired, and reports whether it is the first time. The page is expired from then on, unless the next generation is
// there already: a slow request may come with one that it read before.
func (s *slot) replaced(ctx context.Context, generation uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.counted[:], generation) {
		return false
	}
	s.counted[s.next%len(s.counted)] = generation
	s.next++
	if s.last.Load() == generation && s.renewed == nil && !s.gone {
		s.renewed = probe.From(ctx).Expired()
	}
	return true
}

// changes returns a channel that is closed when this process next stores the page under a lease, or invalidates it. Those who wait need not
// poll for that; what there is then, only Redis knows. (A failed recompute closes nothing: against a database that is down, each of a herd
// would wake all the others.)
func (s *slot) changes() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change == nil {
		s.change = make(chan struct{})
	}
	return s.change
}

func (s *slot) changed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.change != nil {
		close(s.change)
		s.change = nil
	}
}
