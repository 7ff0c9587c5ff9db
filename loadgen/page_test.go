package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// service answers at once.
func service(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.URL
}

// kept returns the one file of that name in the folders of out.
func kept(t *testing.T, out, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(out, "*", name))
	if err != nil || len(found) > 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if len(found) == 0 {
		return ""
	}
	return found[0]
}

func TestAPageBesideRunJSON(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", three)
	url := service(t)
	r := loadgen(t, "run", "./small.yaml", "--target", url, "--out", "with")
	page := kept(t, "with", "report.html")
	if r.code != 0 || page == "" || !strings.Contains(r.stdout, page) {
		t.Fatalf("got %s, want the page %q and a word on where it is", r, page)
	}
	again := loadgen(t, "report", kept(t, "with", "run.json"), "--format", "html")
	if again.code != 0 || again.stdout != fileText(t, page) {
		t.Errorf("rendered again it is another: %d and %d bytes, %s", len(again.stdout), len(fileText(t, page)), again.stderr)
	}
	if r := loadgen(t, "run", "./small.yaml", "--target", url, "--out", "without", "--no-html"); r.code != 0 || kept(t, "without", "report.html") != "" {
		t.Errorf("--no-html: got %s, and a page", r)
	}
	if r := loadgen(t, "hit", url, "-n", "3", "--html", "hit.html"); r.code != 0 || !strings.Contains(fileText(t, "hit.html"), "<!doctype html>") {
		t.Errorf("hit --html: got %s", r)
	}
	if r := loadgen(t, "hit", url, "-n", "3", "--json", "--html", "object.html"); r.code != 0 || !json.Valid([]byte(r.stdout)) || !strings.Contains(fileText(t, "object.html"), "<!doctype html>") {
		t.Errorf("hit --json --html: got %s", r)
	}
	const fullDevice = "/dev/full"
	if _, err := os.Stat(fullDevice); err != nil {
		return // of this system
	}
	if r := loadgen(t, "hit", url, "-n", "3", "--html", fullDevice); r.code != result.ExitInvalid || !strings.Contains(r.stdout, "None of 3 requests failed") ||
		!strings.Contains(r.stderr, "the page is lost, the report is on standard output: write /dev/full: no space left on device") {
		t.Errorf("hit --html of a full disk: got %s, want the report and a sentence", r)
	}
}

func TestSeveralRunsOnOnePage(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", three)
	url := service(t)
	for _, out := range []string{"a", "b"} {
		loadgen(t, "run", "./small.yaml", "--target", url, "--out", out, "--no-html")
	}
	a, b := kept(t, "a", "run.json"), kept(t, "b", "run.json")
	if r := loadgen(t, "report", a, b, "--format", "html"); r.code != 0 || !strings.Contains(r.stdout, "What differs beside the figures") {
		t.Errorf("got exit code %d, %s and %d bytes", r.code, r.stderr, len(r.stdout))
	}
	if r := loadgen(t, "report", a, b); r.code != exitUsage || !strings.Contains(r.stderr, "--format html") {
		t.Errorf("as text: got %s, want a word on --format html", r)
	}
	if r := loadgen(t, "report", a, "missing.json", "--format", "html"); r.code != exitUsage {
		t.Errorf("one is missing: got %s", r)
	}
}

// TestStoppedFromThePage reads the token out of the page and sends it: what goes on ends as Ctrl-C ends it, and has its page in the end.
func TestStoppedFromThePage(t *testing.T) {
	workplace(t)
	write(t, "long.yaml", "why: x\nrounds: 1\nmodes: {a: GET /}\nphases: [{name: p, rate: 50/s, for: 60s}]\n")
	url := service(t)
	for _, tt := range []struct {
		args  []string
		event string // after which there is something to see
	}{
		{[]string{"run", "./long.yaml", "--target", url, "--out", "run"}, "points"},
		{[]string{"run", "./long.yaml", "--target", url, "--workers", "2", "--allow-limited", "--out", "workers"}, "points"},
		{[]string{"hit", url, "--rate", "50/s", "--for", "60s", "--out", "hit", "--html", "hit/one/report.html"}, "points"},
		{[]string{"ab", "./long.yaml", "--a", url, "--b", service(t), "--epoch", "20s", "--out", "ab"}, "test"},
	} {
		out := tt.args[slices.Index(tt.args, "--out")+1]
		write(t, filepath.Join(out, "one", "x"), "")
		var stdout bytes.Buffer
		stderr := new(testkit.Log)
		ended := make(chan int, 1)
		written := stderr.Written("watched at ")
		go func() {
			ended <- program(t.Context(), append(tt.args, "--live", "127.0.0.1:0"), environment{stdout: &stdout, stderr: stderr})
		}()
		<-written
		stopFromPage(t, regexp.MustCompile(`http://\S+`).FindString(stderr.String()[strings.Index(stderr.String(), "watched at "):]), tt.event)
		if code := <-ended; code != result.ExitInterrupted || !strings.Contains(stdout.String(), "INTERRUPTED") {
			t.Errorf("%s: got exit code %d and\n%s\n%s", out, code, stdout.String(), stderr.String())
		}
		if page := kept(t, out, "report.html"); page == "" || !strings.Contains(fileText(t, page), "INTERRUPTED") {
			t.Errorf("%s: there is no page of the part that was measured", out)
		}
	}
}

// stopFromPage waits for an event, takes the token out of the page, and sends it.
func stopFromPage(t *testing.T, url, event string) {
	t.Helper()
	events, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	for r := bufio.NewReader(events.Body); ; {
		line, err := r.ReadString('\n') // which may be as long as a page
		if err != nil {
			t.Fatalf("waiting for %s: %v", event, err)
		}
		if line == "event: "+event+"\n" {
			break
		}
	}
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	token := regexp.MustCompile(`"token":"([A-Z0-9]+)"`).FindSubmatch(page)
	if err != nil || token == nil {
		t.Fatalf("%v, no token in %d bytes", err, len(page))
	}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"stop", nil)
	req.Header.Set("Loadgen-Token", string(token[1]))
	if resp, err = http.DefaultClient.Do(req); err != nil || resp.StatusCode != http.StatusNoContent {
		t.Fatalf("stop: got %v, %v", resp, err)
	}
	resp.Body.Close()
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
