package client_test

import (
	"flag"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/client/tinyserver"
	"loadlab/loadgen/internal/measure"
)

// server of BenchmarkClosed: one in another process, on another core, or else the CPU time is both sides'.
var benchURL = flag.String("url", "", "benchmark against this server, which answers /N with N bytes as package tinyserver does")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestAllocations: the steady state allocates nothing, whatever the framing, and neither do counting, tracing and asking whether a copy is current.
func TestAllocations(t *testing.T) {
	head := "HTTP/1.1 200 OK\r\nServer-Timing: sql;desc=\"62\";dur=38.2, total;dur=44.1\r\nCache-Status: loadlab; hit; ttl=41\r\nAge: 19\r\n" +
		"ETag: \"0123456789abcdef\"\r\nCache-Control: public, max-age=60, stale-while-revalidate=10, stale-if-error=10\r\n"
	large := string(make([]byte, 48_000))
	for name, response := range map[string]string{
		"sized":   head + "Content-Length: 2\r\n\r\nok",
		"large":   head + "Content-Length: 48000\r\n\r\n" + large,
		"chunked": head + "Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\nbb80\r\n" + large + "\r\n0\r\nA: b\r\n\r\n",
	} {
		bytes := []byte(response)
		testAllocations(t, name, bytes, client.Spec{Path: "/"})
		testAllocations(t, name+", conditional", bytes, client.Spec{Path: "/", Copies: new(client.Copies)})
	}
	small := []byte(head + "Content-Type: text/html; charset=utf-8\r\nContent-Length: 2\r\n\r\nok")
	testAllocations(t, "three variables", small, client.Spec{Path: "/{{a}}?b={{b}}", Header: http.Header{"C": {"{{c}}"}}, Data: []client.Variable{
		variable(t, "a", "1", "22"), variable(t, "b", "x y", "z"), variable(t, "c", "c"),
	}})
	testAllocations(t, "checks", small, client.Spec{Path: "/", Check: client.Check{
		MinLength: 1, MaxLength: 5, Text: []string{"ok"}, Without: []string{"a text that is longer than 32 bytes, which a stack has room for"},
		Headers: []client.HeaderCheck{{Name: "Content-Type", Value: "text/*"}, {Name: "Age", Value: "19"}},
	}})
}

func testAllocations(t *testing.T, name string, response []byte, spec client.Spec) {
	t.Helper()
	s := serve(t, func(p *peer) {
		buf := make([]byte, 1024)
		for {
			if _, err := p.Read(buf); err != nil {
				return
			}
			if _, err := p.Write(response); err != nil {
				return
			}
		}
	})
	h := newHarness(t, s.addr, client.Options{Phases: true, Sampler: client.NewBudget(10)}, spec)
	ctx := t.Context()
	n := testing.AllocsPerRun(500, func() {
		if h.Call(ctx, 0, time.Now().Add(patience), &h.out); h.out.Kind != measure.OK {
			t.Fatal(h.out.Kind)
		}
	})
	if want := spec.Copies != nil; h.out.Conditional != want {
		t.Errorf("%s: conditional %t, want %t", name, h.out.Conditional, want)
	}
	if n != 0 {
		t.Errorf("%s: %v allocations per request, want none", name, n)
	}
}

func BenchmarkCall(b *testing.B) {
	for _, size := range []string{"200", "48000"} {
		b.Run(size, func(b *testing.B) {
			t, req := benchTarget(b, size)
			c := client.New(t, 1, []*client.Request{req})
			defer c.Close()
			var out measure.Outcome
			b.ReportAllocs()
			for b.Loop() {
				if c.Call(b.Context(), 0, time.Now().Add(patience), &out); out.Kind != measure.OK {
					b.Fatal(out.Kind, out.Err)
				}
			}
		})
	}
}

