package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"loadlab/loadgen/internal/result"
)

const three = "why: x\nrounds: 1\nmodes: {a: GET /}\nphases: [{name: p, requests: 3}]\n"

// A folder that cannot be written is refused before anything is requested.
func TestResultsThatCannotBeWrittenAreRefusedBeforeTheRun(t *testing.T) {
	workplace(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request was made") }))
	defer server.Close()
	write(t, "small.yaml", three)
	write(t, "file", "")
	r := loadgen(t, "run", "./small.yaml", "--target", server.URL, "--out", "file")
	if r.code != exitUsage || !strings.Contains(r.stderr, "--out") {
		t.Errorf("got %s, want exit code 2 and a word on --out", r)
	}
	// In a container it is the user that is to be another.
	r = loadgen(t, "run", "./small.yaml", "--stack", "compose", "--out", "file")
	if r.code != exitUsage || !strings.Contains(r.stderr, "LOADLAB_UID=$(id -u)") {
		t.Errorf("got %s, want exit code 2 and a word on LOADLAB_UID", r)
	}
}

// A folder that is lost during the run costs run.json and no more: the report is printed, and the run does not pass.
func TestTheReportIsPrintedAlsoWhenRunJSONCannotBeWritten(t *testing.T) {
	workplace(t)
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() {
			if err := os.RemoveAll("out"); err != nil {
				t.Error(err)
			}
			write(t, "out", "in the way")
		})
	}))
	defer server.Close()
	write(t, "small.yaml", three)
	r := loadgen(t, "run", "./small.yaml", "--target", server.URL, "--out", "out")
	if r.code != result.ExitInvalid || !strings.Contains(r.stdout, "DONE  small") || !strings.Contains(r.stdout, "None of 3 requests failed") {
		t.Errorf("got %s, want the report and exit code 4", r)
	}
	if !strings.Contains(r.stderr, "results are lost") || strings.Contains(r.stdout, "run.json") {
		t.Errorf("got %s, want a word on what was lost and none on where it would be", r)
	}
}

// A file that may not grow, as on a full disk, is found before the load where it can be. Where it cannot, the report is printed all the same: the kernel's signal, which would end a
// program of Go, is taken.
func TestAFileThatMayNotGrow(t *testing.T) {
	workplace(t)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	write(t, "small.yaml", three)
	write(t, "large.yaml", strings.Replace(three, "why: x", "why: "+strings.Repeat("x", 600<<10), 1))
	for _, tt := range []struct {
		scenario, blocks string // of 512 bytes
		code             int
		stdout, stderr   string
	}{
		{"./small.yaml", "8", exitUsage, "", "file too large (--out names another folder)"},
		{"./large.yaml", "1024", result.ExitInvalid, "3 requests scheduled = 3 completed", "the results are lost, but for the report on standard output"},
	} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", `ulimit -f `+tt.blocks+`; exec "$0" "$@"`, binary(t, "loadgen"), "run", tt.scenario, "--target", server.URL, "--out", "out", "--full")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		_ = cmd.Run() // its code is looked at
		if cmd.ProcessState.ExitCode() != tt.code || !strings.Contains(stdout.String(), tt.stdout) || !strings.Contains(stderr.String(), tt.stderr) {
			t.Errorf("%s: %v, want exit code %d\n%.2000s\n%.2000s", tt.scenario, cmd.ProcessState, tt.code, stdout.String(), stderr.String())
		}
	}
}
