package keep

import "loadlab/loadgen/internal/trace/otlp"

// Get returns what is in the store of a trace.
func Get(s *Store, id ID) (spans []otlp.Span, lost int, related []ID) { return s.get(id) }

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
