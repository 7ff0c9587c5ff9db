package keys_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"loadlab/loadgen/internal/keys"
)

func source(t testing.TB, spec keys.Spec, name string, seed uint64) *keys.Source {
	t.Helper()
	s, err := keys.New(spec, name, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(s *keys.Source, row int64) string { return string(s.Append(nil, row)) }

// The popularity of ranks is P, by a chi-square test of 100,000 draws. Its limit is the 0.999 quantile by Wilson and Hilferty.
func TestZipfIsP(t *testing.T) {
	for _, s := range []float64{0.01, 0.6, 0.9, 1, 1.2, 3} {
		const n, draws = 250, 100_000
		z := source(t, keys.Spec{Kind: keys.Zipf, S: s, From: 1, To: n}, "page", 7)
		counts := make([]float64, n)
		rankOf := map[int64]int{}
		sum := 0.0
		for rank := 1; rank <= n; rank++ {
			rankOf[z.RowOf(rank)] = rank
			sum += z.P(rank)
		}
		if len(rankOf) != n || math.Abs(sum-1) > 1e-12 {
			t.Fatalf("s=%v: %d ranks have %d rows, and their probabilities add up to %v", s, n, len(rankOf), sum)
		}
		for k := range int64(draws) {
			counts[rankOf[z.Row(42, k, 0)]-1]++
		}
		var chi float64
		cells, rest, expected := 0, 0.0, 0.0
		for rank := 1; rank <= n; rank++ { // cells of fewer than 10 expected draws are joined
			rest, expected = rest+counts[rank-1], expected+draws*z.P(rank)
			if expected >= 10 || rank == n {
				chi += (rest - expected) * (rest - expected) / max(expected, 1)
				rest, expected, cells = 0, 0, cells+1
			}
		}
		df := float64(cells - 1)
		limit := df * math.Pow(1-2/(9*df)+3.09*math.Sqrt(2/(9*df)), 3)
		if chi > limit {
			t.Errorf("s=%v: chi-square of %d cells is %.1f, want at most %.1f", s, cells, chi, limit)
		}
	}
}

// Every id has a rank and every rank an id; neighbours in rank are no neighbours in id; another run has other favourites.
func TestRanksArePermuted(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 4, 5, 16, 17, 250, 1000, 65_536, 65_537} {
		z := source(t, keys.Spec{Kind: keys.Zipf, S: 1, From: 1, To: n}, "page", 7)
		seen := make([]bool, n)
		near := 0
		for rank := 1; rank <= int(n); rank++ {
			row := z.RowOf(rank)
			if row < 0 || row >= n || seen[row] {
				t.Fatalf("n=%d: rank %d has row %d, which is outside or another's", n, rank, row)
			}
			seen[row] = true
			if rank > 1 && (row-z.RowOf(rank-1) == 1 || z.RowOf(rank-1)-row == 1) {
				near++
			}
		}
		if n >= 250 && near > int(n)/20 {
			t.Errorf("n=%d: %d ids are neighbours of the next popular one", n, near)
		}
	}
	spec := keys.Spec{Kind: keys.Zipf, S: 1, From: 1, To: 1000}
	favourites := map[int64]bool{}
	for seed := range uint64(20) {
		favourites[source(t, spec, "page", seed).RowOf(1)] = true
	}
	if len(favourites) < 15 {
		t.Errorf("20 runs have %d different favourites", len(favourites))
	}
}

// A row is a function of (seed, k) alone: asked for in any order, by any copy, it is the same. Phases and names differ.
func TestRowIsAFunctionOfSeedAndArrival(t *testing.T) {
	spec := keys.Spec{Kind: keys.Zipf, S: 0.9, From: 1, To: 250}
	a, b, other := source(t, spec, "page", 7), source(t, spec, "page", 7), source(t, spec, "id", 7)
	const n = 1000
	rows := make([]int64, n)
	for k := range int64(n) {
		rows[k] = a.Row(42, k, 0)
	}
	var phases, names int
	for k := int64(n - 1); k >= 0; k-- {
		if got := b.Row(42, k, 9); got != rows[k] {
			t.Fatalf("arrival %d: got row %d and then %d", k, rows[k], got)
		}
		if b.Row(43, k, 0) == rows[k] {
			phases++
		}
		if other.Row(42, k, 0) == rows[k] {
			names++
		}
	}
	if phases > n/5 || names > n/5 {
		t.Errorf("of %d arrivals %d are the same in another phase, %d by another name", n, phases, names)
	}
}

func TestOrders(t *testing.T) {
	values := []string{"a", "b", "c", "d", "e"}
	take := func(s *keys.Source, seed uint64, n int64) string {
		var got strings.Builder
		for k := range n {
			got.WriteString(text(s, s.Row(seed, k, k%2)))
		}
		return got.String()
	}
	for _, tt := range []struct {
		spec   keys.Spec
		want   string
		finite bool
	}{
		{keys.Spec{Kind: keys.List, Values: values, Order: keys.Sequential}, "abcdeabcdeab", false},
		{keys.Spec{Kind: keys.CSV, Values: values, Order: keys.Once}, "abcdeabcdeab", true},
		{keys.Spec{Kind: keys.CSV, Values: values, Order: keys.Sequential, Sticky: true}, "abababababab", false},
		{keys.Spec{Kind: keys.CSV, Values: values, Order: keys.Once, Sticky: true}, "abababababab", false},
		{keys.Spec{Kind: keys.Sequence, From: 7, To: 9}, "789789789789", false},
		{keys.Spec{Kind: keys.Sequence, From: 0, To: 0}, "000000000000", false},
	} {
		s := source(t, tt.spec, "x", 1)
		if got := take(s, 3, 12); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.spec, got, tt.want)
		}
		if rows, finite := s.Rows(); finite != tt.finite || finite && rows != 5 {
			t.Errorf("%+v: %d rows, finite %t", tt.spec, rows, finite)
		}
	}
	shuffled := source(t, keys.Spec{Kind: keys.List, Values: values, Order: keys.Shuffled}, "x", 1)
	orders := map[string]bool{}
	for seed := range uint64(20) {
		got := take(shuffled, seed, 10)
		for _, pass := range []string{got[:5], got[5:]} {
			orders[pass] = true
			letters := strings.Split(pass, "")
			if slices.Sort(letters); !slices.Equal(letters, values) {
				t.Errorf("seed %d: a pass over the rows is %q", seed, pass)
			}
		}
	}
	if len(orders) < 20 {
		t.Errorf("40 passes have %d orders", len(orders))
	}
}

