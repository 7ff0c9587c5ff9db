package live

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"loadlab/loadgen/internal/listen"
	"loadlab/loadgen/internal/result"
)

// Flag is the flag of loadgen by which the address of the page is chosen.
const Flag = "--live"

// TokenHeader is what a request to stop carries: a page of another origin can neither read the token nor send the header.
const TokenHeader = "Loadgen-Token"

const (
	// writeLimit is how long a viewer may take to read an event.
	writeLimit = 5 * time.Second
	// lastEvent is how long viewers may take to read the report when the run has ended.
	lastEvent = 2 * time.Second
	// headerLimit bounds the reading of a request.
	headerLimit = 2 * time.Second
)

// Page makes the page of a run under way.
type Page func(run *result.Run, token string) ([]byte, error)

// Server serves the page of one run, or of one A/B test.
type Server struct {
	Watch // what a run measures goes there

	stopRun func()
	token   string
	http    *http.Server
	serving sync.WaitGroup

	mu    sync.Mutex // guards shown
	shown []byte     // the page as it is: of a run that of its report, nil until it has ended
}

// Serve serves the page on addr, such as "127.0.0.1:0", until Close, and returns its address. stop is called when a viewer wants the run to end. An error is one line
// that names the flag.
func Serve(ctx context.Context, addr string, live Page, stop func()) (s *Server, url string, err error) {
	ln, host, err := listen.On(ctx, addr, "the page", Flag)
	if err != nil {
		return nil, "", err
	}
	s = &Server{Watch: Watch{hub: newHub()}, stopRun: stop, token: rand.Text()}
	s.hub.page = func(run *result.Run) ([]byte, error) { return live(run, s.token) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /events", s.events)
	mux.HandleFunc("POST /stop", s.stopped)
	s.http = &http.Server{Handler: known(mux), ReadHeaderTimeout: headerLimit}
	s.serving.Go(func() { _ = s.http.Serve(ln) }) // it returns http.ErrServerClosed
	return s, "http://" + host + "/", nil
}

// known refuses requests to a name: one that another page had resolved to this address could read ours.
func known(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = r.Host
		}
		if host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "use the address, not a name", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// page is the page: of the run, or of its report when it has ended.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.hub.started: // it comes up
	case <-r.Context().Done():
		return
	}
	s.mu.Lock()
	page := s.shown
	s.mu.Unlock()
	if page == nil {
		var err error
		if page, err = s.hub.underWay(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Frame-Options", "DENY") // nobody is made to press the button
	_, _ = w.Write(page)                      // who has gone misses nothing
}

// events sends what a viewer has missed, and then what is new.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	seen, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64)
	if err != nil {
		seen = 0 // it knows nothing
	}
	v, ok := s.hub.join(seen)
	if !ok {
		http.Error(w, "too many viewers", http.StatusServiceUnavailable)
		return
	}
	defer v.Leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	to := http.NewResponseController(w)
	if _, err := w.Write([]byte("retry: 1000\n\n")); err != nil || to.Flush() != nil {
		return
	}
	for {
		select {
		case m, ok := <-v.Messages:
			if !ok {
				return
			}
			if m.Name == headMessage {
				continue // the page has it
			}
			_ = to.SetWriteDeadline(time.Now().Add(writeLimit)) // a server of ours has deadlines
			if _, err := w.Write(m.text); err != nil || to.Flush() != nil {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}

// stopped ends the run, as Ctrl-C does.
func (s *Server) stopped(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(TokenHeader)), []byte(s.token)) != 1 {
		http.Error(w, "not from the page", http.StatusForbidden)
		return
	}
	s.stopRun()
	w.WriteHeader(http.StatusNoContent)
}

// Finish makes the page the report; the event is what makes a page under way that one.
func (s *Server) Finish(page, event []byte) error {
	s.Stopped()
	return s.show("report", page, event, s.hub.finish)
}

// show makes the page another one, and sends viewers the event that makes theirs the same.
func (s *Server) show(name string, page, event []byte, send func(name string, data []byte)) error {
	text, err := json.Marshal(string(event)) // one line, as an event wants it
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.shown = page
	s.mu.Unlock()
	s.hub.begin()
	send(name, text)
	return nil
}

// Close ends the server. Viewers get what is queued for them, for a moment.
func (s *Server) Close(ctx context.Context) error {
	s.hub.finish("", nil)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastEvent)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = s.http.Close()
	}
	s.serving.Wait()
	return err
}
