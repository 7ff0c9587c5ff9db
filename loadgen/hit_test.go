package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// lastLine is what other programs read of hit's output.
var lastLine = regexp.MustCompile(`\n\n(\d+) requests p50=(\S+) p90=(\S+) p95=(\S+) p99=(\S+)\n$`)

// figures reads the last line.
func figures(t *testing.T, r ending) (requests int, quantiles []time.Duration) {
	t.Helper()
	m := lastLine.FindStringSubmatch(r.stdout)
	if m == nil {
		t.Fatalf("no figures at the end: %s", r)
	}
	requests, err := strconv.Atoi(m[1])
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range m[2:] {
		q, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if len(quantiles) > 0 && q < quantiles[len(quantiles)-1] {
			t.Errorf("quantiles %q do not rise", m[2:])
		}
		quantiles = append(quantiles, q)
	}
	return requests, quantiles
}

// limited reports whether the verdict is the generator's: server and generator share this process, and the machine may be busy.
func limited(r ending) bool {
	return r.code == result.ExitInvalid && strings.Contains(r.stdout, "GENERATOR-LIMITED")
}

func TestHit(t *testing.T) {
	workplace(t)
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // checked by its text
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %s/%s/%s %q", r.Method, r.URL.RequestURI(), r.Header.Get("Accept"), r.Header.Get("X-Two"), r.Header.Get("Authorization"), body))
		w.WriteHeader(http.StatusAccepted)
	}))
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	for _, tt := range []struct {
		args     []string
		requests int // 0: whatever the server could do
		request  string
		load     string
	}{
		{[]string{server.URL, "--rate", "100/s", "--for", "200ms", "--arrivals", "constant"}, 20, `GET / // ""`, "100/s constant for 200ms"},
		{[]string{host + "/a/b%20c?q=1&r=%22", "-c", "3", "--for", "100ms"}, 0, `GET /a/b%20c?q=1&r=%22 // ""`, "3 users, for 100ms"},
		{[]string{server.URL + "/x", "-n", "7"}, 7, `GET /x // ""`, "7 requests"},
		{[]string{server.URL, "-c", "2", "-n", "6", "--think", "1ms", "--timeout", "3s"}, 6, `GET / // ""`, "2 users, 6 requests, think 1ms"},
		{
			[]string{server.URL, "-n", "2", "-X", "POST", "-d", "say: \"hé\xff\"\x00\n", "-H", "Accept: text/html", "-H", "X-Two:a: \"b\""}, 2,
			`POST / text/html/a: "b"/ ` + fmt.Sprintf("%q", "say: \"hé\xff\"\x00\n"), "2 requests",
		},
		{[]string{"http://me:secret@" + host, "-n", "1"}, 1, `GET / //Basic bWU6c2VjcmV0 ""`, "burst of 1"},
	} {
		seen = nil
		r := loadgen(t, append([]string{"hit"}, tt.args...)...)
		if r.code != 0 && !limited(r) {
			t.Errorf("%q: %s", tt.args, r)
			continue
		}
		requests, quantiles := figures(t, r)
		if tt.requests == 0 && requests < 3 || tt.requests != 0 && requests != tt.requests || requests != len(seen) || quantiles[0] <= 0 {
			t.Errorf("%q: %d requests, the server saw %d, want %d; quantiles %v", tt.args, requests, len(seen), tt.requests, quantiles)
		}
		for _, s := range seen {
			if s != tt.request {
				t.Errorf("%q: the server saw %s, want %s", tt.args, s, tt.request)
			}
		}
		if !strings.Contains(r.stdout, "\nhit: "+tt.load+"\n") || strings.Contains(r.stdout, "secret") || !strings.HasPrefix(r.stderr, "round 1/1  hit ") {
			t.Errorf("%q: no load %q in %s", tt.args, tt.load, r)
		}
	}
}

// What fails is counted by kind; where nothing succeeds, there are no percentiles, and hit has failed.
func TestHitAServerThatFails(t *testing.T) {
	workplace(t)
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	r := loadgen(t, "hit", server.URL, "-n", "5")
	if r.code != result.ExitFail && !limited(r) || !strings.HasSuffix(r.stdout, "\n\n5 requests errors=5: status 404 x 5\n") || !limited(r) && !strings.HasPrefix(r.stdout, "\nFAIL  hit: no request succeeded\n") {
		t.Error(r)
	}
	server.Close()
	if r := loadgen(t, "hit", server.URL, "-n", "5"); r.code != result.ExitInvalid || r.stdout != "" || strings.Count(r.stderr, "\n") != 1 ||
		!strings.Contains(r.stderr, "the target "+server.URL+" does not answer") {
		t.Error(r)
	}
}

