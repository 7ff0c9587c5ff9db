package ping_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/world/link"
	"loadlab/loadgen/internal/world/ping"
)

func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(16) // each link keeps a processor for itself
	os.Exit(m.Run())
}

// through puts a link of 1 ms before a server.
func through(t *testing.T, listen, to link.Addr) link.Addr {
	t.Helper()
	l, err := link.Listen(t.Context(), link.Config{Listen: listen, To: to, Wire: link.Wire{RTT: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr()
}

// far holds a median against the link's millisecond: at least that, and not that of another order. How near a link comes is measured by make
// bench-link, on a quiet machine.
func far(t *testing.T, took []time.Duration, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s := ping.Summarize(took)
	t.Logf("through a link of 1 ms: %+v", s)
	if s.N != ping.Enough || s.Median < 900*time.Microsecond || s.Median > 100*time.Millisecond || s.P99 < s.Median {
		t.Errorf("got %+v, want %d pings of a millisecond", s, ping.Enough)
	}
}

func TestRedis(t *testing.T) {
	r, err := localserver.StartRedis(t.Context(), localserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Stop(); err != nil {
			t.Error(err)
		}
	})
	addr := through(t, link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, link.Addr{Network: "tcp", Address: r.Addr()})
	took, err := ping.Redis(t.Context(), "redis://"+addr.Address+"/0", ping.Enough)
	far(t, took, err)
	near, err := ping.Redis(t.Context(), r.URL(), 20)
	if s := ping.Summarize(near); err != nil || s.N != 20 || s.Min <= 0 || s.Min > s.Median || s.P99 != 0 {
		t.Errorf("without a link: got %+v, %v", s, err)
	}
	if _, err := ping.Redis(t.Context(), "redis://:secret@"+r.Addr(), 1); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "AUTH") {
		t.Errorf("a password where there is none: got %v", err)
	}
}

func TestPostgres(t *testing.T) {
	pg, err := localserver.StartPostgres(t.Context(), localserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pg.Stop(); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, listen := range []link.Addr{{Network: "tcp", Address: "127.0.0.1:0"}, {Network: "unix", Address: filepath.Join(dir, ".s.PGSQL.5432")}} {
		addr := through(t, listen, link.Addr{Network: "tcp", Address: u.Host})
		at := *u
		if at.Host = addr.Address; addr.Network == "unix" {
			at.Host = ""
			at.RawQuery = url.Values{"host": {dir}, "port": {"5432"}, "sslmode": {"disable"}}.Encode()
		}
		took, err := ping.Postgres(t.Context(), at.String(), ping.Enough)
		far(t, took, err)
	}
}

// A server that never answers is waited for until the context ends.
func TestCancel(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, ask := range []func(ctx context.Context) error{
		func(ctx context.Context) error {
			_, err := ping.Redis(ctx, "redis://"+ln.Addr().String(), 1)
			return err
		},
		func(ctx context.Context) error {
			_, err := ping.Postgres(ctx, "postgres://lab@"+ln.Addr().String()+"/lab?sslmode=disable", 1)
			return err
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 1)
		go func() { got <- ask(ctx) }()
		conn, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bufio.NewReader(conn).ReadByte(); err != nil { // it has asked
			t.Fatal(err)
		}
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want %v", err, context.Canceled)
		}
		conn.Close()
	}
}

func TestSummarize(t *testing.T) {
	all := make([]time.Duration, 200)
	for i := range all {
		all[i] = time.Duration(200 - i)
	}
	if got, want := ping.Summarize(all), (ping.Summary{N: 200, Min: 1, Median: 100, P99: 198}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := ping.Summarize(nil); got != (ping.Summary{}) {
		t.Errorf("of nothing: got %+v", got)
	}
}

func TestParseRedis(t *testing.T) {
	for text, want := range map[string]string{
		"redis://127.0.0.1:7000/0": "tcp 127.0.0.1:7000", "redis://": "tcp localhost:6379", "rediss://[::1]:1": "tcp [::1]:1", "unix:///run/redis": "unix /run/redis",
	} {
		if got, _, err := ping.ParseRedis(text); err != nil || got != want {
			t.Errorf("%s: got %q, %v; want %q", text, got, err, want)
		}
	}
	if _, auth, err := ping.ParseRedis("redis://me:pass@host"); err != nil || !slices.Equal(auth, []string{"AUTH", "me", "pass"}) {
		t.Errorf("got %q, %v; want a log-in", auth, err)
	}
	for _, text := range []string{"", "http://x", "unix://host", "redis://:secret@ho st"} {
		if _, _, err := ping.ParseRedis(text); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

func FuzzParseRedis(f *testing.F) {
	f.Add("redis://me:pass@host:1/0")
	f.Add("unix:///run/redis?db=1")
	f.Fuzz(func(t *testing.T, text string) {
		if address, _, err := ping.ParseRedis(text); err == nil && len(address) < len("tcp x") {
			t.Errorf("%q: got the address %q", text, address)
		}
	})
}
