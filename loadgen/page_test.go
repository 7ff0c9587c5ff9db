package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
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

// TestTheRunIsStoppedFromThePage reads the token out of the page and sends it: the run ends as Ctrl-C ends it.
func TestTheRunIsStoppedFromThePage(t *testing.T) {
	workplace(t)
	write(t, "long.yaml", "why: x\nrounds: 1\nmodes: {a: GET /}\nphases: [{name: p, rate: 50/s, for: 60s}]\n")
	var stdout bytes.Buffer
	stderr := new(testkit.Log)
	ended := make(chan int, 1)
	written := stderr.Written("watched at ")
	go func() {
		ended <- program(t.Context(), []string{"run", "./long.yaml", "--target", service(t), "--out", "out", "--live", "127.0.0.1:0"}, environment{stdout: &stdout, stderr: stderr})
	}()
	<-written
	url := regexp.MustCompile(`http://\S+`).FindString(stderr.String())
	events, err := http.Get(url + "events")
	if err != nil {
		t.Fatal(err)
	}
	defer events.Body.Close()
	for lines := bufio.NewScanner(events.Body); lines.Scan() && lines.Text() != "event: points"; { // until something was measured
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
	if code := <-ended; code != result.ExitInterrupted || !strings.Contains(stdout.String(), "INTERRUPTED") {
		t.Errorf("got exit code %d and\n%s\n%s", code, stdout.String(), stderr.String())
	}
	if page := kept(t, "out", "report.html"); page == "" {
		t.Error("there is no page of the part that was measured")
	} else if _, err := os.Stat(page); err != nil {
		t.Error(err)
	}
}

func fileText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