// hit leaves what run does, if it is asked to, and one object for jq.
func TestHitForPrograms(t *testing.T) {
	workplace(t)
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n%4 == 0 { // of one user: one after the other
			w.WriteHeader(http.StatusTeapot)
		}
		fmt.Fprint(w, "hello")
	}))
	t.Cleanup(server.Close)
	r := loadgen(t, "hit", strings.Replace(server.URL, "//", "//me:s3cret@", 1)+"/x", "-n", "40", "-X", "POST", "-d", "abc", "--phases", "--json", "--out", "runs", "--allow-limited")
	var got hitResult
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 || strings.Contains(r.stdout, "s3cret") {
		t.Fatal(err, r)
	}
	if got.Request != "POST /x" || got.Requests != 40 || got.Completed != 30 || got.Errors != 10 || got.Statuses[200] != 30 || got.ExitCode != 0 ||
		len(got.Failures) != 1 || got.Failures[0].Status != http.StatusTeapot || got.Failures[0].Count != 10 || got.Failures[0].Example != "status 418 I'm a teapot" {
		t.Errorf("got %+v", got)
	}
	if got.Figures["p50_ms"] <= 0 || got.Figures["bytes_in"] <= 0 || got.Figures["bytes_out"] <= 0 || !slices.Contains(got.AtLeast, "p99_ms") || got.Phases["first_byte_ms"].(float64) <= 0 {
		t.Errorf("got figures %v, at least %v, phases %v", got.Figures, got.AtLeast, got.Phases)
	}
	runs, paths := results(t)
	if len(runs) != 1 || paths[0] != got.RunJSON || runs[0].Cells[0].Ledger.Wrote != 120 || runs[0].Cells[0].Ledger.Bytes != 200 {
		t.Errorf("%d runs, %v, want %s", len(runs), paths, got.RunJSON)
	}
	if r := loadgen(t, "report", paths[0], "--full"); r.code != 0 || !strings.Contains(r.stdout, "\nPhases of a request\n") || !strings.Contains(r.stdout, "Bodies: 200 B received, ") {
		t.Error(r)
	}
	if r := loadgen(t, "hit", server.URL, "-n", "1", "--out", "/proc"); r.code != exitUsage || r.stdout != "" {
		t.Error(r)
	}
}

// What the text warns of, the object does: nobody followed the redirects, which count as completed.
func TestHitRedirectsForPrograms(t *testing.T) {
	server := httptest.NewServer(http.RedirectHandler("/", http.StatusFound))
	t.Cleanup(server.Close)
	r := loadgen(t, "hit", server.URL, "-n", "2", "--json")
	var got hitResult
	if err := json.Unmarshal([]byte(r.stdout), &got); err != nil || r.code != 0 {
		t.Fatal(err, r)
	}
	const want = "2 of 2 responses were redirects, and were not followed further (302 x 2): --redirects 5 follows as many."
	if !slices.Contains(got.Warnings, want) {
		t.Errorf("got warnings %q, want %q", got.Warnings, want)
	}
}

func TestHitInterrupted(t *testing.T) {
	workplace(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if n++; n == 5 { // of one user: one after the other
			cancel()
		}
	}))
	t.Cleanup(server.Close)
	r := loadgenUntil(ctx, &testkit.Log{}, "hit", server.URL)
	if requests, _ := figures(t, r); r.code != result.ExitInterrupted || requests < 5 || !strings.Contains(r.stdout, "INTERRUPTED  hit: ") {
		t.Error(r)
	}
}

// hit takes no data: what looks like a variable is sent as it stands.
func TestHitSendsBracesAsTheyAre(t *testing.T) {
	workplace(t)
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // checked by its text
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, fmt.Sprintf("%s %s %s", r.RequestURI, r.Header.Get("X"), body))
	}))
	t.Cleanup(server.Close)
	r := loadgen(t, "hit", server.URL+"/a?filter={page}&t=${TOKEN}&x={{y}}", "-n", "1", "-X", "POST", "-d", "{{page}} ${X} {", "-H", "X: {{x}}")
	if r.code != 0 && !limited(r) {
		t.Fatal(r)
	}
	mu.Lock()
	defer mu.Unlock()
	if want := []string{"/a?filter={page}&t=${TOKEN}&x={{y}} {{x}} {{page}} ${X} {"}; !slices.Equal(seen, want) {
		t.Errorf("got %q, want %q", seen, want)
	}
}
