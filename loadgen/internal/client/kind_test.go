package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

// TestKinds has, for each way in which a request can fail, servers that do just that.
func TestKinds(t *testing.T) {
	sized := "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	half := strings.Repeat("x", 50000)
	send := func(s string) func(*peer) { return func(p *peer) { p.send(s) } }
	sayAnd := func(s string, then func(*peer)) func(*peer) { return func(p *peer) { p.send(s); then(p) } }
	reset, hang := (*peer).reset, (*peer).hang
	drip := func(p *peer) {
		p.send(sized)
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := p.Write([]byte("x")); err != nil {
				return
			}
		}
	}
	const rawOnly = true // net/http is more lenient, or reports less

	for _, tt := range []struct {
		name    string
		then    func(*peer) // after the request
		want    measure.Kind
		status  int
		rawOnly bool
	}{
		{"RST before the response", reset, measure.Reset, 0, false},
		{"FIN before the response", send(""), measure.Reset, 0, false},
		{"FIN in the status line", send("HTTP/1.1 2"), measure.Reset, 0, rawOnly},
		{"FIN in the header", send("HTTP/1.1 200 OK\r\nContent-Le"), measure.Reset, 200, rawOnly},
		{"RST in the header", sayAnd("HTTP/1.1 200 OK\r\nContent-Le", reset), measure.Reset, -1, rawOnly},
		{"RST in a sized body", sayAnd(sized+half, reset), measure.Reset, -1, false},
		{"RST in a chunk", sayAnd(chunked+"186a0\r\n"+half, reset), measure.Reset, -1, false},

		{"FIN in a sized body", send(sized + half), measure.Truncated, 200, false},
		{"FIN in a small sized body", send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"), measure.Truncated, 200, false},
		{"FIN after the header", send(sized), measure.Truncated, 200, false},
		{"FIN in a chunk", send(chunked + "186a0\r\n" + half), measure.Truncated, 200, false},
		{"FIN between chunks", send(chunked + "2\r\nok\r\n"), measure.Truncated, 200, false},
		{"FIN in a chunk size", send(chunked + "2"), measure.Truncated, 200, false},
		{"FIN before the trailer's end", send(chunked + "2\r\nok\r\n0\r\nA: b\r\n"), measure.Truncated, 200, rawOnly},

		{"hang before the response", hang, measure.Timeout, 0, false},
		{"hang in the header", sayAnd("HTTP/1.1 200 OK\r\nA: ", hang), measure.Timeout, -1, false},
		{"hang in a sized body", sayAnd(sized+half, hang), measure.Timeout, -1, false},
		{"hang in a chunk", sayAnd(chunked+"186a0\r\n"+half, hang), measure.Timeout, -1, false},
		{"hang in a body until close", sayAnd("HTTP/1.1 200 OK\r\n\r\n"+half, hang), measure.Timeout, -1, false},
		{"slow drip", drip, measure.Timeout, -1, false},

		{"garbage", sayAnd("SSH-2.0-OpenSSH_9.2p1\r\n", hang), measure.BadResponse, 0, false},
		{"endless garbage", sayAnd(strings.Repeat("x", 1<<20), hang), measure.BadResponse, 0, rawOnly},
		{"HTTP/2 preface", sayAnd("HTTP/2 200\r\n\r\n", hang), measure.BadResponse, 0, false},
		{"unasked upgrade", sayAnd("HTTP/1.1 101 Switching\r\n\r\n", hang), measure.BadResponse, 0, false},
		{"first header folded", sayAnd("HTTP/1.1 200 OK\r\n a: b\r\n\r\n", hang), measure.BadResponse, 200, rawOnly},
		{"length folded into two", sayAnd("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n 3\r\n\r\n", hang), measure.BadResponse, -1, false},
		{"header without a colon", sayAnd("HTTP/1.1 200 OK\r\nA\r\n\r\n", hang), measure.BadResponse, -1, false},
		{"NUL in a header", sayAnd("HTTP/1.1 200 OK\r\nA: b\x00c\r\nContent-Length: 2\r\n\r\nok", hang), measure.BadResponse, -1, false},
		{"huge header line", sayAnd("HTTP/1.1 200 OK\r\nA: "+half+half+half+"\r\n\r\n", hang), measure.BadResponse, 200, rawOnly},
		{"huge folded line", sayAnd("HTTP/1.1 200 OK\r\nA: "+half+"\r\n "+half+"\r\n "+half+"\r\n\r\n", hang), measure.BadResponse, 200, rawOnly},
		{"huge header", sayAnd("HTTP/1.1 200 OK\r\n"+strings.Repeat("A: b\r\n", 60000), hang), measure.BadResponse, 200, rawOnly},
		{"huge trailer", sayAnd(chunked+"0\r\n"+strings.Repeat("A: b\r\n", 60000), hang), measure.BadResponse, 200, rawOnly},
		{"a list of two lengths", sayAnd("HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nabc", hang), measure.BadResponse, -1, false},
		{"empty length", sayAnd("HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nabc", hang), measure.BadResponse, -1, false},
		{"two lengths", sayAnd("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc", hang), measure.BadResponse, -1, false},
		{"negative length", sayAnd("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n", hang), measure.BadResponse, -1, false},
		{"unknown coding", sayAnd("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", hang), measure.BadResponse, -1, false},
		{"chunk size that is none", sayAnd(chunked+"two\r\nok\r\n", hang), measure.BadResponse, 200, false},
		{"chunk size too large", sayAnd(chunked+"ffffffffffffffff1\r\n", hang), measure.BadResponse, 200, false},
		{"chunk longer than its size", sayAnd(chunked+"2\r\nokay\r\n0\r\n\r\n", hang), measure.BadResponse, 200, false},

		{"500", send("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"), measure.Status, 500, false},
		{"check", send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{\"a\": 1} "), measure.Check, 200, false},
		{"ok", send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{\"a\": 2}"), measure.OK, 200, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, func(t *testing.T, transport string) {
				if tt.rawOnly && transport != client.Raw {
					t.SkipNow()
				}
				t.Parallel()
				s := serve(t, func(p *peer) {
					if p.request() != nil {
						tt.then(p)
					}
				})
				spec := client.Spec{Path: "/"}
				if tt.want == measure.Check || tt.want == measure.OK {
					spec.Check = client.Check{Fields: field("a", "2")}
				}
				h := newHarness(t, s.addr, client.Options{Transport: transport}, spec)
				timeout := patience
				if tt.want == measure.Timeout {
					timeout = 100 * time.Millisecond
				}
				got := h.callFor(timeout, 0)
				if got != tt.want || tt.status >= 0 && h.out.Status != tt.status {
					t.Fatalf("kind %v, status %d (%v); want %v, %d", got, h.out.Status, h.firstError(got), tt.want, tt.status)
				}
				if err := h.firstError(got); (err == nil) != (got == measure.OK) {
					t.Errorf("first error of kind %v: %v", got, err)
				}
				if h.out.Sent.IsZero() {
					t.Error("no send time")
				}
				if n := s.conns.Load(); n != 1 {
					t.Errorf("%d connections: a new one's failure is never made good by another", n)
				}
			})
		})
	}
}

