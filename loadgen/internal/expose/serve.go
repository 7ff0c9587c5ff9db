package expose

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"loadlab/loadgen/internal/listen"
)

// Flag is the flag of loadgen by which the address of its metrics is chosen.
const Flag = "--metrics-addr"

// Path is where the metrics are.
const Path = "/metrics"

const (
	// scraping is how recent the last scrape must be for a scraper to be there, and nextScrape how long one more is waited for.
	scraping   = 3 * time.Second
	nextScrape = 3 * time.Second
	// shutdownLimit is how long a scrape under way may take to end.
	shutdownLimit = time.Second
)

// Serve serves the metrics on addr, such as "127.0.0.1:9464", until stop is called or ctx ends, and returns the address they have. An
// error is one line that names the flag.
//
// If there are scrapers, stop waits for one scrape more of each, for a moment: what was counted since the last one would be lost. It does not where ctx has ended, so
// that ctx is not that of a run that may be interrupted.
func (e *Exporter) Serve(ctx context.Context, addr string) (url string, stop func(), err error) {
	return e.server.serve(ctx, addr)
}

func (s *server) serve(ctx context.Context, addr string) (url string, stop func(), err error) {
	ln, host, err := listen.On(ctx, addr, "metrics", Flag)
	if err != nil {
		return "", nil, err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.http.Serve(ln) // it returns http.ErrServerClosed after Shutdown or Close
	}()
	var once sync.Once
	stop = func() {
		once.Do(func() { s.stop(ctx) })
		<-ended
	}
	context.AfterFunc(ctx, stop)
	return "http://" + host + Path, stop, nil
}

// Await waits until what there is now has been scraped by everybody, and then until the next scrape: in between, what is scraped as often, as the app is, has been too. It waits
// for a moment, also where nobody has scraped yet, as a Prometheus may be about to. What a counter had counted before its first scrape is in no rate, so that a
// load begins after one.
func (e *Exporter) Await(ctx context.Context) {
	if e != nil {
		e.server.await(ctx, 1+e.server.scrapers())
	}
}

// server serves scrapes, and knows whether there are any.
type server struct {
	http    *http.Server
	metrics http.Handler
	lasting *lasting

	mu      sync.Mutex  // guards the rest
	begun   []time.Time // of the last scrapes
	waiters []*waiter
}

// waiter waits for the end of scrapes that begin after it came.
type waiter struct {
	left int
	done chan struct{} // closed when none is left
}

// remembered is how many scrapes are, which is more than there are in a second.
const remembered = 16

func newServer(reg *prometheus.Registry, l *lasting) *server {
	s := &server{lasting: l, metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		EnableOpenMetrics:  true, // exemplars need it
		DisableCompression: true, // it would cost the generator more than the loopback saves
	})}
	mux := http.NewServeMux()
	mux.Handle(Path, s)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: shutdownLimit}
	return s
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	waiters := slices.Clone(s.waiters)
	s.begun = append(s.begun[max(0, len(s.begun)+1-remembered):], time.Now())
	s.mu.Unlock()
	entries := s.lasting.about()
	s.metrics.ServeHTTP(w, r)
	s.lasting.saw(entries)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range waiters {
		if x.left--; x.left == 0 {
			close(x.done)
			s.waiters = slices.DeleteFunc(s.waiters, func(o *waiter) bool { return o == x })
		}
	}
}

// await waits, for a moment, for the end of n scrapes that have not begun yet.
func (s *server) await(ctx context.Context, n int) {
	x := &waiter{left: n, done: make(chan struct{})}
	s.mu.Lock()
	s.waiters = append(s.waiters, x)
	s.mu.Unlock()
	over := time.NewTimer(nextScrape)
	defer over.Stop()
	select {
	case <-x.done:
	case <-over.C:
	case <-ctx.Done():
	}
}

// scrapers returns about how many scrapers there are, if each scrapes once a second, as the lab's Prometheus does: at least 1.
func (s *server) scrapers() int { return max(1, s.scrapesSince(time.Now().Add(-time.Second))) }

func (s *server) scrapesSince(at time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, t := range s.begun {
		if t.After(at) {
			n++
		}
	}
	return n
}

// stop ends the server after each scraper has scraped once more, if there are any.
func (s *server) stop(ctx context.Context) {
	if s.scrapesSince(time.Now().Add(-scraping)) > 0 {
		s.await(ctx, s.scrapers())
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