// Columns of one file are of the same row, whatever their variables are called; columns of two files are not.
func TestColumnsOfAFileGoTogether(t *testing.T) {
	column := func(file, letter string) keys.Spec {
		values := make([]string, 100)
		for i := range values {
			values[i] = fmt.Sprint(letter, i)
		}
		return keys.Spec{Kind: keys.CSV, File: file, Column: letter, Values: values, Order: keys.Shuffled}
	}
	name := source(t, column("users.csv", "n"), "name", 1)
	pass := source(t, column("users.csv", "p"), "password", 1)
	city := source(t, column("cities.csv", "c"), "city", 1)
	same := 0
	for k := range int64(100) {
		if n, p := text(name, name.Row(5, k, 0))[1:], text(pass, pass.Row(5, k, 0))[1:]; n != p {
			t.Fatalf("arrival %d takes row %s of one column and %s of the other", k, n, p)
		} else if text(city, city.Row(5, k, 0))[1:] == n {
			same++
		}
	}
	if same > 10 {
		t.Errorf("%d of 100 rows are the same in two files", same)
	}
}

func TestUniform(t *testing.T) {
	s := source(t, keys.Spec{Kind: keys.Uniform, From: 11, To: 20}, "id", 1)
	counts := map[string]int{}
	const draws = 10_000
	for k := range int64(draws) {
		counts[text(s, s.Row(3, k, 0))]++
	}
	for id := 11; id <= 20; id++ {
		if n := counts[strconv.Itoa(id)]; n < 850 || n > 1150 { // 5 standard deviations of 1000 are 150
			t.Errorf("id %d was drawn %d times of %d", id, n, draws)
		}
	}
	if len(counts) != 10 || s.P(3) != 0.1 {
		t.Errorf("drawn were %v; P is %v, want 0.1", counts, s.P(3))
	}
	wide := source(t, keys.Spec{Kind: keys.Uniform, From: 0, To: keys.MaxID}, "id", 1)
	if a, b := wide.Row(3, 0, 0), wide.Row(3, 1, 0); a == b || a > keys.MaxID || a < keys.MaxID/1_000_000 && b < keys.MaxID/1_000_000 {
		t.Errorf("of a wide range came %d and %d", a, b)
	}
}

