package stats_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// shapley is the value by its definition: over all orders in which the causes go from A to B, the mean of what each changes.
func shapley(a, b []float64, worth func([]float64) float64) []float64 {
	values := make([]float64, len(a))
	orders := 0.0
	var walk func(state []float64, done int, changes []float64)
	walk = func(state []float64, done int, changes []float64) {
		if done == 1<<len(a)-1 {
			orders++
			for i, c := range changes {
				values[i] += c
			}
			return
		}
		for i := range a {
			if done>>i&1 == 1 {
				continue
			}
			next, with := append([]float64(nil), state...), append([]float64(nil), changes...)
			next[i] = b[i]
			with[i] = worth(next) - worth(state)
			walk(next, done|1<<i, with)
		}
	}
	walk(append([]float64(nil), a...), 0, make([]float64, len(a)))
	for i := range values {
		values[i] /= orders
	}
	return values
}

// TestAttributeByDefinition holds the shares of one epoch to the Shapley values of calls, the time of each, two waits and a rest.
func TestAttributeByDefinition(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	worth := func(x []float64) float64 { return x[0]*x[1] + x[2]*x[3] + x[4] + x[5] }
	for range 20 {
		a, b := make([]float64, 6), make([]float64, 6)
		for i := range a {
			a[i], b[i] = rng.Float64()*10, rng.Float64()*10
		}
		att, err := stats.Attribute([]float64{worth(a)}, []float64{worth(b)}, []stats.Part{
			{Name: "sql", Counted: true, A: []stats.Cost{{a[0], a[1]}}, B: []stats.Cost{{b[0], b[1]}}},
			{Name: "redis", Counted: true, A: []stats.Cost{{a[2], a[3]}}, B: []stats.Cost{{b[2], b[3]}}},
			{Name: "pool wait", A: []stats.Cost{{Each: a[4]}}, B: []stats.Cost{{Each: b[4]}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, want := range shapley(a, b, worth) {
			got := att.Shares[i].Change.Value
			sum += got
			if !near(got, want, 1e-9) {
				t.Errorf("%v to %v: got %v for %s, want %v", a, b, got, att.Shares[i], want)
			}
		}
		if !near(sum, att.Total.Value, 1e-9) {
			t.Errorf("got shares of %v in all, of a change of %v", sum, att.Total.Value)
		}
	}
}

// request is a model of one: so many statements of so long each, a wait for the pool and the app's own time, all with noise of a share.
type request struct{ calls, each, wait, own float64 }

func (r request) epochs(rng *rand.Rand, n int, noise float64) (total []float64, sql, wait []stats.Cost) {
	luck := func() float64 { return math.Exp(noise * rng.NormFloat64()) }
	for range n {
		c, w := stats.Cost{Calls: r.calls, Each: r.each * luck()}, r.wait*luck()
		sql, wait = append(sql, c), append(wait, stats.Cost{Each: w})
		total = append(total, c.Calls*c.Each+w+r.own*luck())
	}
	return total, sql, wait
}

func attribute(t *testing.T, seed uint64, a, b request, n int, noise float64) stats.Attribution {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 11))
	totalA, sqlA, waitA := a.epochs(rng, n, noise)
	totalB, sqlB, waitB := b.epochs(rng, n, noise)
	att, err := stats.Attribute(totalA, totalB, []stats.Part{{Name: "sql", Counted: true, A: sqlA, B: sqlB}, {Name: "pool wait", A: waitA, B: waitB}})
	if err != nil {
		t.Fatal(err)
	}
	return att
}

func TestCulprit(t *testing.T) {
	base := request{calls: 5, each: 1, wait: .5, own: 3}
	for _, tt := range []struct {
		name string
		b    request
		n    int
		want string
	}{
		{"an N+1", request{62, 1, .5, 3}, 12, "more sql"},
		{"an index less", request{5, 2.5, .5, 3}, 12, "slower sql"},
		{"fewer statements", request{2, 1, .5, 3}, 12, "fewer sql"},
		{"faster statements", request{5, .3, .5, 3}, 12, "faster sql"},
		{"a pool too small", request{5, 1, 4, 3}, 12, "pool wait"},
		{"the app itself", request{5, 1, .5, 6}, 12, ""},
		{"a little of each", request{6, 1.2, 1.6, 4.2}, 12, ""},
		{"nothing", base, 12, ""},
		{"too few epochs", request{62, 1, .5, 3}, 5, ""},
	} {
		culprit, ok := attribute(t, 5, base, tt.b, tt.n, .05).Culprit()
		if ok != (tt.want != "") || ok && culprit.String() != tt.want {
			t.Errorf("%s: got %q, %v (%+v), want %q", tt.name, culprit, ok, culprit, tt.want)
		}
	}
	att := attribute(t, 5, base, request{5, 1, .5, 6}, 12, .05)
	if rest := att.Shares[len(att.Shares)-1]; rest.String() != "rest" || !near(rest.Explains, 1, .15) {
		t.Errorf("the app itself: got %+v, want all of it in the rest", rest)
	}
}

// TestAttributeNew is of a part that only one arm has: all of its time is that its calls are more.
func TestAttributeNew(t *testing.T) {
	none, some := stats.Cost{}, stats.Cost{Calls: 4, Each: 2}
	for _, tt := range []struct {
		a, b stats.Cost
		want float64
	}{{none, some, 8}, {some, none, -8}, {none, none, 0}} {
		att, err := stats.Attribute([]float64{10}, []float64{10}, []stats.Part{{Name: "redis", Counted: true, A: []stats.Cost{tt.a}, B: []stats.Cost{tt.b}}})
		if err != nil || att.Shares[0].Change.Value != tt.want || att.Shares[1].Change.Value != 0 || att.Shares[2].Change.Value != -tt.want {
			t.Errorf("%v to %v: got %+v, %v, want %v more and none slower", tt.a, tt.b, att.Shares, err, tt.want)
		}
	}
}

func TestAttributeNothing(t *testing.T) {
	nan := math.NaN()
	one := []stats.Cost{{1, 1}}
	for name, f := range map[string]func() error{
		"no epochs":         func() error { _, err := stats.Attribute(nil, nil, nil); return err },
		"unequal totals":    func() error { _, err := stats.Attribute([]float64{1}, []float64{1, 2}, nil); return err },
		"a total of NaN":    func() error { _, err := stats.Attribute([]float64{nan}, []float64{1}, nil); return err },
		"a total too large": func() error { _, err := stats.Attribute([]float64{1}, []float64{math.Inf(1)}, nil); return err },
		"unequal epochs": func() error {
			_, err := stats.Attribute([]float64{1}, []float64{1}, []stats.Part{{Name: "sql", A: one}})
			return err
		},
		"no name": func() error {
			_, err := stats.Attribute([]float64{1}, []float64{1}, []stats.Part{{A: one, B: one}})
			return err
		},
		"one name twice": func() error {
			_, err := stats.Attribute([]float64{1}, []float64{1}, []stats.Part{{Name: "a", A: one, B: one}, {Name: "a", A: one, B: one}})
			return err
		},
		"negative calls": func() error {
			_, err := stats.Attribute([]float64{1}, []float64{1}, []stats.Part{{Name: "a", A: one, B: []stats.Cost{{-1, 1}}}})
			return err
		},
	} {
		if err := f(); !errors.Is(err, stats.ErrPart) {
			t.Errorf("%s: got %v, want an error of the parts", name, err)
		}
	}
}
