package run_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
)

// TestDivided checks that a run by several workers warns of what each of them has for itself, once, and no other run does.
func TestDivided(t *testing.T) {
	t.Parallel()
	const open = "phases: [{name: p, rate: 10/s, for: 1s}, {name: q, rate: 10/s, for: 1s}, {name: r, users: 2, for: 1s}]\n"
	for name, tt := range map[string]struct {
		yaml     string
		n        int
		replicas int
		want     []string
	}{
		"nothing":  {"modes: {a: GET /a}\n" + open, 3, 1, nil},
		"one":      {"world: {replicas: 2, balancing: least_in_flight}\nmax_in_flight: 10\nmodes: {a: {request: GET /a, conditional: true}}\n" + open, 1, 2, nil},
		"in turn":  {"world: {replicas: 2}\nmodes: {a: GET /a}\n" + open, 3, 2, nil},
		"no other": {"world: {balancing: least_in_flight}\nmodes: {a: GET /a}\n" + open, 3, 1, nil},
		"least in flight": {"world: {replicas: 2, balancing: least_in_flight}\nmodes: {a: GET /a}\n" + open, 3, 2, []string{
			"balancing: least_in_flight: each of the 3 workers counts its own requests alone: with few of them in flight it is closer to random than with one process",
		}},
		"conditional": {"modes: {a: {request: GET /a, conditional: true}, b: GET /b, c: {request: GET /c, conditional: true}}\n" + open, 8, 1, []string{
			"conditional (a, c): each of the 8 workers keeps copies of its own, as 8 browsers would: a new page is fetched in full 8 times, and not once",
		}},
		"bounds": {"max_in_flight: 10\nconnections: 12\nmodes: {a: GET /a}\n" + open, 4, 1, []string{
			"max_in_flight: 10 is divided among 4 workers (each has 3 or 2): one whose connections are all busy does not use another's",
			"connections: 12 is divided among 4 workers (each has 3): one whose connections are all busy does not use another's",
		}},
		"bounds below": {"max_in_flight: 2\nmodes: {a: GET /a}\n" + open, 3, 1, []string{
			"max_in_flight: 2 is divided among 3 workers (each has one, 3 together): one whose connections are all busy does not use another's",
		}},
		"users": {"modes: {a: GET /a}\nphases: [{name: p, users: 20, for: 1s}, {name: q, burst: 20}]\n", 3, 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := scenario.Parse("own.yaml", []byte("why: x\n"+tt.yaml), nil)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, run.Divided(s, tt.n, tt.replicas)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestWorkersWarn checks that the warnings are in the report.
func TestWorkersWarn(t *testing.T) {
	t.Parallel()
	p := newPortal(t)
	r := drive(t, withWorkers(p.start(t, "why: x\nrounds: 1\nconnections: 5\nmodes: {a: GET /a}\nphases: [{name: p, rate: 100/s, for: 100ms}]\n"), 2))
	if want := "connections: 5 is divided among 2 workers (each has 3 or 2): one whose connections are all busy does not use another's"; !slices.Contains(r.Warnings, want) {
		t.Errorf("warnings %q, want %q", r.Warnings, want)
	}
}
