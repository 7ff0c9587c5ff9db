package client_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// tlsServer serves body over TLS and counts its connections.
func tlsServer(t *testing.T, body string) (*httptest.Server, *atomic.Int64) {
	t.Helper()
	var conns atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Proto", r.Proto)
		_, _ = io.WriteString(w, body)
	}))
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, &conns
}

func TestTLS(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		for _, size := range []int{2, 300_000} {
			s, conns := tlsServer(t, strings.Repeat("x", size))
			roots := x509.NewCertPool()
			roots.AddCert(s.Certificate())
			for _, opts := range []client.Options{{Insecure: true}, {TLS: &tls.Config{RootCAs: roots}}} {
				opts.Transport, opts.Phases = transport, true
				conns.Store(0)
				h := newHarness(t, s.URL, opts)
				for i := range 5 {
					h.want(0, measure.OK)
					if h.out.Bytes != int64(size) || h.out.FirstByte <= 0 || (h.out.TLS > 0) != (i == 0) || (h.out.Connect > 0) != (i == 0) {
						t.Errorf("call %d: %+v", i, h.out)
					}
				}
				if n := conns.Load(); n != 1 {
					t.Errorf("%d connections, want 1", n)
				}
			}
			h := newHarness(t, s.URL, client.Options{Transport: transport})
			h.want(0, measure.Refused)
			if err := h.firstError(measure.Refused); !strings.Contains(err.Error(), "certificate") {
				t.Errorf("an unknown certificate: %v", err)
			}
		}
	})
}

// TestTLSIdleClose: the package comment's promise holds over TLS, where an idle close is an alert and a FIN.
func TestTLSIdleClose(t *testing.T) {
	s, conns := tlsServer(t, "ok")
	h := newHarness(t, s.URL, client.Options{Insecure: true}, get, post)
	for i := range 10 {
		h.want(i%2, measure.OK)
		s.CloseClientConnections()
	}
	if n := conns.Load(); n != 10 {
		t.Errorf("%d connections, want 10", n)
	}
}

func TestTLSOfPlainServer(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, func(p *peer) { p.send("HTTP/1.0 400 Bad Request\r\n\r\n") })
		h := newHarness(t, "https://"+s.addr, client.Options{Transport: transport})
		h.want(0, measure.Refused)
	})
}

func TestPhases(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		rest := make(chan struct{})
		s := serve(t, func(p *peer) {
			for p.request() != nil {
				p.send(ok[:20])
				<-rest
				p.send(ok[20:])
			}
		})
		ended := make(chan measure.Kind)
		h := newHarness(t, s.addr, client.Options{Transport: transport, Phases: true})
		for i := range 3 {
			go func() { ended <- h.call(0) }()
			if transport == client.Raw { // net/http stamps the first byte, too, but not so early
				parked(t, "client.(*Conn).receive")
			}
			second := time.Now()
			rest <- struct{}{}
			if got := <-ended; got != measure.OK {
				t.Fatalf("call %d: kind %v (%v)", i, got, h.firstError(got))
			}
			if (h.out.Connect > 0) != (i == 0) || h.out.TLS != 0 || h.out.FirstByte <= 0 {
				t.Errorf("call %d: %+v", i, h.out)
			}
			if first := h.out.Sent.Add(h.out.FirstByte); transport == client.Raw && first.After(second) {
				t.Errorf("call %d: first byte %v after the second part of the response was sent", i, first.Sub(second))
			}
		}
		close(rest)
		h = newHarness(t, s.addr, client.Options{Transport: transport})
		if h.want(0, measure.OK); h.out.Connect <= 0 || h.out.FirstByte != 0 {
			t.Errorf("not asked for phases: %+v", h.out)
		}
	})
}

// parked waits until a goroutine waits for the network in the function.
func parked(t *testing.T, function string) {
	t.Helper()
	stacks := make([]byte, 1<<20)
	testkit.Eventually(t, "a goroutine waits for the network in "+function, func() bool {
		for stack := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if state, _, _ := strings.Cut(stack, "\n"); strings.Contains(state, "[IO wait") && strings.Contains(stack, function) {
				return true
			}
		}
		return false
	})
}

func TestRedirects(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			http.Redirect(w, r, "/one", http.StatusFound)
		case "/one":
			http.Redirect(w, r, "/two", http.StatusFound)
		default:
			_, _ = io.WriteString(w, "ok")
		}
	}))
	defer s.Close()
	for _, tt := range []struct {
		opts   client.Options
		kind   measure.Kind
		status int
	}{
		{client.Options{}, measure.OK, 302},
		{client.Options{Transport: client.NetHTTP}, measure.OK, 302},
		{client.Options{Transport: client.NetHTTP, Redirects: 1}, measure.Status, 302},
		{client.Options{Transport: client.NetHTTP, Redirects: 2}, measure.OK, 200},
	} {
		h := newHarness(t, s.URL, tt.opts)
		if h.want(0, tt.kind); h.out.Status != tt.status {
			t.Errorf("%+v: status %d, want %d", tt.opts, h.out.Status, tt.status)
		}
	}
}

func TestHTTP2(t *testing.T) {
	var proto string
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		w.Header().Set("Server-Timing", "total;dur=2")
	})
	plain := httptest.NewUnstartedServer(echo)
	plain.Config.Protocols = new(http.Protocols)
	plain.Config.Protocols.SetUnencryptedHTTP2(true)
	plain.Start()
	defer plain.Close()
	secure := httptest.NewUnstartedServer(echo)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	defer secure.Close()
	for _, s := range []*httptest.Server{plain, secure} {
		h := newHarness(t, s.URL, client.Options{Transport: client.NetHTTP, HTTP2: true, Insecure: true})
		for range 3 {
			if h.want(0, measure.OK); proto != "HTTP/2.0" || !h.out.Timed {
				t.Errorf("%s: protocol %s, outcome %+v", s.URL, proto, h.out)
			}
		}
		h.Close()
	}
	h := newHarness(t, secure.URL, client.Options{Transport: client.NetHTTP, Insecure: true})
	if h.want(0, measure.OK); proto != "HTTP/1.1" {
		t.Errorf("not asked for HTTP/2: %s", proto)
	}
}

func TestProxy(t *testing.T) {
	origin := serve(t, answering(ok))
	var proxied atomic.Int64
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			proxied.Add(1)
			r.SetURL(&url.URL{Scheme: "http", Host: r.In.Host})
		},
		Transport: &http.Transport{DisableKeepAlives: true},
	})
	defer proxy.Close()
	u, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	h := newHarness(t, origin.addr, client.Options{Transport: client.NetHTTP, Proxy: u})
	h.want(0, measure.OK)
	if n := proxied.Load(); n != 1 || h.out.Bytes != 2 {
		t.Errorf("%d requests through the proxy, outcome %+v", n, h.out)
	}
	proxy.Close()
	newHarness(t, origin.addr, client.Options{Transport: client.NetHTTP, Proxy: u}).want(0, measure.Refused)
}
