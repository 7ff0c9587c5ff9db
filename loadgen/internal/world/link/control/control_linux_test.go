package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/world/link"
	"loadlab/loadgen/internal/world/link/control"
)

func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(64) // each link keeps a processor for itself
	os.Exit(m.Run())
}

// server accepts connections and keeps them open, and returns its address.
func server(t testing.TB) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return "tcp:" + ln.Addr().String()
}

// process runs the program in this process until the test ends or stdin does, and returns what it wrote when it was ready.
func process(t *testing.T, stdin io.Reader, args ...string) (ready control.Ready, ended chan error, log *testkit.Log) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "ready.json")
	ctx, cancel := context.WithCancel(context.Background())
	log = &testkit.Log{}
	ended = make(chan error, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		ended <- control.Main(ctx, append(args, "--ready-file="+file), stdin, log)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	testkit.Eventually(t, "it is ready", func() bool {
		select {
		case err := <-ended:
			t.Fatalf("it ended: %v", err)
		default:
		}
		text, err := os.ReadFile(file)
		return err == nil && json.Unmarshal(text, &ready) == nil
	})
	return ready, ended, log
}

func client(t *testing.T, addr link.Addr) *control.Client {
	t.Helper()
	c, err := control.Dial(addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Two links in one process, over a Unix socket and TCP: each has a wire and a fault of its own.
func TestControl(t *testing.T) {
	for _, address := range []string{"tcp:127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "control")} {
		to := server(t)
		ready, _, _ := process(t, nil, "--control="+address, "--rtt=1ms", "--link=database=tcp:127.0.0.1:0,"+to, "--link=redis=tcp:127.0.0.1:0,"+to+",rtt=200us")
		c, ctx := client(t, ready.Control), t.Context()
		all, err := c.Links(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 2 || all[0] != ready.Links[0] || all[1] != ready.Links[1] || ready.PID != os.Getpid() {
			t.Errorf("got the links %+v, want %+v of this process", all, ready)
		}
		if all[0].Name != "database" || all[0].Wire.RTT != time.Millisecond || all[1].Name != "redis" || all[1].Wire.RTT != 200*time.Microsecond || all[1].To.String() != to {
			t.Errorf("got %+v, want the links of the command line", all)
		}
		wire := link.Wire{RTT: 3 * time.Millisecond, Jitter: time.Millisecond, Bandwidth: 1 << 20}
		if s, err := c.Set(ctx, "redis", wire); err != nil || s.Wire != wire {
			t.Errorf("got %+v, %v; want the wire %+v", s, err, wire)
		}
		if s, err := c.Link(ctx, "database"); err != nil || s != all[0] {
			t.Errorf("got %+v, %v; want it as it was", s, err)
		}
		conn, err := net.Dial("tcp", all[1].Listen.Address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		testkit.Eventually(t, "it is open", func() bool { s, err := c.Link(ctx, "redis"); return err == nil && s.Stats.Open == 1 })
		if e, err := c.Begin(ctx, "redis", link.Fault{Kind: "refuse"}); err != nil || e.Refused != 1 || e.Resets != 1 || e.Ended != nil {
			t.Errorf("got %+v, %v; want one connection reset and one refused", e, err)
		}
		if s, err := c.Link(ctx, "redis"); err != nil || s.Fault == nil || s.Fault.Fault.Kind != "refuse" || s.Stats.Open != 0 {
			t.Errorf("got %+v, %v; want the fault", s, err)
		}
		if e, err := c.End(ctx, "redis"); err != nil || e.Refused != 2 || e.Ended == nil || e.Nothing() {
			t.Errorf("got %+v, %v; want that it has ended", e, err)
		}
	}
}

// What is refused, and in which words.
func TestRefusals(t *testing.T) {
	ready, _, _ := process(t, nil, "--control=tcp:127.0.0.1:0", "--link=redis=tcp:127.0.0.1:0,"+server(t))
	url := "http://" + ready.Control.Address
	for _, c := range []struct {
		method, path, body string
		code               int
		want               string
	}{
		{"GET", "/links/database", "", 404, `there is no link \"database\": there are redis`},
		{"PUT", "/links/redis", `{"rtt": "1ms", "delay": "1ms"}`, 400, `unknown field \"delay\"`},
		{"PUT", "/links/redis", `{"rtt": "1h"}`, 400, "must be from 0 to 10s"},
		{"PUT", "/links/redis", `{"rtt": "1ms"} {}`, 400, "after top-level value"},
		{"PUT", "/links/redis", "", 400, "unexpected end"},
		{"PUT", "/links/redis", `"` + strings.Repeat("x", 70<<10) + `"`, 400, "too large"},
		{"POST", "/links/redis/fault", `{"kind": "explode"}`, 400, "there are refuse, hang, slow, cut, half-open"},
		{"POST", "/links/redis/fault", `{"kind": "hang", "share": 2}`, 400, "at most 1"},
		{"DELETE", "/links/redis/fault", "", 409, "there is no fault to end"},
		{"POST", "/links/redis/fault", `{"kind": "hang"}`, 200, `"kind": "hang"`},
		{"POST", "/links/redis/fault", `{"kind": "cut"}`, 409, "a fault lasts already: hang since"},
		{"DELETE", "/links/redis/fault", "", 200, `"ended"`},
		{"POST", "/links", "", 405, "Method Not Allowed"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.code || !strings.Contains(string(text), c.want) {
			t.Errorf("%s %s %.40s: got %d %s, %v; want %d and %q", c.method, c.path, c.body, resp.StatusCode, text, err, c.code, c.want)
		}
	}
	var refused *control.StatusError
	if _, err := client(t, ready.Control).End(t.Context(), "redis"); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("got %v, want a 409", err)
	}
}

// The process ends with its parent, and says what it did.
func TestEndsWithItsParent(t *testing.T) {
	in, parent := io.Pipe()
	_, ended, log := process(t, in, "--with-parent", "--listen=tcp:127.0.0.1:0", "--to="+server(t))
	parent.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if got := log.String(); !strings.Contains(got, "link: 0 bytes over 0 connections") {
		t.Errorf("got %q, want its totals", got)
	}
}

func TestCheck(t *testing.T) {
	ready, _, _ := process(t, nil, "--control=tcp:127.0.0.1:0", "--listen=tcp:127.0.0.1:0", "--to="+server(t))
	if err := control.Main(t.Context(), []string{"--check=" + ready.Control.String()}, nil, io.Discard); err != nil {
		t.Error(err)
	}
	nobody := "unix:" + filepath.Join(t.TempDir(), "nobody")
	if err := control.Main(t.Context(), []string{"--check=" + nobody}, nil, io.Discard); err == nil || !strings.Contains(err.Error(), "is loadgen link --control="+nobody+" running?") {
		t.Errorf("got %v, want a question", err)
	}
}

func TestUsage(t *testing.T) {
	for line, want := range map[string]string{
		"--link=a=tcp::0,tcp::1 --link=a=tcp::0,tcp::1": `there are two links "a"`, "--link=a=tcp::0,tcp::1 --to=tcp::1": "either them or --link",
		"--listen=tcp::0 --to=tcp::1 more": "flags only", "--control=8474": "is neither tcp:HOST:PORT nor unix:PATH", "--link=a": "is not NAME=LISTEN,TO",
	} {
		err := control.Main(t.Context(), strings.Fields(line), nil, io.Discard)
		if !errors.As(err, new(control.UsageError)) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", line, err, want)
		}
	}
	if err := control.Main(t.Context(), []string{"-h"}, nil, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: got %v", err)
	}
	taken := server(t)
	for _, line := range []string{"--control=" + taken + " --listen=tcp:127.0.0.1:0 --to=" + taken, "--listen=" + taken + " --to=" + taken,
		"--ready-file=/no/where --listen=tcp:127.0.0.1:0 --to=" + taken} {
		if err := control.Main(t.Context(), strings.Fields(line), nil, io.Discard); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got %v, want an error of one line", line, err)
		}
	}
}

// Whatever is sent to the API, it answers in JSON, and with 400 or 409 if it did nothing.
func FuzzBodies(f *testing.F) {
	ctx, cancel := context.WithCancel(context.Background())
	f.Cleanup(cancel)
	to, err := link.ParseAddr(server(f))
	if err != nil {
		f.Fatal(err)
	}
	l, err := link.Listen(ctx, link.Config{Name: "redis", Listen: link.Addr{Network: "tcp", Address: "127.0.0.1:0"}, To: to})
	if err != nil {
		f.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- l.Serve(ctx) }()
	f.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			f.Error(err)
		}
	})
	handler := control.Links{l}.Handler()
	for _, seed := range []string{`{"kind":"hang","share":0.5}`, `{"kind":"slow","delay":"1ms"}`, `{"rtt":"1ms"}`, `{}`, `null`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodPut, "/links/redis", strings.NewReader(string(body))),
			httptest.NewRequest(http.MethodPost, "/links/redis/fault", strings.NewReader(string(body))),
			httptest.NewRequest(http.MethodDelete, "/links/redis/fault", nil),
		} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != 200 && w.Code != 400 && w.Code != 409 || !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: got %d %s", r.Method, w.Code, w.Body)
			}
		}
	})
}
