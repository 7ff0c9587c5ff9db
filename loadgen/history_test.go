package main

import (
	"path/filepath"
	"strings"
	"testing"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
)

// A figure across stored runs; what cannot be read is named, and what is not there is a usage error.
func TestHistory(t *testing.T) {
	workplace(t)
	write(t, filepath.Join("runs", "broken", "run.json"), "{")
	for _, id := range []string{"20261122-120000-stampede", "20261123-120000-stampede"} {
		run := resulttest.Stampede(t)
		run.ID = id
		write(t, filepath.Join("runs", id, "x"), "")
		if err := result.Write(filepath.Join("runs", id, "run.json"), run); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 0, "stampede: 2 runs\n"},
		{[]string{"stampede", "--mode", "ttl"}, 0, "stampede: p99 in expiry, by run (2 stored runs)\n\nttl, 2 runs\n"},
		{[]string{"stampede", "--phase", "warm", "--figure", "rate"}, 0, "stampede: rate in warm"},
		{[]string{"stampede", "--format", "html"}, 0, "<!doctype html>"},
		{[]string{"stampede", "--format", "pdf"}, 2, "--format"},
		{[]string{"other"}, 2, "there are runs of stampede"},
		{[]string{"stampede", "--mode", "other"}, 2, "the newest run has modes ttl"},
		{[]string{"--out", "nowhere"}, 2, "no runs in nowhere"},
	} {
		r := loadgen(t, append([]string{"history"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.stdout+r.stderr, tt.want) {
			t.Errorf("%q: want exit code %d and %q: %s", tt.args, tt.code, tt.want, r)
		}
		if broken := strings.Contains(r.stderr, "left out: "); len(tt.args) < 2 && tt.args != nil && tt.args[0] == "other" && !broken {
			t.Errorf("%q: nothing is said of the file that cannot be read: %s", tt.args, r)
		}
	}
}
