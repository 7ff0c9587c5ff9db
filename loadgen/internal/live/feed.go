package live

import (
	"encoding/json"
	"fmt"

	"loadlab/loadgen/internal/result"
)

// Feed is what a page is fed with where nobody serves one: somebody elsewhere does, for whom Join has it, and a Server takes it there. One connection serves all viewers.
type Feed struct{ Watch }

// NewFeed returns the feed of a run that has not begun.
func NewFeed() *Feed { return &Feed{Watch{hub: newHub()}} }

// Join returns what comes after a message, and all if that is 0. It reports false if there are too many viewers.
func (f *Feed) Join(after int64) (*Viewer, bool) { return f.hub.join(after) }

// Take shows what the feed of a run has.
func (s *Server) Take(m *Message) error {
	err := s.take(m)
	if err != nil {
		err = fmt.Errorf("read the %s of the run: %w", m.Name, err)
	}
	return err
}

func (s *Server) take(m *Message) error {
	switch m.Name {
	case headMessage:
		var run result.Run
		if err := json.Unmarshal(m.Data, &run); err != nil {
			return err
		}
		s.hub.start(&run)
	case phaseMessage:
		var p Phase
		if err := json.Unmarshal(m.Data, &p); err != nil {
			return err
		}
		s.hub.status(p)
	case pointsMessage:
		var all []json.RawMessage
		if err := json.Unmarshal(m.Data, &all); err != nil {
			return err
		}
		changed := make([]entry, 0, len(all))
		for _, text := range all {
			var of struct {
				Phase string
				Mode  int
				At    *int
			}
			if err := json.Unmarshal(text, &of); err != nil {
				return err
			}
			k := key{of.Phase, of.Mode, whole}
			if of.At != nil {
				k.at = *of.At
			}
			changed = append(changed, entry{key: k, text: text})
		}
		s.hub.publish(changed)
	}
	return nil // one that is not known is of a later program
}
