package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/scenario"
)

// hitFile is a scenario of one request, with places for its why, and the keys of the scenario, of its mode and of its phase.
const hitFile = `
name: hit
why: %q
rounds: 1
%s
modes:
  hit: {expect: [2xx, 3xx], %s}
phases:
  - {name: hit, %s}
`

func TestHitIsAScenario(t *testing.T) {
	for _, tt := range []struct{ args, why, keys, mode, phase string }{
		{"", "GET /, 1 user, for 10s", "", "request: GET /", "users: 1, for: 10s"},
		{"--rate 50/s -c 9", "GET /, 50/s poisson for 10s", "", "request: GET /", "rate: 50/s, connections: 9, for: 10s"},
		{"-X PURGE -H Cookie:a=1 -H cookie:b=2 -H X-Empty: -H Y; -H User-Agent:", "PURGE /, 1 user, for 10s", "",
			`request: PURGE /, headers: {Cookie: [a=1, b=2], X-Empty: "", "Y": "", User-Agent: null}`, "users: 1, for: 10s"},
		{"-n 7", "GET /, 7 requests", "", "request: GET /", "requests: 7"},
		{"-n 1", "GET /, burst of 1", "", "request: GET /", "users: 1, requests: 1"},
		{"-c 5 -n 5", "GET /, burst of 5", "", "request: GET /", "burst: 5"},
		{"-c 5 -n 50 --for 1h --think 1s..2s", "GET /, 5 users, 50 requests, think 1s to 2s, for 1h", "", "request: GET /",
			"users: 5, requests: 50, for: 1h, think: 1s..2s"},
		{"--rate 50/s..500/s --for 1m30s", "GET /, 50/s to 500/s poisson for 1m30s", "", "request: GET /", "rate: 50/s..500/s, for: 90s"},
		{"--rate 90/m --arrivals constant --timeout 60s", "GET /, 1.5/s constant for 10s", "timeout: 1m", "request: GET /",
			"rate: 90/m, arrivals: constant, for: 10s"},
		{"--rate 50/s -c 7", "GET /, 50/s poisson for 10s", "", "request: GET /", "rate: 50/s, connections: 7, for: 10s"},
		{`-X PUT -H Accept:a:b -d {"a":1}`, "PUT /, 1 user, for 10s", "", `request: PUT /, headers: {Accept: "a:b"}, body: '{"a":1}'`, "users: 1, for: 10s"},
		{"-X POST -H content-type:text/plain -d null", "POST /, 1 user, for 10s", "", `request: POST /, headers: {content-type: text/plain}, body: "null"`,
			"users: 1, for: 10s"},
	} {
		var f hitFlags
		flags := pflag.NewFlagSet("hit", pflag.ContinueOnError)
		f.define(flags)
		if err := flags.Parse(strings.Fields(tt.args)); err != nil {
			t.Fatal(err)
		}
		got, _, err := f.scenario("127.0.0.1:8000")
		if err != nil {
			t.Errorf("%s: %v", tt.args, err)
			continue
		}
		want, err := scenario.Parse("hit.yaml", fmt.Appendf(nil, hitFile, tt.why, tt.keys, tt.mode, tt.phase), nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.args, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(scenario.Scenario{}, "File", "SHA256"), cmpopts.IgnoreFields(scenario.Mode{}, "Line"),
			cmpopts.IgnoreFields(scenario.Phase{}, "Line")); diff != "" {
			t.Errorf("%s: -file +flags\n%s", tt.args, diff)
		}
	}
}

func TestHitSaysWhatABodyIs(t *testing.T) {
	workplace(t)
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got.Store(fmt.Sprintf("%s %q", r.Method, r.Header.Values("Content-Type")))
	}))
	t.Cleanup(server.Close)
	for _, tt := range []struct{ args, want string }{
		{"-d {}", `POST ["application/json"]`},
		{"-d {} -X PUT", `PUT ["application/json"]`},
		{"-d a=1 --data-raw @b", `POST ["application/x-www-form-urlencoded"]`},
		{"-d a=1 -H Content-Type:", `POST []`},
		{"-d a=1 -G", `GET []`},
		{"-d ", `POST []`},
		{"-I", `HEAD []`},
		{"-d {} -X POST -H CONTENT-TYPE:text/plain", `POST ["text/plain"]`},
		{"-X POST", `POST []`},
	} {
		r := loadgen(t, append([]string{"hit", server.URL, "-n", "1", "--allow-limited"}, strings.Split(tt.args, " ")...)...)
		if r.code != 0 || got.Load() != tt.want {
			t.Errorf("hit %s: the server got %s, want %s\n%s", tt.args, got.Load(), tt.want, r)
		}
	}
}

