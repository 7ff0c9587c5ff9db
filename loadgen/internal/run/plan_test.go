package run_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/run"
)

const planned = `why: x
modes: {a: GET /a, b: GET /b, c: GET /c}
phases:
  - {name: own,    requests: 1}
  - {name: shared, requests: 6, mix: {a: 2, b: 1}}
  - {name: next,   requests: 1}
`

// Every round has each mode once, with all its own phases in order, and the shared phases once.
func TestPlan(t *testing.T) {
	const rounds = 5
	s := parse(t, planned)
	blocks := run.Plan(s, rounds, 1)
	var orders [][]string
	for round := 1; round <= rounds; round++ {
		var order []string
		for _, b := range blocks[4*(round-1) : 4*round] {
			if b.Round != round {
				t.Errorf("a block of round %d in the place of round %d", b.Round, round)
			}
			want := []string{"own", "next"}
			if b.Mode == "" {
				want = []string{"shared"}
			}
			if !slices.Equal(b.Phases, want) {
				t.Errorf("round %d, mode %q: phases %v, want %v", round, b.Mode, b.Phases, want)
			}
			order = append(order, b.Mode)
		}
		orders = append(orders, slices.Clone(order))
		slices.Sort(order)
		if want := []string{"", "a", "b", "c"}; !slices.Equal(order, want) {
			t.Errorf("round %d has %q, want %q", round, order, want)
		}
	}
	if len(blocks) != 4*rounds {
		t.Errorf("got %d blocks, want %d", len(blocks), 4*rounds)
	}
	if slices.EqualFunc(orders[1:], orders[:len(orders)-1], slices.Equal) {
		t.Errorf("every round has the order %q", orders[0])
	}
}

func TestPlanIsTheSeeds(t *testing.T) {
	s := parse(t, planned)
	if diff := cmp.Diff(run.Plan(s, 4, 7), run.Plan(s, 4, 7)); diff != "" {
		t.Error("one seed, two plans:", diff)
	}
	// A longer run begins as a shorter one.
	if diff := cmp.Diff(run.Plan(s, 2, 7), run.Plan(s, 4, 7)[:8]); diff != "" {
		t.Error("the first rounds depend on how many there are:", diff)
	}
	first := map[string]int{}
	for seed := range uint64(400) {
		first[run.Plan(s, 1, seed)[0].Mode]++
	}
	for _, mode := range []string{"", "a", "b", "c"} {
		if n := first[mode]; n < 60 || n > 140 { // 100 expected; 5 standard deviations are 43
			t.Errorf("mode %q comes first in %d of 400 seeds", mode, n)
		}
	}
}

func TestPlanOfOneKindOfPhase(t *testing.T) {
	own := parse(t, "why: x\nmodes: {a: GET /a, b: GET /b}\nphases: [{name: p, requests: 1}]\n")
	if got := run.Plan(own, 2, 1); len(got) != 4 {
		t.Errorf("got %v, want each mode once a round", got)
	}
	shared := parse(t, "why: x\nmodes: {a: GET /a, b: GET /b}\nphases: [{name: p, requests: 2, mix: {a: 1, b: 1}}]\n")
	want := []run.Block{{1, "", []string{"p"}}, {2, "", []string{"p"}}}
	if diff := cmp.Diff(want, run.Plan(shared, 2, 1)); diff != "" {
		t.Error(diff)
	}
}

// Seeds differ by end, round and phase, and by nothing else: there is no mode in them.
func TestDerive(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(3) {
		for stream := range uint64(5) {
			for round := range 20 {
				for phase := range 10 {
					d := run.Derive(seed, stream, round, phase)
					if seen[d] {
						t.Errorf("seed %d, stream %d, round %d, phase %d: %d again", seed, stream, round, phase, d)
					}
					if d != run.Derive(seed, stream, round, phase) {
						t.Error("not a function of its arguments")
					}
					seen[d] = true
				}
			}
		}
	}
}
