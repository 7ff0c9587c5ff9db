package collect

import (
	"bytes"
	"context"
	"crypto/subtle"
	"net/http"
	"sync"
	"time"

	"loadlab/loadgen/internal/listen"
	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/progress"
)

// Flag is the flag of loadgen by which the address of a Server is chosen.
const Flag = "--collect-at"

const (
	// beat is how often a client hears of a run in which nothing happens, and how often it has new figures.
	beat = time.Second
	// lastCall is how long results wait when the process is to end: a pod has a minute, of which the end of the run takes some.
	lastCall = 20 * time.Second
	// headerLimit bounds the reading of a request.
	headerLimit = 5 * time.Second
)

// Server offers one run. It shows progress as package progress does, and takes the lines of a log.
type Server struct {
	Live *live.Feed // the run's: who wants it shows a page of it

	token   string
	stop    func()
	http    *http.Server
	serving sync.WaitGroup

	done     chan struct{} // closed when the results are home
	doneOnce sync.Once

	mu      sync.Mutex    // guards all below
	kept    []Event       // that every client gets
	figures Event         // the latest
	changed chan struct{} // closed, and another made, when there is something new
	report  []byte        // run.json
	partial []byte        // a line of the log that is not at its end
}

// Serve offers a run on addr, such as "127.0.0.1:7947", until Close. stop is called when a client wants the run to end.
func Serve(ctx context.Context, addr string, secret []byte, stop func()) (*Server, error) {
	s := &Server{Live: live.NewFeed(), stop: stop, done: make(chan struct{}), changed: make(chan struct{})}
	var err error
	if s.token, err = token(secret); err != nil {
		return nil, err
	}
	ln, _, err := listen.On(ctx, addr, "the results", Flag)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+eventsPath, s.events)
	mux.HandleFunc("GET "+reportPath, s.sendReport)
	mux.HandleFunc("POST "+stopPath, func(http.ResponseWriter, *http.Request) { s.stop() })
	mux.HandleFunc("POST "+donePath, func(http.ResponseWriter, *http.Request) { s.doneOnce.Do(func() { close(s.done) }) })
	s.http = &http.Server{Addr: ln.Addr().String(), Handler: s.trusted(mux), ReadHeaderTimeout: headerLimit}
	s.serving.Go(func() { _ = s.http.Serve(ln) }) // it returns http.ErrServerClosed
	return s, nil
}

// Addr is where it listens.
func (s *Server) Addr() string { return s.http.Addr }

// trusted refuses who has not the token.
func (s *Server) trusted(next http.Handler) http.Handler {
	want := []byte("Bearer " + s.token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			http.Error(w, "this is another run: the token does not follow from its secret", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Begin shows a phase, as run.Progress does.
func (s *Server) Begin(h progress.Heading, figures func() progress.Figures) (end func(progress.Figures)) {
	s.keep(Event{Begin: &h})
	stop := make(chan struct{})
	var ticker sync.WaitGroup
	ticker.Go(func() {
		tick := time.NewTicker(beat)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				f := figures()
				s.mu.Lock()
				s.figures = Event{Figures: &f}
				s.wake()
				s.mu.Unlock()
			case <-stop:
				return
			}
		}
	})
	return func(last progress.Figures) {
		close(stop)
		ticker.Wait()
		s.mu.Lock()
		s.figures = Event{}
		s.mu.Unlock()
		s.keep(Event{End: &last})
	}
}

// Write takes what goes to the log.
func (s *Server) Write(b []byte) (int, error) {
	s.mu.Lock()
	text := append(s.partial, b...)
	var lines []string
	for {
		line, rest, found := bytes.Cut(text, []byte("\n"))
		if !found {
			break
		}
		lines, text = append(lines, string(line)), rest
	}
	s.partial = text
	s.mu.Unlock()
	for _, line := range lines {
		s.keep(Event{Log: line})
	}
	return len(b), nil
}

// Over ends the events. report is run.json; empty if there is none.
func (s *Server) Over(o Over, report []byte) {
	o.Report = len(report) > 0
	s.mu.Lock()
	s.report = report
	s.mu.Unlock()
	s.keep(Event{Over: &o})
}

// Await waits until the results are home, for a time at most, and reports whether they are. When ctx ends, there are some seconds left for it: who has a pod ended may want
// what it has.
func (s *Server) Await(ctx context.Context, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-s.done:
		return true
	case <-timer.C:
		return false
	case <-ctx.Done():
	}
	timer.Reset(min(limit, lastCall))
	select {
	case <-s.done:
		return true
	case <-timer.C:
		return false
	}
}

// Close ends the server, when what is being sent has been, or ctx ends.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.serving.Wait()
	return err
}

// keep adds an event that every client gets.
func (s *Server) keep(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.Number = len(s.kept) + 1
	s.kept = append(s.kept, e)
	s.wake()
}

// wake has every client look. The caller holds mu.
func (s *Server) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// sendReport sends run.json.
func (s *Server) sendReport(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	report := s.report
	s.mu.Unlock()
	if len(report) == 0 {
		http.Error(w, "there is no report yet", http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(report) // who has gone asks again
}