// What a file refuses is refused in the same words, without a place in a file that does not exist.
func TestHitRefusesWhatAScenarioDoes(t *testing.T) {
	workplace(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"-X", "CONNECT"}, `"CONNECT" is no method that a request can have, such as GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS`},
		{[]string{"-X", "get"}, "methods are in upper case: GET and not get"},
		{[]string{"-X", "GET /other"}, "a request wants a path that begins with / and is escaped as in a URL, as in GET /api/?page=2, got \"/other /\""},
		{[]string{"-H", "Accept"}, `-H "Accept": want 'Name: value', or 'Name;' for an empty one`},
		{[]string{"-b", "cookies.txt"}, `--cookie "cookies.txt": want name=value; files of cookies are not read`},
		{[]string{"-F", "a"}, "--form a: want name=text, name=@file or name=<file"},
		{[]string{"-F", "a=@none"}, "--form a=@none: open none: no such file or directory"},
		{[]string{"-F", "a=1", "-d", "b"}, "--form goes with no other body, nor with --get or --head"},
		{[]string{"--data-urlencode", "a@none"}, "--data-urlencode a@none: open none: no such file or directory"},
		{[]string{"-d", "@none"}, "--data @none: open none: no such file or directory"},
		{[]string{"-I", "-d", "x"}, "--head has no body"},
		{[]string{"--rate", "5/s", "-n", "3"}, "--rate is an open load, which --for ends; --requests and --think are of a closed one: choose one"},
		{[]string{"-H", "a b: c"}, `"a b" is not the name of a header`},
		{[]string{"-H", "X: a\nb"}, "header X must be one line without control characters"},
		{[]string{"--arrivals", "constant"}, "arrivals does not go with users"},
		{[]string{"--for", "10"}, "for needs a unit: 10s or 10ms"},
		{[]string{"--think", "2s..1s"}, "think runs from the shorter to the longer: 1s..2s"},
		{[]string{"--timeout", "soon"}, `timeout wants a duration such as 6s, 500ms or 1m30s, got "soon" (allowed units: us, ms, s, m, h)`},
		{[]string{"--timeout", "2m"}, "timeout must be from 1ms to 1m, got 2m"},
		{[]string{"--for", "0s"}, "for must be from 1ms to 24h, got 0s"},
		{[]string{"-n", "0", "-c", "0"}, "users must be from 1 to 100000, got 0; requests must be from 1 to 1000000000, got 0"},
		{[]string{"-n", "0"}, "requests must be from 1 to 1000000000, got 0"},
		{[]string{"-n", ""}, `requests wants a whole number, got ""`},
		{[]string{"--think", "0s"}, "think must be from 1ms to 24h, got 0s"},
		{[]string{"--timeout", "0"}, "timeout must be from 1ms to 1m, got 0"},
		{[]string{"--rate", "0/s"}, "rate must be above 0, got 0/s"},
		{[]string{"--rate", ""}, `rate wants a rate such as 200/s, 90/m or 50/s..500/s, got ""`},
		{[]string{"-c", "3", "-n", "2"}, "1 of 3 users would have nothing to do"},
		{[]string{"-c", "many", "-n", "1.5"}, `users wants a whole number, got "many"; requests wants a whole number, got "1.5"`},
	} {
		r := loadgen(t, append([]string{"hit", "http://127.0.0.1:1"}, tt.args...)...)
		if want := "loadgen: " + tt.want + "\n"; r.code != exitUsage || r.stderr != want || r.stdout != "" {
			t.Errorf("hit %q: %s\nwant exit code 2 and %s", tt.args, r, want)
		}
	}
}
