package client_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
)

// encoders are the content codings that checks decode.
var encoders = map[string]func(io.Writer) io.WriteCloser{
	"gzip":    func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
	"deflate": func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) },
	"raw":     func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 1); return f },
	"br":      func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
	"zstd":    func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
}

// encoded is a text in these codings, applied one after the other.
func encoded(t *testing.T, text string, codings ...string) string {
	t.Helper()
	for _, coding := range codings {
		var b bytes.Buffer
		w := encoders[coding](&b)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		text = b.String()
	}
	return text
}

// Checks look at bodies as they were before they were encoded, also at their length if the request lets them be.
func TestDecodedBodies(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		text := `{"a": 1, "text": "` + strings.Repeat("long ", 100) + `"}`
		for _, tt := range []struct {
			coding, body, why string
		}{
			{"", text, ""},
			{"identity", "\ufeff" + text, ""},
			{"gzip", encoded(t, text, "gzip"), ""},
			{"X-GZip", encoded(t, text, "gzip"), ""},
			{"deflate", encoded(t, text, "deflate"), ""},
			{"deflate", encoded(t, text, "raw"), ""},
			{"br", encoded(t, text, "br"), ""},
			{"zstd", encoded(t, text, "zstd"), ""},
			{"gzip, br", encoded(t, text, "gzip", "br"), ""},
			{"gzip", text, "body cannot be decoded as gzip: gzip: invalid header"},
			{"compress", text, "body cannot be decoded as compress: checks know gzip, deflate, br and zstd"},
			{"zstd", text, "body cannot be decoded as zstd: invalid input: magic number mismatch"},
			{"gzip", encoded(t, text, "gzip")[:30], "body cannot be decoded as gzip: unexpected EOF"},
		} {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.coding != "" {
					w.Header().Set("Content-Encoding", tt.coding)
				}
				_, _ = io.WriteString(w, tt.body)
			}))
			h := newHarness(t, s.URL, client.Options{Transport: transport}, client.Spec{
				Path: "/", Header: http.Header{"Accept-Encoding": {"gzip"}},
				Check: client.Check{MinLength: 500, MaxLength: 700, Text: []string{"long long"}, Without: []string{"short"}, Fields: field("a", "1")},
			})
			want := measure.OK
			if tt.why != "" {
				want = measure.Check
			}
			h.want(0, want)
			if err := h.firstError(measure.Check); tt.why != "" && err.Error() != tt.why {
				t.Errorf("%s: got %v, want %s", tt.coding, err, tt.why)
			}
			s.Close()
		}
	})
}

func TestChecksOfAResponse(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			w.Header()["X-Two"] = []string{"a", "b"}
			if r.URL.Path != "/empty" {
				_, _ = io.WriteString(w, `{"a": "ann"}`)
			}
		}))
		defer s.Close()
		header := func(name, value string) client.Check {
			return client.Check{Headers: []client.HeaderCheck{{Name: name, Value: value}}}
		}
		for _, tt := range []struct {
			path  string
			check client.Check
			why   string
			code  string
		}{
			{"/", header("content-type", "application/json*"), "", ""},
			{"/", header("Content-Type", "*utf-8"), "", ""},
			{"/", header("Content-Type", "*json*"), "", ""},
			{"/", header("Content-Type", "*"), "", ""},
			{"/", header("X-Two", "b"), "", ""},
			{"/", header("Content-Type", "text/html"), `header Content-Type is "application/json; charset=utf-8", want "text/html"`, "header Content-Type"},
			{"/", header("X-Three", "*"), "there is no header X-Three", "header X-Three"},
			{"/", client.Check{Text: []string{"ann"}, Without: []string{"bob"}}, "", ""},
			{"/", client.Check{Text: []string{"bob"}}, `the body has no "bob": it begins "{\"a\": \"ann\"}"`, `text "bob"`},
			{"/", client.Check{Without: []string{"ann"}}, `the body has "ann"`, `without "ann"`},
			{"/", client.Check{MinLength: 12, MaxLength: 12}, "", ""},
			{"/", client.Check{MaxLength: 11}, "body of 12 bytes, want at most 11", "the body is too long"},
			{"/", client.Check{Empty: true}, "body of 12 bytes, want none", "the body is too long"},
			{"/empty", client.Check{Empty: true}, "", ""},
			{"/empty", client.Check{Fields: field("a", "ann")}, "body is not JSON: unexpected EOF: it begins \"\"", "the body is not JSON"},
			{"/empty", client.Check{MinLength: 1}, "body of 0 bytes, want at least 1", "the body is too short"},
			{"/", client.Check{Fields: field("a", "bob")}, "a is ann, want bob", "json a"},
		} {
			h := newHarness(t, s.URL, client.Options{Transport: transport}, client.Spec{Path: tt.path, Check: tt.check})
			want := measure.OK
			if tt.why != "" {
				want = measure.Check
			}
			h.want(0, want)
			if err := h.firstError(measure.Check); tt.why != "" && err.Error() != tt.why || h.out.Code != tt.code {
				t.Errorf("%+v: got %v, code %q, want %s, %q", tt.check, err, h.out.Code, tt.why, tt.code)
			}
			h.Close()
		}
	})
}

