package client_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/measure"
)

// site is a server whose pages have validators, as net/http itself compares them.
type site struct {
	*httptest.Server
	mu    sync.Mutex // guards etag and asked
	etag  string
	asked []string // the If-None-Match of each request
	body  atomic.Pointer[[]byte]
}

func newSite(t *testing.T) *site {
	s := &site{}
	s.set(`"1"`, []byte(`{"n": 1}`))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.asked = append(s.asked, r.Header.Get("If-None-Match"))
		if s.etag != "" {
			w.Header().Set("ETag", s.etag)
		}
		body := *s.body.Load()
		s.mu.Unlock()
		w.Header().Set("Loadlab-Version", "7")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *site) set(etag string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.etag = etag
	s.body.Store(&body)
}

// last is the If-None-Match of the last request.
func (s *site) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[len(s.asked)-1]
}

// TestConditional follows one user through what befalls a page.
func TestConditional(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := newSite(t)
		check := client.Check{MinLength: 5, Fields: []client.Field{{Path: "n", Equals: "1"}}}
		h := newHarness(t, s.URL, client.Options{Transport: transport},
			client.Spec{Path: "/", Copies: new(client.Copies), Check: check, Expect: []int{200}}, client.Spec{Path: "/", Check: check, Expect: []int{200}})
		step := func(what string, kind measure.Kind, asked string, wantSaved, wantBytes int64) {
			t.Helper()
			h.want(0, kind)
			if got := s.last(); got != asked {
				t.Errorf("%s: If-None-Match %q, want %q", what, got, asked)
			}
			if kind == measure.OK && (h.out.Saved != wantSaved || h.out.Bytes != wantBytes || h.out.NotModified != (wantBytes == 0) ||
				h.out.Conditional != (asked != "") || h.out.Version != 7) {
				t.Errorf("%s: got %+v, want %d bytes saved and %d read", what, h.out, wantSaved, wantBytes)
			}
		}
		step("the first request", measure.OK, "", 0, 8)
		for range 3 {
			step("unchanged", measure.OK, `"1"`, 8, 0) // a body that is not there is not checked again
		}
		h.want(1, measure.OK)
		if got := s.last(); got != "" || h.out.Conditional || h.out.Bytes != 8 {
			t.Errorf("a mode that is not conditional: If-None-Match %q, %+v", got, h.out)
		}
		s.set(`W/"2"`, []byte(`{"n": 1, "more": true}`))
		step("changed", measure.OK, `"1"`, 0, 22)
		step("a weak ETag", measure.OK, `W/"2"`, 22, 0)
		s.set(`"3"`, []byte(`{"n": 2}`))
		step("a body that fails its check", measure.Check, `W/"2"`, 0, 0)
		step("is not kept", measure.Check, `W/"2"`, 0, 0)
		s.set("", []byte(`{"n": 1}`))
		step("no ETag any more", measure.OK, `W/"2"`, 0, 8)
		step("nothing to ask with", measure.OK, "", 0, 8)
		s.set(`not an ETag`, []byte(`{"n": 1}`))
		step("junk", measure.OK, "", 0, 8)
		step("is not kept", measure.OK, "", 0, 8)
		s.set(`"4"`, []byte(`{"n": 1}`))
		step("an ETag again", measure.OK, "", 0, 8)
		step("and again", measure.OK, `"4"`, 8, 0)
	})
}

// TestWrong304 has servers that answer 304 to what nobody asked.
func TestWrong304(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		status, etag, control := http.StatusNotModified, `"1"`, ""
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", etag)
			w.Header().Set("Cache-Control", control)
			w.WriteHeader(status)
		}))
		defer s.Close()
		h := newHarness(t, s.URL, client.Options{Transport: transport},
			client.Spec{Path: "/", Copies: new(client.Copies), Expect: []int{200, 304}}, client.Spec{Path: "/", Expect: []int{200}}, client.Spec{Path: "/", Expect: []int{304}})
		h.want(0, measure.Status)
		if err := h.firstError(measure.Status); err == nil || err.Error() != "status 304 to a request without If-None-Match" {
			t.Errorf("got %v", err)
		}
		h.want(1, measure.Status)
		h.want(2, measure.OK)
		if h.out.NotModified {
			t.Error("a mode that only expects a 304 saved something")
		}
		status = http.StatusOK
		h.want(0, measure.OK)
		status, etag = http.StatusNotModified, `W/"1"`
		h.want(0, measure.OK) // the same by a weak comparison
		etag = `"2"`
		h.want(0, measure.Check)
		if err := h.firstError(measure.Check); err == nil || err.Error() != `status 304 with the ETag "2" to a request that has "1"` {
			t.Errorf("got %v", err)
		}
		status, control = http.StatusOK, "private, No-Store"
		h.want(0, measure.OK)
		h.want(0, measure.OK)
		if h.out.Conditional {
			t.Error("what is not to be stored was stored")
		}
	})
}

