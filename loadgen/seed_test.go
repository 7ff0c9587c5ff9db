package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

// One seed is one load, on whatever stack: each cell has the same number of requests. The report has the same table.
func TestTheSameSeedOnEveryStack(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", `why: the same load again
app: {properties: 500, ttl: 1m, redis_budget: 10s}
modes: {naive: GET /api/properties/live/naive/, swr: GET /api/properties/cached/swr/}
rounds: 2
phases:
  - {name: open,  rate: 200/s, for: 150ms}
  - {name: burst, burst: 10, before: [flush]}
  - {name: both,  rate: 200/s, for: 150ms, mix: {naive: 1, swr: 2}}
gates: [errors() == 0, 'sql("naive", "burst") == 62', 'recomputes("swr", "burst") == 1']
`)
	runs := map[string]*result.Run{}
	for _, name := range []string{"embedded", "again", "local"} {
		args := []string{"--seed", "42", "--out", filepath.Join(name, "runs")}
		if name == "local" {
			if err := localserver.Check(); err != nil && os.Getenv("CI") != "true" {
				t.Logf("SKIPPED, NOT TESTED: the stack local: %v", err)
				continue
			}
			args = append(args, "--stack", "local")
		}
		if r := runSmall(t, args...); r.code != result.ExitPass {
			t.Fatal(name, r)
		}
		paths, err := filepath.Glob(filepath.Join(name, "runs/*/run.json"))
		if err != nil || len(paths) != 1 {
			t.Fatal(paths, err)
		}
		if runs[name], err = result.Read(paths[0]); err != nil {
			t.Fatal(err)
		}
	}
	for name, run := range runs {
		if want, got := schedule(runs["embedded"]), schedule(run); !slices.Equal(want, got) {
			t.Errorf("%s: not what embedded had: %s", name, cmp.Diff(want, got))
		}
		if want, got := table(t, runs["embedded"]), table(t, run); !slices.Equal(want, got) {
			t.Errorf("%s: not the table of embedded: %s", name, cmp.Diff(want, got))
		}
	}
	if run := runs["local"]; run != nil && (!strings.HasPrefix(run.Stack.Database, "PostgreSQL ") || !strings.HasPrefix(run.Stack.Cache, "redis ")) {
		t.Errorf("local is %+v", run.Stack)
	}
}

// schedule is how many requests each cell had, in the order of the run.
func schedule(run *result.Run) (cells []string) {
	for _, c := range run.Cells {
		cells = append(cells, fmt.Sprintf("round %d, %s in %s: %d", c.Round, c.Mode, c.Phase, c.Ledger.Scheduled))
	}
	return cells
}

// table is the head of the table of response times, and the names of its rows. The page is too narrow for what requests cost, which not every stack knows, beside them.
func table(t *testing.T, run *result.Run) (names []string) {
	t.Helper()
	var text strings.Builder
	if err := report.Text(&text, reportOf(t, run), report.Options{Width: 80, Full: true}); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text.String(), "\nModes by phase\n")
	rest, _, _ = strings.Cut(rest, "\n\n")
	for i, line := range strings.Split(rest, "\n") {
		if i < 2 {
			names = append(names, strings.Join(strings.Fields(line), " "))
			continue
		}
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		names = append(names, name)
	}
	return names
}