// Header lines that repeat or are empty, one that is left out, a method of one's own, and variables of the environment, as both transports send them.
func TestHeaderLinesOnTheWire(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var mu sync.Mutex
		var got []string
		s := serve(t, func(p *peer) {
			for {
				req, err := http.ReadRequest(p.in)
				if err != nil {
					return
				}
				mu.Lock()
				_, agent := req.Header["User-Agent"]
				got = append(got, req.Method+" "+req.RequestURI+" "+strings.Join(req.Header["Cookie"], "|")+" "+strings.Join(req.Header["X-Empty"], "<empty>")+" "+req.Header.Get("T"))
				if agent || len(req.Header["X-Empty"]) != 1 {
					t.Errorf("headers %v", req.Header)
				}
				mu.Unlock()
				p.send(ok)
			}
		})
		lines := http.Header{"Cookie": {"a=1", "b=2"}, "X-Empty": {""}, "User-Agent": nil, "T": {"Bearer ${TOKEN}"}}
		h := newHarness(t, s.addr, client.Options{Transport: transport},
			client.Spec{Method: "PURGE", Path: "/x?t=${TOKEN}", Header: lines, Env: map[string]string{"TOKEN": "s3/t"}},
			client.Spec{Method: "PROPFIND", Path: "/{n}", Header: lines, Env: map[string]string{"TOKEN": "s"}, Data: []client.Variable{variable(t, "n", "7")}})
		h.want(0, measure.OK)
		h.want(1, measure.OK)
		mu.Lock()
		defer mu.Unlock()
		if want := "PURGE /x?t=s3%2Ft a=1|b=2  Bearer s3/t\nPROPFIND /7 a=1|b=2  Bearer s"; strings.Join(got, "\n") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// A server that does not speak HTTP/2 gets no request, and the error says so.
func TestNoHTTP2(t *testing.T) {
	var asked atomic.Int64
	handler := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	old := httptest.NewUnstartedServer(handler)
	old.TLS = &tls.Config{NextProtos: []string{}}
	old.Config.ErrorLog = quiet()
	old.StartTLS()
	defer old.Close()
	plain := httptest.NewServer(handler)
	defer plain.Close()
	for _, s := range []*httptest.Server{old, plain} {
		h := newHarness(t, s.URL, client.Options{Transport: client.NetHTTP, HTTP2: true, Insecure: true})
		if kind := h.call(0); kind == measure.OK || s == old && asked.Load() > 0 { // the preface is what Go's server takes for a request
			t.Errorf("%s: kind %v, %d requests", s.URL, kind, asked.Load())
		} else if err := h.firstError(kind); kind != measure.Refused || !strings.HasPrefix(err.Error(), "the server does not speak HTTP/2") {
			t.Errorf("%s: got %v, %v", s.URL, kind, err)
		}
		h.Close()
	}
}

// Through a proxy the target is neither connected to nor looked up: for https it is the proxy that is asked to (CONNECT).
func TestOnlyTheProxyIsDialled(t *testing.T) {
	origin := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer origin.Close()
	var connects []string
	proxy := serve(t, func(p *peer) {
		req, err := http.ReadRequest(p.in)
		if err != nil {
			return
		}
		connects = append(connects, req.Method+" "+req.Host+" "+req.Header.Get("Proxy-Authorization"))
		up, err := net.Dial("tcp", origin.Listener.Addr().String())
		if err != nil {
			t.Error(err)
			return
		}
		defer up.Close()
		p.send("HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(up, p.in); up.Close() }()
		_, _ = io.Copy(p, up)
	})
	via := &url.URL{Scheme: "http", Host: proxy.addr, User: url.UserPassword("me", "pw")}
	opts := client.Options{Transport: client.NetHTTP, Insecure: true, Proxy: via}
	h := newHarness(t, "https://nobody.invalid", opts)
	h.want(0, measure.OK)
	h.want(0, measure.OK)
	if want := "CONNECT nobody.invalid:443 " + client.Basic("me", "pw"); len(connects) != 1 || connects[0] != want {
		t.Errorf("the proxy was asked %q, want %q", connects, want)
	}
	target, err := client.NewTarget("https://nobody.invalid", opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Reach(t.Context()); err != nil {
		t.Errorf("the proxy is there: %v", err)
	}
}

// A proxy that does not connect has refused, and its answer says why.
func TestAProxyThatDoesNotConnect(t *testing.T) {
	for _, tt := range []struct{ scheme, answer, code string }{
		{"http", "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno", "the proxy answers 407"},
		{"http", "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "the proxy answers 502"},
		{"socks5", "\x05\xff", "proxy"},
	} {
		proxy := serve(t, func(p *peer) {
			_, _ = p.Read(make([]byte, 1024))
			p.send(tt.answer)
		})
		via := &url.URL{Scheme: tt.scheme, Host: strings.TrimPrefix(proxy.addr, "http://")}
		h := newHarness(t, "https://nobody.invalid", client.Options{Transport: client.NetHTTP, Proxy: via})
		if h.want(0, measure.Refused); h.out.Code != tt.code {
			t.Errorf("%s: got code %q of %v, want %q", tt.answer, h.out.Code, h.out.Err, tt.code)
		}
	}
}

func TestNamesOfHosts(t *testing.T) {
	s := serve(t, answering(ok))
	_, port, err := net.SplitHostPort(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	transports(t, func(t *testing.T, transport string) {
		newHarness(t, "http://münchen.localhost:"+port, client.Options{Transport: transport}).want(0, measure.OK)
	})
	for _, base := range []string{"http://u:s3/cret@x", "http://u:s3cret%@x", "http://u:s3cret@x:y", "ftp://u:s3cret@x", "http://u:s3cret@\x7f", "unix://"} {
		if _, err := client.NewTarget(base, client.Options{}); err == nil || strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: got %v", base, err)
		}
	}
}

func TestSocketThatIsNotThere(t *testing.T) {
	target, err := client.NewTarget("unix://"+filepath.Join(t.TempDir(), "none"), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Reach(context.Background()); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("got %v", err)
	}
}

// A server that wants a certificate says so after the handshake: it is a connection that could not be made, not one that broke.
func TestClientCertificateIsAskedFor(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		s.Config.ErrorLog = quiet()
		s.StartTLS()
		defer s.Close()
		h := newHarness(t, s.URL, client.Options{Transport: transport, Insecure: true})
		h.want(0, measure.Refused)
		h.Close()
		newHarness(t, s.URL, client.Options{Transport: transport, Insecure: true, TLS: &tls.Config{Certificates: s.TLS.Certificates}}).want(0, measure.OK)
	})
}

// What this machine refuses is of a kind of its own. The process has no more descriptors while the request is made.
func TestOutOfDescriptors(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := serve(t, answering(ok))
		h := newHarness(t, s.addr, client.Options{Transport: transport})
		var was syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Skip(err)
		}
		none := was
		none.Cur = 1
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &none); err != nil {
			t.Skip(err)
		}
		kind := h.call(0)
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		if err := h.firstError(kind); kind != measure.Limit || limits.Of(err) == nil || h.out.Code != "open files for this process (EMFILE)" {
			t.Errorf("got %v, %q, %v", kind, h.out.Code, err)
		}
	})
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

