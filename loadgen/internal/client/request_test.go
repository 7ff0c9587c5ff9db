package client_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/measure"
)

func TestNewTargetRejects(t *testing.T) {
	for _, tt := range []struct {
		base string
		opts client.Options
		want string
	}{
		{"ftp://x", client.Options{}, "scheme"},
		{"localhost:8000", client.Options{}, "scheme"},
		{"http://", client.Options{}, "it names no host: want scheme"},
		{"http://x?a=b", client.Options{}, "want scheme"},
		{"http://x:y", client.Options{}, "port"},
		{"http://x:0", client.Options{}, "the port must be from 1 to 65535"},
		{"http://u:p@x:99999", client.Options{}, `target "http://u:xxxxx@x:99999": the port must be from 1 to 65535`},
		{"http://x", client.Options{Transport: "quic"}, "unknown transport"},
		{"http://x", client.Options{Timeout: -1}, "negative"},
		{"http://x", client.Options{HTTP2: true}, "net/http"},
		{"http://x", client.Options{Redirects: 1}, "net/http"},
	} {
		if _, err := client.NewTarget(tt.base, tt.opts); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one about %q", tt.base, err, tt.want)
		}
	}
}

func TestPrepareRejects(t *testing.T) {
	target, err := client.NewTarget("http://x", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		spec client.Spec
		want string
	}{
		{client.Spec{Path: "x"}, "path"},
		{client.Spec{Path: "/a b"}, "path"},
		{client.Spec{Path: "/\r\nA: b"}, "path"},
		{client.Spec{Path: "/#x"}, "path"},
		{client.Spec{Path: "/", Method: "GE T"}, "method"},
		{client.Spec{Path: "/", Method: "CONNECT"}, "method"},
		{client.Spec{Path: "/", Header: http.Header{"A b": {"c"}}}, "not valid"},
		{client.Spec{Path: "/", Header: http.Header{"A": {"b\nc"}}}, "not valid"},
		{client.Spec{Path: "/", Header: http.Header{"content-length": {"3"}}}, "client's own"},
		{client.Spec{Path: "/", Header: http.Header{"traceparent": {"3"}}}, "client's own"},
		{client.Spec{Path: "/", Expect: []int{20}}, "status"},
		{client.Spec{Path: "/", Check: client.Check{MinLength: -3}}, "check"},
		{client.Spec{Path: "/", Check: client.Check{Fields: []client.Field{{"", "1"}}}}, "check"},
		{client.Spec{Path: "/", Method: "HEAD", Check: client.Check{MinLength: 3}}, "check"},
	} {
		if _, err := target.Prepare(tt.spec); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v: error %v, want one about %q", tt.spec, err, tt.want)
		}
	}
}

// TestRequestOnTheWire compares what a server gets of both transports.
func TestRequestOnTheWire(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var got *http.Request
		var body []byte
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got = r
			body, _ = io.ReadAll(r.Body)
		}))
		defer s.Close()
		base := strings.Replace(s.URL, "://", "://me:secret@", 1) + "/v2/"
		h := newHarness(t, base, client.Options{Transport: transport, Header: http.Header{"a": {"static"}, "B": {"static"}}},
			client.Spec{Path: "/x?page=2&q=%20", Header: http.Header{"b": {"own"}, "host": {"lab.example"}}},
			client.Spec{Path: "/x", Method: "PATCH", Body: []byte(`{"price": "1.00"}`), Header: http.Header{"Connection": {"close"}}},
			client.Spec{Path: "/x", Method: "POST"})
		h.want(0, measure.OK)
		user, password, _ := got.BasicAuth()
		if got.Method != http.MethodGet || got.RequestURI != "/v2/x?page=2&q=%20" || got.Host != "lab.example" || got.Header.Get("A") != "static" ||
			got.Header.Get("B") != "own" || got.UserAgent() != "loadlab" || user != "me" || password != "secret" || got.ContentLength != 0 {
			t.Errorf("GET: %+v", got)
		}
		h.want(1, measure.OK)
		if got.Method != http.MethodPatch || string(body) != `{"price": "1.00"}` || got.ContentLength != 17 || !got.Close {
			t.Errorf("PATCH: %+v, body %q", got, body)
		}
		h.want(2, measure.OK)
		if got.Header.Get("Content-Length") != "0" && got.ContentLength != 0 {
			t.Errorf("POST: %+v", got)
		}
	})
}

// odd samples the requests of odd modes.
type odd struct{}

func (odd) Sample(mode int, _, _ int64, _ time.Time) bool { return mode%2 == 1 }

func TestUntraced(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var got atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			got.Add(int64(len(r.Header.Values(api.HeaderTraceparent))))
		}))
		defer s.Close()
		h := newHarness(t, s.URL, client.Options{Transport: transport, Sampler: odd{}, Untraced: true}, get, get)
		for i := range 4 {
			h.want(i%2, measure.OK)
			if h.out.Sampled || h.out.TraceID != [16]byte{} {
				t.Errorf("outcome: got trace %x, sampled %v; want none", h.out.TraceID, h.out.Sampled)
			}
		}
		if n := got.Load(); n != 0 {
			t.Errorf("got %d traceparent headers, want none", n)
		}
	})
}

func TestTraceparent(t *testing.T) {
	shape := regexp.MustCompile(`^00-([0-9a-f]{32})-[0-9a-f]{16}-0([01])$`)
	transports(t, func(t *testing.T, transport string) {
		var mu sync.Mutex
		var got string
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			got = strings.Join(r.Header.Values(api.HeaderTraceparent), "|")
		}))
		defer s.Close()
		seen := make(map[[16]byte]bool)
		ids := func() (all []string) {
			h := newHarness(t, s.URL, client.Options{Transport: transport, Sampler: odd{}}, get, get)
			for i := range 20 {
				h.want(i%2, measure.OK)
				m := shape.FindStringSubmatch(got)
				if m == nil || m[1] != hex.EncodeToString(h.out.TraceID[:]) || h.out.Sampled != (i%2 == 1) || (m[2] == "1") != h.out.Sampled {
					t.Fatalf("request %d: traceparent %q, outcome %x %v", i, got, h.out.TraceID, h.out.Sampled)
				}
				seen[h.out.TraceID] = true
				all = append(all, m[1])
			}
			return all
		}
		if first, second := ids(), ids(); !slices.Equal(first, second) || len(seen) != 20 {
			t.Errorf("%d distinct ids of 20 requests, want the same 20 for the same seed", len(seen))
		}
	})
}

func TestBudget(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	count := func(b *client.Budget, from, to time.Duration, gap time.Duration) (n int) {
		for at := from; at < to; at += gap {
			if b.Sample(0, 0, 0, start.Add(at)) {
				n++
			}
		}
		return n
	}
	var none client.Budget
	if n := count(&none, 0, time.Second, time.Millisecond); n != 0 {
		t.Errorf("the zero value sampled %d", n)
	}
	b := client.NewBudget(10)
	for second := range 5 {
		from := time.Duration(second) * time.Second
		if n := count(b, from, from+time.Second, 700*time.Microsecond); n < 9 || n > 11 {
			t.Errorf("second %d: %d sampled, want 10", second, n)
		}
	}
	if n := count(b, time.Hour, time.Hour+time.Second, time.Millisecond); n > 11 {
		t.Errorf("after a pause: %d sampled, want 10", n)
	}
	if n := count(b, 2*time.Hour, 2*time.Hour+10*time.Second, time.Second); n != 10 {
		t.Errorf("below the budget: %d sampled, want all 10", n)
	}
}
