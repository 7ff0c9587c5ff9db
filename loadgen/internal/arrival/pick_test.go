package arrival_test

import (
	"slices"
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
)

// picked returns the arrivals of a schedule that are chosen, as n workers would choose each of its own.
func picked(stream func() arrival.Stream, p arrival.Pick, n int) (list []due) {
	for i := range n {
		for _, d := range arrivalsOf(stream(), arrival.Share{Index: i, Of: n}) {
			if p.Has(d.k) {
				list = append(list, d)
			}
		}
	}
	slices.SortFunc(list, func(a, b due) int { return int(a.k - b.k) })
	return list
}

// TestPick checks that shares choose together what the whole chooses, another seed chooses others, and how many there are in a second.
func TestPick(t *testing.T) {
	const perSecond = 5
	flat := profile(t, arrival.Constant(800, 60*time.Second)...)
	few := profile(t, arrival.Constant(3, 60*time.Second)...)
	slow := profile(t, ramp(0, 2000, 60*time.Second)...)
	spiky := profile(t, spike(20, 4000, 30*time.Second, 2*time.Second, 28*time.Second)...)
	rests := profile(t, steps(20*time.Second, 0, 500, 0)...)
	for name, tt := range map[string]struct {
		profile arrival.Profile
		stream  func(p arrival.Profile) arrival.Stream
		// How many are chosen, and how many of a second at most.
		least, greatest, second int
	}{
		"constant":       {flat, func(p arrival.Profile) arrival.Stream { return arrival.NewConstant(p) }, 300, 300, 6},
		"poisson":        {flat, func(p arrival.Profile) arrival.Stream { return arrival.NewPoisson(p, 3) }, 295, 305, 7},
		"below the rate": {few, func(p arrival.Profile) arrival.Stream { return arrival.NewPoisson(p, 3) }, 130, 230, 15}, // all there are
		"ramp":           {slow, func(p arrival.Profile) arrival.Stream { return arrival.NewConstant(p) }, 220, 320, 16},  // drawn one by one: Poisson of 5
		"spike":          {spiky, func(p arrival.Profile) arrival.Stream { return arrival.NewPoisson(p, 3) }, 280, 310, 12},
		"rests":          {rests, func(p arrival.Profile) arrival.Stream { return arrival.NewPoisson(p, 3) }, 95, 105, 7},
	} {
		t.Run(name, func(t *testing.T) {
			stream := func() arrival.Stream { return tt.stream(tt.profile) }
			pick := arrival.PickOf(tt.profile, 7, perSecond)
			want := picked(stream, pick, 1)
			for _, n := range []int{3, 8} {
				if got := picked(stream, pick, n); !slices.Equal(got, want) {
					t.Errorf("%d workers choose %d arrivals that are not the %d of one", n, len(got), len(want))
				}
			}
			if n := len(want); n < tt.least || n > tt.greatest {
				t.Errorf("%d are chosen, want %d to %d", n, tt.least, tt.greatest)
			}
			seconds := map[int]int{}
			for _, d := range want {
				seconds[int(d.at/time.Second)]++
			}
			for s, n := range seconds {
				if n > tt.second {
					t.Errorf("%d are chosen in second %d, want at most %d", n, s, tt.second)
				}
			}
			other := picked(stream, arrival.PickOf(tt.profile, 8, perSecond), 1)
			if name != "below the rate" && slices.Equal(other, want) {
				t.Error("another seed chooses the same")
			}
		})
	}
}

// TestPickOfBurst checks that a burst counts as a second, and has one at least.
func TestPickOfBurst(t *testing.T) {
	for _, tt := range []struct {
		n         int64
		perSecond float64
		want      int
	}{{1, 5, 1}, {4, 5, 4}, {50, 5, 5}, {1000, 5, 5}, {1000, 0.2, 1}, {1000, 0, 0}, {1000, 1e9, 1000}} {
		pick := arrival.PickOfBurst(tt.n, 7, tt.perSecond)
		for _, n := range []int{1, 3, 8} {
			if got := picked(func() arrival.Stream { return arrival.NewBurst(tt.n) }, pick, n); len(got) != tt.want {
				t.Errorf("%d workers choose %d of a burst of %d at %g a second, want %d", n, len(got), tt.n, tt.perSecond, tt.want)
			}
		}
	}
	var none arrival.Pick
	if none.Has(0) {
		t.Error("the zero value chooses")
	}
}

// BenchmarkPick is what every request pays.
func BenchmarkPick(b *testing.B) {
	for name, segments := range map[string][]arrival.Segment{"constant": arrival.Constant(1e5, time.Hour), "ramps": slices.Repeat(ramp(1, 1e5, time.Minute), 10)} {
		b.Run(name, func(b *testing.B) {
			pick := arrival.PickOf(profile(b, segments...), 1, 5)
			b.ReportAllocs()
			var k int64
			for b.Loop() {
				pick.Has(k)
				k++
			}
		})
	}
}