// Connecting has a limit of its own, in which the handshake is.
func TestConnectingHasALimit(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // what connects there is not answered
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = ln.Close() })
		target, err := client.NewTarget("https://shop.test", client.Options{Transport: transport, Address: ln.Addr().String(), ConnectTimeout: 50 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		r, err := target.Prepare(client.Spec{Path: "/"})
		if err != nil {
			t.Fatal(err)
		}
		caller := client.New(target, 1, []*client.Request{r})
		defer caller.Close()
		var out measure.Outcome
		caller.Call(t.Context(), 0, time.Now().Add(time.Minute), &out)
		if out.Kind != measure.Timeout || out.Code != "in the TLS handshake" {
			t.Errorf("got %v, %q, %v", out.Kind, out.Code, out.Err)
		}
	})
}

// localhost is this machine by IPv6, too, whatever its file of hosts names for it.
func TestLocalhostIsBoth(t *testing.T) {
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp6", "[::1]:0")
	if err != nil {
		t.Skip("SKIPPED, NOT TESTED: there is no IPv6:", err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"localhost", "shop.localhost"} {
		target, err := client.NewTarget("http://"+net.JoinHostPort(host, port), client.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := target.Reach(t.Context()); err != nil {
			t.Errorf("%s: %v", host, err)
		}
	}
}
