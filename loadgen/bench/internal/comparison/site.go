package comparison

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"loadlab/loadgen/internal/client/tinyserver"
)

// site is the server, and the witness of what the generators do.
type site struct {
	url  string
	stop func() error

	mu       sync.Mutex // guards all below
	requests int64
	keep     bool
	arrivals []time.Time // while keep is set
}

// newSite starts the server; its stop is called at the end.
func newSite(ctx context.Context) (*site, error) {
	var cfg net.ListenConfig
	ln, err := cfg.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{url: "http://" + ln.Addr().String()}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	server := tinyserver.Server{Seen: s.seen}
	go func() { ended <- server.Serve(ctx, ln) }()
	s.stop = func() error {
		cancel()
		return <-ended
	}
	return s, nil
}

func (s *site) seen([]byte) {
	s.mu.Lock()
	s.requests++
	if s.keep {
		s.arrivals = append(s.arrivals, time.Now())
	}
	s.mu.Unlock()
}

// watch forgets what was, and keeps the moments of arrival from now on if keep is set.
func (s *site) watch(keep bool) {
	s.mu.Lock()
	s.requests, s.keep, s.arrivals = 0, keep, s.arrivals[:0]
	s.mu.Unlock()
}

// watched returns what has been seen since watch.
func (s *site) watched() (requests int64, arrivals []time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests, slices.Clone(s.arrivals)
}
