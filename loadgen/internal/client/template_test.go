package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/keys"
	"loadlab/loadgen/internal/measure"
)

// variable is a variable that takes the values in their order.
func variable(t testing.TB, name string, values ...string) client.Variable {
	t.Helper()
	s, err := keys.New(keys.Spec{Kind: keys.List, Values: values, Order: keys.Sequential}, name, 1)
	if err != nil {
		t.Fatal(err)
	}
	return client.Variable{Name: name, Source: s}
}

// TestVariables: what a server gets of a request with variables, of both transports, arrival by arrival.
func TestVariables(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var got []string
		s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			trace := "untraced"
			if len(r.Header.Get("Traceparent")) == 55 {
				trace = "traced"
			}
			got = append(got, fmt.Sprintf("%s %s %s [%s] [%s] %d %s %s", r.Method, r.Host, r.RequestURI, r.Header.Get("X-City"), r.Header.Get("X"), r.ContentLength, body, trace))
		}))
		defer s.Close()
		spec := client.Spec{
			Method: "PATCH", Path: "/p/{id}/?city={{city}}&id={id}", Body: []byte(`{"id": {{id}}, "city": "{{city}}"}`),
			Header: http.Header{"host": {"{{id}}.test"}, "x-city": {"in {{city}}"}, "X": {"{{'{{city}}'}}"}},
			Data:   []client.Variable{variable(t, "city", "Bonn", "New York", "a/b?&=%é"), variable(t, "id", "7", "12345")},
		}
		h := newHarness(t, s.URL+"/base", client.Options{Transport: transport}, spec, client.Spec{Path: "/{literal}"})
		for k := range int64(3) {
			h.Draw(1, k, 0)
			h.want(0, measure.OK)
		}
		h.want(0, measure.OK) // the same arrival again
		h.want(1, measure.OK)
		want := []string{
			`PATCH 7.test /base/p/7/?city=Bonn&id=7 [in Bonn] [{{city}}] 25 {"id": 7, "city": "Bonn"} traced`,
			`PATCH 12345.test /base/p/12345/?city=New%20York&id=12345 [in New York] [{{city}}] 33 {"id": 12345, "city": "New York"} traced`,
			`PATCH 7.test /base/p/7/?city=a%2Fb%3F%26%3D%25%C3%A9&id=7 [in a/b?&=%Ã©] [{{city}}] 30 {"id": 7, "city": "a/b?&=%é"} traced`,
		}
		want = append(want, want[2], "GET "+strings.TrimPrefix(s.URL, "http://")+" /base/{literal} [] [] 0  traced")
		for i := range want { // net/http escapes braces of its own accord
			want[i] = strings.ReplaceAll(want[i], "Ã©", "é")
			if i == 4 && transport == client.NetHTTP {
				want[i] = strings.Replace(want[i], "{literal}", "%7Bliteral%7D", 1)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestTake: a value of one response is in the requests after it, up to the next arrival.
func TestTake(t *testing.T) {
	transports(t, func(t *testing.T, transport string) {
		var got []string
		body := `{"results": [{"id": 41, "name": "a b", "sold": true}]}`
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got = append(got, r.RequestURI+" "+r.Header.Get("X"))
			_, _ = io.WriteString(w, body)
		}))
		defer s.Close()
		take := func(path string) client.Spec {
			return client.Spec{Path: "/list", Take: []client.Taking{{"id", "results.0.id"}, {"name", path}}}
		}
		h := newHarness(t, s.URL, client.Options{Transport: transport}, take("results.0.name"),
			client.Spec{Path: "/p/{id}/{name}", Header: http.Header{"X": {"{{name}}"}}, Data: []client.Variable{{Name: "id"}, {Name: "name"}}},
			take("results.0.sold"), take("results.1.name"), take("results.0"), take("results.0.name"))
		for k, mode := range []int{0, 2} {
			h.Draw(1, int64(k), 0)
			h.want(mode, measure.OK)
			h.want(1, measure.OK)
		}
		h.Draw(1, 2, 0)
		h.want(1, measure.OK) // nothing was taken for this arrival
		want := []string{"/list ", "/p/41/a%20b a b", "/list ", "/p/41/true true", "/p// "}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		for mode, why := range map[int]string{3: `take name: results.1.name: no element "1" of 1`, 4: "take name: results.0 is neither a text nor a number, true or false"} {
			h.want(mode, measure.Check)
			if err := h.out.Err; err == nil || err.Error() != why {
				t.Errorf("got %v, want %s", err, why)
			}
		}
		body = `{"results": [{"id": 41, "name": "a\r\nEvil: b"}]}`
		h.want(5, measure.Check)
		if err := h.out.Err; err == nil || err.Error() != "take name: results.0.name has a control character" {
			t.Errorf("a line end in a value: got %v", err)
		}
	})
}

func TestPrepareRejectsVariables(t *testing.T) {
	target, err := client.NewTarget("http://x", client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	data := []client.Variable{variable(t, "id", "1")}
	for _, spec := range []client.Spec{
		{Path: "/{page}", Data: data},
		{Path: "/", Body: []byte("{{page}}"), Data: data},
		{Path: "/", Header: http.Header{"X": {"{{page}}"}}, Data: data},
		{Path: "/", Method: "HEAD", Take: []client.Taking{{"id", "x"}}},
	} {
		if _, err := target.Prepare(spec); err == nil {
			t.Errorf("%+v: got no error", spec)
		}
	}
}

// TestAllocationsWithVariables: a request that is written for each call allocates nothing either.
func TestAllocationsWithVariables(t *testing.T) {
	response := []byte(ok)
	s := serve(t, func(p *peer) {
		buf := make([]byte, 4096)
		for {
			if _, err := p.Read(buf); err != nil {
				return
			}
			if _, err := p.Write(response); err != nil {
				return
			}
		}
	})
	h := newHarness(t, s.addr, client.Options{Phases: true, Sampler: client.NewBudget(10)}, varying(t, "/p/{page}"))
	ctx := t.Context()
	var k int64
	n := testing.AllocsPerRun(500, func() {
		h.Draw(1, k, k)
		k++
		if h.Call(ctx, 0, time.Now().Add(patience), &h.out); h.out.Kind != measure.OK {
			t.Fatal(h.out.Kind)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations per request, want none", n)
	}
}

// varying is a request with a variable of each kind.
func varying(t testing.TB, path string) client.Spec {
	t.Helper()
	page, err := keys.New(keys.Spec{Kind: keys.Zipf, S: 0.9, From: 1, To: 250}, "page", 1)
	if err != nil {
		t.Fatal(err)
	}
	return client.Spec{
		Path: path, Header: http.Header{"X-City": {"{{city}}"}, "X-Page": {"{{page}}"}},
		Data: []client.Variable{{Name: "page", Source: page}, variable(t, "city", "Berlin", "New York")},
	}
}

// BenchmarkCallWithVariables is BenchmarkCall/200 of a request with two variables.
func BenchmarkCallWithVariables(b *testing.B) {
	t, _ := benchTarget(b, "200")
	req, err := t.Prepare(varying(b, "/200"))
	if err != nil {
		b.Fatal(err)
	}
	c := client.New(t, 1, []*client.Request{req})
	defer c.Close()
	var out measure.Outcome
	var k int64
	b.ReportAllocs()
	for b.Loop() {
		c.Draw(1, k, 0)
		k++
		if c.Call(b.Context(), 0, time.Now().Add(patience), &out); out.Kind != measure.OK {
			b.Fatal(out.Kind, out.Err)
		}
	}
}