// TestConditionalWhileItChanges has many connections and a page that changes all the time: what is saved is the length of the page that the 304 stood for.
func TestConditionalWhileItChanges(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		const connections, each = 8, 100
		lengths := map[string]int{}
		for n := range 10 {
			lengths[fmt.Sprintf("%q", strings.Repeat("x", n))] = 100 + n
		}
		var turn atomic.Int64
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			etag := fmt.Sprintf("%q", strings.Repeat("x", int(turn.Add(1)/20%10)))
			w.Header().Set("ETag", etag)
			if r.Header.Get("If-None-Match") == etag {
				w.Header().Set("Loadlab-Version", strconv.Itoa(lengths[etag]))
				w.WriteHeader(http.StatusNotModified)
				return
			}
			_, _ = w.Write(make([]byte, lengths[etag]))
		}))
		defer s.Close()
		target, err := client.NewTarget(s.URL, client.Options{Transport: transport})
		if err != nil {
			t.Fatal(err)
		}
		req, err := target.Prepare(client.Spec{Path: "/", Copies: new(client.Copies)})
		if err != nil {
			t.Fatal(err)
		}
		var notModified atomic.Int64
		var done sync.WaitGroup
		for i := range connections {
			done.Go(func() {
				c := client.New(target, uint64(i), []*client.Request{req})
				defer c.Close()
				var out measure.Outcome
				for range each {
					c.Call(t.Context(), 0, time.Now().Add(patience), &out)
					if out.Kind != measure.OK {
						t.Error(out.Kind, out.Err)
						return
					}
					if out.NotModified {
						notModified.Add(1)
						if out.Saved != out.Version || out.Bytes != 0 {
							t.Errorf("saved %d, want %d: %+v", out.Saved, out.Version, out)
						}
					}
				}
			})
		}
		done.Wait()
		if n := notModified.Load(); n < connections || n > connections*each-10 {
			t.Errorf("got %d times 304: the pages changed too often, or never", n)
		}
	})
}

// TestConditionalByURL: each URL has a copy of its own, whichever connection got it, and the oldest are forgotten.
func TestConditionalByURL(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		s := newSite(t)
		page, err := keys.New(keys.Spec{Kind: keys.Sequence, From: 1, To: 3}, "page", 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{3, 2} {
			copies := new(client.Copies)
			copies.Limit(most)
			spec := client.Spec{Path: "/?page={page}", Header: http.Header{"X-Page": {"{{page}}"}}, Data: []client.Variable{{Name: "page", Source: page}}, Copies: copies}
			one, other := newHarness(t, s.URL, client.Options{Transport: transport}, spec), newHarness(t, s.URL, client.Options{Transport: transport}, spec)
			for k := range int64(9) {
				h := []*harness{one, other}[k%2]
				h.Draw(1, k, 0)
				h.want(0, measure.OK)
				if want := most == 3 && k >= 3; h.out.NotModified != want { // with room for two of three that come in turn, each is forgotten before it comes again
					t.Errorf("room for %d: request %d: got %+v, want not modified %t", most, k, h.out, want)
				}
			}
		}
	})
}

func TestCopiesForget(t *testing.T) {
	s := newSite(t)
	copies := new(client.Copies)
	h := newHarness(t, s.URL, client.Options{}, client.Spec{Path: "/", Copies: copies})
	h.want(0, measure.OK)
	copies.Forget()
	h.want(0, measure.OK)
	if h.out.Conditional {
		t.Error("what was forgotten was asked about")
	}
	if h.want(0, measure.OK); !h.out.NotModified {
		t.Errorf("got %+v, want a 304", h.out)
	}
}

func TestConditionalIsRefused(t *testing.T) {
	target, err := client.NewTarget("http://localhost", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for want, spec := range map[string]client.Spec{
		"only GET can be":                   {Method: http.MethodHead, Path: "/"},
		"a response without a body":         {Path: "/", Take: []client.Taking{{Name: "id", Path: "id"}}},
		"If-None-Match is the client's own": {Path: "/", Header: http.Header{"if-none-match": {"*"}}},
	} {
		spec.Copies = new(client.Copies)
		if _, err := target.Prepare(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
