package keep

import "loadlab/loadgen/internal/trace/otlp"

// Get returns what is in the store of a trace.
func Get(s *Store, id ID) (spans []otlp.Span, lost int, related []ID) { return s.get(id) }

// Size returns how many traces and spans are in the store.
func Size(s *Store) (traces, spans int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.traces), s.spans
}

// Wanted returns the ids of the requests that are kept as things are.
func (k *Keeper) Wanted() []ID {
	var ids []ID
	for _, p := range k.picks() {
		ids = append(ids, p.sample.TraceID)
	}
	return ids
}

// Held counts the traces that are pinned or held.
func Held(s *Store) int {
	n := 0
	for _, e := range s.traces {
		if e.pins > 0 || e.held > 0 || e.place == nil {
			n++
		}
	}
	return n
}

// Count counts the spans in the store one by one.
func Count(s *Store) int {
	n := 0
	for _, e := range s.traces {
		n += len(e.spans)
	}
	return n
}
