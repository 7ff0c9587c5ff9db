package collect

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/progress"
)

// follower is a client that is sent events.
type follower struct {
	server *Server
	after  int               // the last event that it has
	seen   *progress.Figures // the last that it has
	live   *live.Viewer      // for the page; nil if it wants none
	shown  int64             // the last message of the page that it has
	lines  *json.Encoder
	to     *http.ResponseController
}

// events sends what a client has missed, and then what is new, to the end of the run.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	f := &follower{server: s, lines: json.NewEncoder(w), to: http.NewResponseController(w)}
	query := r.URL.Query()
	var err error
	if f.after, err = strconv.Atoi(query.Get("after")); err != nil || f.after < 0 {
		http.Error(w, "want ?after=NUMBER of the last event that is known, or 0", http.StatusBadRequest)
		return
	}
	if query.Has("live") {
		if f.shown, err = strconv.ParseInt(query.Get("live"), 10, 64); err != nil || f.shown < 0 || !f.join() {
			http.Error(w, "want &live=NUMBER of the last message that the page has, or 0, and few enough who look on", http.StatusBadRequest)
			return
		}
		defer func() { f.live.Leave() }() // the last of them
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	f.follow(r)
}

// join has messages of the page come, after what the client has. It reports false if there are too many who look on.
func (f *follower) join() bool {
	v, ok := f.server.Live.Join(f.shown)
	if ok {
		f.live = v
	}
	return ok
}

// follow sends events to the end of the run, or of the client.
func (f *follower) follow(r *http.Request) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var page <-chan *live.Message
	if f.live != nil {
		page = f.live.Messages
	}
	changed, over := f.news()
	for over == nil {
		select {
		case <-changed:
			changed, over = f.news()
		case <-tick.C:
			over = f.send(Event{}) // the run goes on
		case m, ok := <-page:
			if !ok { // it was slow, and has missed something
				if !f.join() {
					return // it comes back
				}
				page = f.live.Messages
				continue
			}
			f.shown = max(f.shown, m.ID)
			over = f.send(Event{Live: m})
		case <-r.Context().Done():
			return
		}
	}
}

// errOver is the end of what is sent.
var errOver = errors.New("the run is over")

// news sends what is new, and returns what is closed when there is more.
func (f *follower) news() (changed <-chan struct{}, over error) {
	events, changed := f.server.news(f.after, f.seen)
	for _, e := range events {
		f.after = max(f.after, e.Number)
		if e.Figures != nil {
			f.seen = e.Figures
		}
		if err := f.lines.Encode(e); err != nil {
			return nil, err
		}
		if e.Over != nil {
			return nil, errOver
		}
	}
	return changed, f.to.Flush()
}

// send sends one event.
func (f *follower) send(e Event) error {
	if err := f.lines.Encode(e); err != nil {
		return err
	}
	return f.to.Flush()
}

// news returns what came after an event, and what is closed when there is more.
func (s *Server) news(after int, seen *progress.Figures) (events []Event, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events = append(events, s.kept[min(after, len(s.kept)):]...)
	if s.figures.Figures != nil && s.figures.Figures != seen {
		events = append(events, s.figures)
	}
	return events, s.changed
}
