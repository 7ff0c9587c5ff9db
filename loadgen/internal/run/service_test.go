package run_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// ownService returns the configuration of a run of a scenario on a service of one's own, in an environment.
func ownService(t *testing.T, target, yaml string, env map[string]string) run.Config {
	t.Helper()
	s, err := scenario.Parse("own.yaml", []byte(yaml), func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	})
	if err != nil {
		t.Fatal(err)
	}
	return run.Config{Scenario: s, Seed: 1, AllowLimited: true, Progress: &watcher{}, Stack: stack.Config{Kind: stack.Remote, Targets: []string{target}}}
}

// A phase without hope ends, the run has failed, and the report says why.
func TestAbortWhen(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }))
	defer server.Close()
	r := drive(t, ownService(t, server.URL, `why: x
modes: {a: GET /}
rounds: 1
phases:
  - {name: hopeless, rate: 200/s, for: 1h, abort_when: error_ratio > 0.5}
  - {name: next, requests: 3, abort_when: error_ratio > 0.5}
gates: ['requests("a", "next") == 3', 'errors("a", "hopeless", "404") == 0', 'errors("a", "hopeless", "5xx") > 19']
`, nil))
	if len(r.Aborted) != 1 || r.Interrupted || len(r.Invalid) > 0 || result.ExitCode(r) != result.ExitFail {
		t.Fatalf("aborted %+v, interrupted %t, invalid %q, exit code %d", r.Aborted, r.Interrupted, r.Invalid, result.ExitCode(r))
	}
	a := r.Aborted[0]
	if a.Mode != "a" || a.Phase != "hopeless" || a.Round != 1 || a.Value != "1" || a.When != "error_ratio > 0.5" || a.Of.Hours() != 1 || a.After <= 0 || a.After >= a.Of {
		t.Errorf("got %+v", a)
	}
	var verdicts []string
	for _, g := range r.Gates {
		verdicts = append(verdicts, g.Verdict)
	}
	last := r.Gates[len(r.Gates)-1]
	if want := []string{result.Pass, result.Pass, result.Pass, result.Fail}; !slices.Equal(verdicts, want) || last.Expr != "abort_when: error_ratio > 0.5" ||
		last.Compared != "error_ratio is 1, more than 0.5" || last.Line != 5 || !strings.HasPrefix(last.Reason, "a, hopeless, round 1, was ended after ") {
		t.Errorf("gates %+v", r.Gates)
	}
	if !slices.ContainsFunc(r.Warnings, func(w string) bool {
		return strings.Contains(w, "was ended after") && strings.HasSuffix(w, "(abort_when: error_ratio > 0.5)")
	}) {
		t.Errorf("warnings %q", r.Warnings)
	}
}

// What a variable of the environment stands for goes to the server, and nowhere else.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cr/t value"
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, r.RequestURI+" "+r.Header.Get("Authorization"))
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		fmt.Fprintf(w, `{"echo": %q, "url": %q}`, r.Header.Get("Authorization"), r.RequestURI)
	}))
	defer server.Close()
	for _, check := range []string{`{json: {echo: 1}}`, `{json: {url: 1}}`, `{text: nothing}`, `{header: {X-Echo: y}}`, `{header: {X-Echo: "${TOKEN}"}}`, `{text: "${TOKEN}x"}`} {
		r := drive(t, ownService(t, server.URL, `why: x
modes:
  a: {request: "GET /x?t=${TOKEN}", headers: {Authorization: "Bearer ${TOKEN}"}, check: `+check+`}
rounds: 1
phases: [{name: p, requests: 3}]
`, map[string]string{"TOKEN": secret}))
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if n := r.Cells[0].Ledger.Failed["check"]; n != 3 || r.Modes[0].Path != "/x?t=${TOKEN}" {
			t.Errorf("%s: %d checks failed, path %s", check, n, r.Modes[0].Path)
		}
		for _, part := range []string{secret, "s3cr%2Ft", "s3cr"} {
			if strings.Contains(string(text), part) {
				t.Errorf("%s: %q is in %s", check, part, text)
			}
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if want := "/x?t=s3cr%2Ft%20value Bearer " + secret; len(got) != 18 || slices.ContainsFunc(got, func(s string) bool { return s != want }) {
		t.Errorf("the server got %q, want %q", got, want)
	}
}

// A target on a Unix socket, with one connection a request.
func TestUnixSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "s")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	peers, hosts := 0, map[string]int{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hosts[r.Host]++
	}))
	server.Listener.Close()
	server.Listener = ln
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		if s == http.StateActive {
			peers++
		}
	}
	server.Start()
	defer server.Close()
	r := drive(t, ownService(t, "unix://"+path, "why: x\nmodes: {a: {request: GET /, headers: {Connection: close}}}\nrounds: 1\nphases: [{name: p, requests: 3}]\n", nil))
	mu.Lock()
	defer mu.Unlock()
	if r.Cells[0].Ledger.Completed != 3 || hosts["localhost"] != 3 || peers != 3 {
		t.Errorf("ledger %+v, hosts %v, %d connections", r.Cells[0].Ledger, hosts, peers)
	}
}

func TestShortages(t *testing.T) {
	s, err := scenario.Parse("own.yaml", []byte(`why: x
modes: {a: {request: GET /, headers: {connection: Close}}, b: GET /}
phases:
  - {name: users, users: 500, for: 1s, mix: {b: 1}}
  - {name: burst, burst: 40, mix: {b: 1}}
  - {name: closing, rate: 1000/s, for: 2m, mix: {a: 1}}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	plenty := limits.Limits{Files: 1 << 20, Ports: 60_000, Memory: 1 << 40}
	const limited = ": a run that comes to it is GENERATOR-LIMITED"
	for _, tt := range []struct {
		limits limits.Limits
		want   []string
	}{
		{plenty, nil},
		{limits.Limits{}, nil},
		{limits.Limits{Files: 300}, []string{"phase users can open 500 connections, and this process may have 300 files open (ulimit -n)" + limited}},
		{limits.Limits{Ports: 28_232}, []string{"phase closing can take 60000 local ports, and there are 28232 to one address (net.ipv4.ip_local_port_range)" + limited}},
		{limits.Limits{Memory: 30 << 20}, []string{"phase users can take 48 MB for its 500 connections, and 30 MB are left" + limited}},
	} {
		if got := run.Shortages(s, tt.limits); !slices.Equal(got, tt.want) {
			t.Errorf("%+v: got %q, want %q", tt.limits, got, tt.want)
		}
	}
}

// What the machine refused is the generator's limit, and makes a run without a verdict; of a warm-up it is not.
func TestRefusals(t *testing.T) {
	refused := result.Cell{Mode: "a", Phase: "p", Round: 2, Failures: []result.Failure{
		{Kind: "refused", Code: "connection refused", Count: 7},
		{Kind: "generator limit", Code: "open files for this process (EMFILE)", Count: 3, Example: "socket: too many open files"},
	}}
	warmup := refused
	warmup.Phase = "w"
	r := &result.Run{Phases: []result.PhaseInfo{{Name: "p"}, {Name: "w", Warmup: true}}, Cells: []result.Cell{refused, warmup}}
	want := []string{"a, p, round 2: 3 requests were refused by the generator's own machine, which has no more open files for this process (EMFILE): socket: too many open files"}
	if got := run.Refusals(r); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