func TestSpecsThatAreNone(t *testing.T) {
	for _, spec := range []keys.Spec{
		{},
		{Kind: "pareto", To: 5},
		{Kind: keys.Zipf, S: 0, From: 1, To: 5},
		{Kind: keys.Zipf, S: math.NaN(), From: 1, To: 5},
		{Kind: keys.Zipf, S: 1, From: 1, To: keys.MaxTable + 1},
		{Kind: keys.Zipf, S: 1, From: 1, To: 0},
		{Kind: keys.Uniform, From: 5, To: 4},
		{Kind: keys.Uniform, From: -5, To: 4},
		{Kind: keys.Sequence, From: 5, To: keys.MaxID + 1},
		{Kind: keys.List, Order: keys.Once},
		{Kind: keys.List, Values: []string{"a"}},
		{Kind: keys.CSV, Values: []string{"a"}, Order: "random"},
	} {
		if _, err := keys.New(spec, "x", 1); err == nil {
			t.Errorf("%+v: got no error", spec)
		}
	}
}

func TestDistinct(t *testing.T) {
	for _, tt := range []struct {
		spec keys.Spec
		want int64
	}{
		{keys.Spec{Kind: keys.Zipf, From: 1, To: 250}, 250},
		{keys.Spec{Kind: keys.List, Values: []string{"a", "b", "a"}}, 2},
	} {
		if got := tt.spec.Distinct(); got != tt.want {
			t.Errorf("%+v: got %d, want %d", tt.spec, got, tt.want)
		}
	}
}

func TestNoAllocations(t *testing.T) {
	buf := make([]byte, 0, 64)
	for _, spec := range specs() {
		s := source(t, spec, "x", 1)
		var k int64
		if n := testing.AllocsPerRun(1000, func() {
			buf = s.Append(buf[:0], s.Row(1, k, k))
			k++
		}); n != 0 {
			t.Errorf("%s: %v allocations a row, want none", spec.Kind, n)
		}
	}
}

func specs() []keys.Spec {
	values := make([]string, 5000)
	for i := range values {
		values[i] = fmt.Sprint("value ", i)
	}
	return []keys.Spec{
		{Kind: keys.Zipf, S: 0.9, From: 1, To: 5000},
		{Kind: keys.Uniform, From: 1, To: 5000},
		{Kind: keys.Sequence, From: 1, To: 5000},
		{Kind: keys.List, Values: values, Order: keys.Sequential},
		{Kind: keys.CSV, Values: values, Order: keys.Shuffled},
	}
}

func BenchmarkRow(b *testing.B) {
	all := append(specs(), keys.Spec{Kind: keys.Zipf, S: 0.9, From: 1, To: keys.MaxTable})
	for _, spec := range all {
		b.Run(fmt.Sprintf("%s/%d", spec.Kind, spec.Size()), func(b *testing.B) {
			s := source(b, spec, "x", 1)
			buf := make([]byte, 0, 64)
			var k int64
			b.ReportAllocs()
			for b.Loop() {
				buf = s.Append(buf[:0], s.Row(1, k, 0))
				k++
			}
		})
	}
}
