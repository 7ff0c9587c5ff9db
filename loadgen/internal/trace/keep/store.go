package keep

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/trace/otlp"
)

// ID is a trace id.
type ID = [16]byte

// Limits bound a Store. A zero field is its default.
type Limits struct {
	Traces        int           // 4,096
	Spans         int           // 100,000, of all traces
	SpansPerTrace int           // 2,000
	Age           time.Duration // 30 s, since the last span of a trace that is not pinned
}

// maxRelated bounds the traces that are pinned with another.
const maxRelated = 4

// Store holds the spans of the traces that arrived last, and of those that are pinned. It is bounded: when it is
// full, the traces whose last span is the oldest are evicted, but no pinned ones; if there are only those, new spans are dropped.
type Store struct {
	limits  Limits
	now     func() time.Time
	changed chan struct{}

	mu      sync.Mutex // guards what follows
	traces  map[ID]*entry
	recent  *list.List // of *entry that are not pinned, the one touched last at the back
	spans   int
	dropped int64 // spans for which there was no room
}

// entry is what is known of a trace.
type entry struct {
	id      ID
	spans   []otlp.Span
	lost    int // spans that were dropped
	pins    int // by Pin
	held    int // by traces that are pinned and related to this one
	touched time.Time
	place   *list.Element // in recent; nil while pinned or held
	// related are the traces that spans of this one link to, and those that began with a link to it. This one holds them while it is
	// pinned, but not while it is only held: otherwise two that link to each other would hold each other for ever.
	related []ID
}

// NewStore returns an empty Store; now is time.Now, or a test's clock.
func NewStore(l Limits, now func() time.Time) *Store {
	if l.Traces == 0 {
		l.Traces = 4096
	}
	if l.Spans == 0 {
		l.Spans = 100_000
	}
	if l.SpansPerTrace == 0 {
		l.SpansPerTrace = 2000
	}
	if l.Age == 0 {
		l.Age = 30 * time.Second
	}
	return &Store{limits: l, now: now, changed: make(chan struct{}, 1), traces: map[ID]*entry{}, recent: list.New()}
}

// Add takes a span.
func (s *Store) Add(span *otlp.Span) {
	s.mu.Lock()
	e := s.touch(span.TraceID)
	if e != nil && len(e.spans) < s.limits.SpansPerTrace && s.room(e) {
		e.spans = append(e.spans, *span)
		s.spans++
	} else {
		s.dropped++
		if e != nil {
			e.lost++
		}
	}
	s.relate(e, span)
	s.mu.Unlock()
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// relate notes the links of a span of e.
func (s *Store) relate(e *entry, span *otlp.Span) {
	for _, l := range span.Links {
		if e == nil || l.TraceID == span.TraceID {
			continue
		}
		s.addRelated(e, l.TraceID)
		if span.Parent == [8]byte{} { // background work that the other trace caused
			if cause := s.touch(l.TraceID); cause != nil {
				s.addRelated(cause, span.TraceID)
			}
		}
	}
}

func (s *Store) addRelated(e *entry, id ID) {
	if len(e.related) == maxRelated || slices.Contains(e.related, id) {
		return
	}
	e.related = append(e.related, id)
	if e.pins > 0 {
		s.find(id).held++
	}
}

// Pin keeps a trace, and those it is related to, until it has been unpinned as often as it was pinned.
func (s *Store) Pin(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.find(id)
	if e.pins++; e.pins > 1 {
		return
	}
	for _, other := range e.related {
		s.find(other).held++
	}
}

// find finds or makes the entry of a trace that is about to be pinned or held.
func (s *Store) find(id ID) *entry {
	e := s.traces[id]
	if e == nil {
		e = &entry{id: id}
		s.traces[id] = e
	}
	if e.place != nil {
		s.recent.Remove(e.place)
		e.place = nil
	}
	return e
}

// Unpin takes a Pin back.
func (s *Store) Unpin(id ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.traces[id]
	if e == nil || e.pins == 0 {
		return
	}
	if e.pins--; e.pins > 0 {
		return
	}
	s.release(e)
	for _, id := range e.related {
		if other := s.traces[id]; other != nil && other.held > 0 {
			other.held--
			s.release(other)
		}
	}
	s.shrink()
}

// release lets a trace go that nothing keeps any more.
func (s *Store) release(e *entry) {
	if e.pins == 0 && e.held == 0 {
		e.touched = s.now()
		e.place = s.recent.PushBack(e)
	}
}

// touch finds or makes the entry of a trace that something is known of now; nil if there is no room.
func (s *Store) touch(id ID) *entry {
	now := s.now()
	for front := s.recent.Front(); front != nil && now.Sub(front.Value.(*entry).touched) > s.limits.Age; front = s.recent.Front() {
		s.evict(front.Value.(*entry))
	}
	e := s.traces[id]
	if e == nil {
		if len(s.traces) >= s.limits.Traces && !s.evictOldest(nil) {
			return nil
		}
		e = &entry{id: id}
		s.traces[id] = e
		e.place = s.recent.PushBack(e)
	}
	e.touched = now
	if e.place != nil {
		s.recent.MoveToBack(e.place)
	}
	return e
}

// room makes room for a span of e.
func (s *Store) room(e *entry) bool {
	for s.spans >= s.limits.Spans {
		if !s.evictOldest(e) {
			return false
		}
	}
	return true
}

// shrink brings the number of traces back below the limit, which pins may have exceeded.
func (s *Store) shrink() {
	for len(s.traces) > s.limits.Traces && s.evictOldest(nil) {
	}
}

// evictOldest evicts the trace that was touched the longest ago, but not spare.
func (s *Store) evictOldest(spare *entry) bool {
	for front := s.recent.Front(); front != nil; front = front.Next() {
		if e := front.Value.(*entry); e != spare {
			s.evict(e)
			return true
		}
	}
	return false
}

func (s *Store) evict(e *entry) {
	s.recent.Remove(e.place)
	delete(s.traces, e.id)
	s.spans -= len(e.spans)
}

// get returns the spans of a trace, each once; how many were dropped; and the traces that it is related to.
func (s *Store) get(id ID) (spans []otlp.Span, lost int, related []ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.traces[id]
	if e == nil {
		return nil, 0, nil
	}
	seen := make(map[[8]byte]bool, len(e.spans))
	for _, span := range e.spans {
		if !seen[span.ID] { // a sender that got no answer sends again
			seen[span.ID] = true
			spans = append(spans, span)
		}
	}
	return spans, e.lost, slices.Clone(e.related)
}

// Dropped returns how many spans were not stored, because their trace was too large or everything else in the store was pinned.
func (s *Store) Dropped() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dropped
}