// TestCutOff: the error of a response that ended in its body has how much of it came.
func TestCutOff(t *testing.T) {
	for response, want := range map[string]string{
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok":                        "the response ended after 2 of the 3 bytes of its body: unexpected EOF",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n":                          "the response ended after 0 of the 3 bytes of its body: unexpected EOF",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\n": "the response ended in its body, after 2 bytes: unexpected EOF",
	} {
		transports(t, func(t *testing.T, transport string) {
			s := serve(t, func(p *peer) {
				if p.request() != nil {
					p.send(response)
				}
			})
			h := newHarness(t, s.addr, client.Options{Transport: transport})
			if h.want(0, measure.Truncated); h.out.Err == nil || h.out.Err.Error() != want {
				t.Errorf("%q: got %v, want %s", response, h.out.Err, want)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		for _, base := range []string{nobody(t), "http://no-such-host.invalid"} {
			h := newHarness(t, base, client.Options{Transport: transport})
			h.want(0, measure.Refused)
			if !h.out.Sent.IsZero() || h.firstError(measure.Refused) == nil {
				t.Errorf("sent at %v, error %v", h.out.Sent, h.firstError(measure.Refused))
			}
			h.want(0, measure.Refused)
		}
	})
}

func TestUsableAfterStatusAndCheckErrors(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		answers := []string{"HTTP/1.1 500 Oh\r\nContent-Length: 3\r\n\r\nno\n", ok, ok, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", ok}
		s := serve(t, func(p *peer) {
			for i := 0; p.request() != nil; i++ {
				p.send(answers[i])
			}
		})
		h := newHarness(t, s.addr, client.Options{Transport: transport},
			client.Spec{Path: "/"}, client.Spec{Path: "/", Check: client.Check{MinLength: 3}})
		h.want(0, measure.Status)
		if h.out.Status != 500 || h.out.Bytes != 3 {
			t.Errorf("outcome %+v", h.out)
		}
		h.want(1, measure.Check)
		h.want(0, measure.OK)
		h.want(0, measure.Status)
		h.want(0, measure.OK)
		if n := s.conns.Load(); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestExpect(t *testing.T) {
	s := serve(t, answering("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"))
	h := newHarness(t, s.addr, client.Options{}, client.Spec{Path: "/", Expect: []int{404, 410}}, client.Spec{Path: "/", Expect: []int{200}})
	h.want(0, measure.OK)
	h.want(1, measure.Status)
}

// TestFailures: what failed has its error in full, and the word for it that tells it apart.
func TestFailures(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/loop" {
			http.Redirect(w, r, "/loop", http.StatusFound)
			return
		}
		code, _ := strconv.Atoi(r.URL.Path[1:])
		w.WriteHeader(code)
	}))
	defer server.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	secure.Config.ErrorLog = quiet()
	folding := serve(t, answering("HTTP/1.1 200 OK\r\n X: a\r\n\r\n"))
	closing := serve(t, func(p *peer) { p.request() })
	silent := serve(t, func(p *peer) { p.request(); p.hang() })
	location := func(to string) string {
		return serve(t, answering("HTTP/1.1 302 Found\r\nLocation: "+to+"\r\nContent-Length: 0\r\n\r\n")).addr
	}
	head := func(text string) string { return serve(t, answering("HTTP/1.1 200 OK\r\n"+text+"\r\n\r\nabc")).addr }
	chunks := func(text string) string { return head("Transfer-Encoding: chunked\r\n\r\n" + text) }
	const both = ""
	for _, tt := range []struct {
		name, base, path string
		options          client.Options
		kind             measure.Kind
		code, text       string
		transport        string // both
	}{
		{"none", server.URL, "/200", client.Options{}, measure.OK, "", "", both},
		{"404", server.URL, "/404", client.Options{}, measure.Status, "", "status 404 Not Found", both},
		{"no word for it", server.URL, "/599", client.Options{}, measure.Status, "", "status 599", both},
		{"redirect limit", server.URL, "/loop", client.Options{Redirects: 3}, measure.Status, "the limit of redirects is reached", "status 302 after 3 redirects, which is the limit", client.NetHTTP},
		{"authority", secure.URL, "/", client.Options{}, measure.Refused, "certificate of an unknown authority", "certificate signed by unknown authority", both},
		{"expired", dated(t, -48*time.Hour), "/", client.Options{}, measure.Refused, "certificate expired", "certificate has expired", both},
		{"not valid yet", dated(t, 24*time.Hour), "/", client.Options{}, measure.Refused, "certificate not valid yet", "is before", both},
		{"host", "https://localhost.invalid:1", "/", client.Options{}, measure.Refused, "no such host", "no such host", both},
		{"no TLS", strings.Replace(server.URL, "http:", "https:", 1), "/", client.Options{}, measure.Refused, "the server does not speak TLS", "", both},
		{"folded", folding.addr, "/", client.Options{}, measure.BadResponse, "the first header begins with a blank", "bad response: the first header begins with a blank", client.Raw},
		{"no status line", serve(t, answering("hello\r\n\r\n")).addr, "/", client.Options{}, measure.BadResponse, "no status line of HTTP/1.x", "", both},
		{"101", serve(t, answering("HTTP/1.1 101 Switching\r\n\r\n")).addr, "/", client.Options{}, measure.BadResponse, "a status that no request asked for", "", both},
		{"no name", head("A"), "/", client.Options{}, measure.BadResponse, "a header has no name", "", both},
		{"no length", head("Content-Length: +3"), "/", client.Options{}, measure.BadResponse, "Content-Length is not one number", "", both},
		{"a coding", head("Transfer-Encoding: gzip"), "/", client.Options{}, measure.BadResponse, "a transfer coding other than chunked", "", both},
		{"no chunk size", chunks("two\r\n"), "/", client.Options{}, measure.BadResponse, "no chunk size", "", both},
		{"a long chunk", chunks("2\r\nokay\r\n"), "/", client.Options{}, measure.BadResponse, "a chunk is longer than its size", "", both},
		{"a chunk too large", chunks("ffffffffffffffff1\r\n"), "/", client.Options{}, measure.BadResponse, "a chunk size is too large", "", both},
		{"a redirect to no URL", location("http://%zz/"), "/", client.Options{Redirects: 3}, measure.BadResponse, "a redirect to what is no URL", "", client.NetHTTP},
		{"a redirect elsewhere", location("ftp://127.0.0.1/"), "/", client.Options{Redirects: 3}, measure.BadResponse, "a redirect to another scheme than http and https", "", client.NetHTTP},
		{"closed", closing.addr, "/", client.Options{}, measure.Reset, "closed by the server", "EOF", both},
		{"silent", silent.addr, "/", client.Options{}, measure.Timeout, "waiting for the response", "", both},
		{"nobody", nobody(t), "/?key=s3cret", client.Options{}, measure.Refused, "connection refused", "connection refused", both},
	} {
		t.Run(tt.name, func(t *testing.T) {
			transports(t, func(t *testing.T, transport string) {
				if tt.transport != both && tt.transport != transport {
					t.SkipNow()
				}
				tt.options.Transport = transport
				h := newHarness(t, tt.base, tt.options, client.Spec{Path: tt.path})
				timeout := patience
				if tt.kind == measure.Timeout {
					timeout = 100 * time.Millisecond
				}
				got := h.callFor(timeout, 0)
				if got != tt.kind || h.out.Code != tt.code || (h.out.Err == nil) != (got == measure.OK) {
					t.Fatalf("got %v, code %q, error %v; want %v, %q", got, h.out.Code, h.out.Err, tt.kind, tt.code)
				}
				if h.out.Err != nil && (!strings.Contains(h.out.Err.Error(), tt.text) || strings.Contains(h.out.Err.Error(), "s3cret")) {
					t.Errorf("got error %q, want %q, and no query", h.out.Err, tt.text)
				}
			})
		})
	}
}

// dated serves with a certificate that is valid for a day, from so long after now.
func dated(t *testing.T, after time.Duration) (url string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	from := time.Now().Add(after)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: from, NotAfter: from.Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}} //nolint:gosec // the client's version is what matters
	s.Config.ErrorLog = quiet()
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
