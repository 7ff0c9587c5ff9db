package expose

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Flag is the flag of loadgen by which the address of its metrics is chosen.
const Flag = "--metrics-addr"

// Path is where the metrics are.
const Path = "/metrics"

const (
	// scraping is how recent the last scrape must be for a scraper to be there, and lastScrape how long one more is waited for.
	scraping   = 3 * time.Second
	lastScrape = 2 * time.Second
	// shutdownLimit is how long a scrape under way may take to end.
	shutdownLimit = time.Second
)

// Serve serves the metrics on addr, such as "127.0.0.1:9464", until stop is called or ctx ends, and returns the address they have. An
// error is one line that names the flag.
//
// If there is a scraper, stop waits for one scrape more, for a moment: what was counted since the last one would be lost.
func (e *Exporter) Serve(ctx context.Context, addr string) (url string, stop func(), err error) {
	var cfg net.ListenConfig
	ln, err := cfg.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", nil, fmt.Errorf("serve metrics: %w; %s chooses another address", err, Flag)
	}
	s := &server{
		metrics: promhttp.HandlerFor(e.reg, promhttp.HandlerOpts{
			EnableOpenMetrics:  true, // exemplars need it
			DisableCompression: true, // it would cost the generator more than the loopback saves
		}),
		final: make(chan struct{}, 1),
	}
	mux := http.NewServeMux()
	mux.Handle(Path, s)
	s.http = &http.Server{Handler: mux, ReadHeaderTimeout: shutdownLimit}
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
	return "http://" + reachable(ln.Addr()) + Path, stop, nil
}

// reachable is an address that a browser understands.
func reachable(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if ok && tcp.IP.IsUnspecified() {
		return fmt.Sprintf("localhost:%d", tcp.Port)
	}
	return addr.String()
}

// server serves scrapes, and knows whether there are any.
type server struct {
	http    *http.Server
	metrics http.Handler
	last    atomic.Int64  // Unix time in nanoseconds of the last scrape
	closing atomic.Bool   // nothing will be counted any more
	final   chan struct{} // a scrape that began after that has ended
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	closing := s.closing.Load()
	s.metrics.ServeHTTP(w, r)
	s.last.Store(time.Now().UnixNano())
	if closing {
		select {
		case s.final <- struct{}{}:
		default:
		}
	}
}

// stop ends the server after one scrape more, if there is a scraper to make it.
func (s *server) stop(ctx context.Context) {
	s.closing.Store(true)
	if time.Since(time.Unix(0, s.last.Load())) < scraping {
		wait := time.NewTimer(lastScrape)
		defer wait.Stop()
		select {
		case <-s.final:
		case <-wait.C:
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownLimit)
	defer cancel()
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close()
	}
}