// BenchmarkRequest is what variables and bodies cost beside a plain request: the same call of a small page.
func BenchmarkRequest(b *testing.B) {
	body := strings.Repeat(`{"name": "a body of some length", "price": "450000.00"}`, 400) // 22 KB
	for _, bm := range []struct {
		name string
		spec client.Spec
	}{
		{"plain", client.Spec{Path: "/200"}},
		{"variables", client.Spec{
			Path: "/200?id={{id}}&city={{city}}", Header: http.Header{"X-User": {"user {{user}}"}},
			Data: []client.Variable{variable(b, "id", "1", "22", "333"), variable(b, "city", "Berlin", "New York"), variable(b, "user", "ann", "bob", "cid")},
		}},
		{"environment", client.Spec{Path: "/200?t=${TOKEN}", Header: http.Header{"Authorization": {"Bearer ${TOKEN}"}}, Env: map[string]string{"TOKEN": "s3cret"}}},
		{"body", client.Spec{Path: "/200", Method: "POST", Body: []byte(body)}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			t := tinyTarget(b)
			req, err := t.Prepare(bm.spec)
			if err != nil {
				b.Fatal(err)
			}
			c := client.New(t, 1, []*client.Request{req})
			defer c.Close()
			var out measure.Outcome
			var k int64
			before := cpu(b)
			b.ReportAllocs()
			for b.Loop() {
				c.Draw(1, k, 0)
				k++
				if c.Call(b.Context(), 0, time.Now().Add(patience), &out); out.Kind != measure.OK {
					b.Fatal(out.Kind, out.Err)
				}
			}
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-us/req")
		})
	}
}

// BenchmarkClosed is a closed loop of 50 connections, and reports the CPU time of this process per request.
func BenchmarkClosed(b *testing.B) {
	for _, size := range []string{"200", "48000"} {
		b.Run(size, func(b *testing.B) {
			t, req := benchTarget(b, size)
			var left atomic.Int64
			left.Store(int64(b.N))
			var open sync.WaitGroup
			before := cpu(b)
			for i := range 50 {
				open.Go(func() {
					c := client.New(t, uint64(i), []*client.Request{req})
					defer c.Close()
					var out measure.Outcome
					for left.Add(-1) >= 0 {
						if c.Call(b.Context(), 0, time.Now().Add(patience), &out); out.Kind != measure.OK {
							b.Error(out.Kind, out.Err)
							return
						}
					}
				})
			}
			open.Wait()
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-us/req")
		})
	}
}

// tinyTarget is the server of benchmarks: that of the flag, or one of this process.
func tinyTarget(b *testing.B) *client.Target {
	b.Helper()
	url := *benchURL
	if url == "" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		url = "http://" + ln.Addr().String()
		var open sync.WaitGroup
		open.Go(func() {
			if err := tinyserver.Serve(b.Context(), ln); err != nil {
				b.Error(err)
			}
		})
		b.Cleanup(open.Wait)
	}
	t, err := client.NewTarget(url, client.Options{})
	if err != nil {
		b.Fatal(err)
	}
	return t
}

func benchTarget(b *testing.B, size string) (*client.Target, *client.Request) {
	b.Helper()
	t := tinyTarget(b)
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		b.Fatal(err)
	}
	req, err := t.Prepare(client.Spec{Path: "/" + size, Check: client.Check{MinLength: n}})
	if err != nil {
		b.Fatal(err)
	}
	return t, req
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkNetHTTP is BenchmarkCall through net/http, for comparison.
func BenchmarkNetHTTP(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer s.Close()
	t, err := client.NewTarget(s.URL, client.Options{Transport: client.NetHTTP})
	if err != nil {
		b.Fatal(err)
	}
	req, err := t.Prepare(client.Spec{Path: "/"})
	if err != nil {
		b.Fatal(err)
	}
	c := client.New(t, 1, []*client.Request{req})
	defer c.Close()
	var out measure.Outcome
	b.ReportAllocs()
	for b.Loop() {
		if c.Call(b.Context(), 0, time.Now().Add(patience), &out); out.Kind != measure.OK {
			b.Fatal(out.Kind, out.Err)
		}
	}
}
