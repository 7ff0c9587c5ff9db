package arrival_test

import (
	"fmt"
	"testing"
	"time"

	"loadlab/loadgen/internal/arrival"
)

// due is an arrival of a schedule.
type due struct {
	k  int64
	at time.Duration
}

func arrivalsOf(s arrival.Stream, share arrival.Share) (list []due) {
	s = share.Stream(s)
	for j := int64(0); ; j++ {
		at, ok := s.Next()
		if !ok {
			return list
		}
		list = append(list, due{share.Arrival(j), at})
	}
}

// TestShares checks that the shares of a schedule are together the schedule: each of its arrivals with its number and its due time, once.
func TestShares(t *testing.T) {
	profile := func(segments ...arrival.Segment) arrival.Profile {
		p, err := arrival.New(segments...)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	flat := profile(arrival.Constant(977, 3*time.Second)...)
	steps := profile(
		arrival.Segment{For: time.Second, To: 800}, arrival.Segment{For: 700 * time.Millisecond},
		arrival.Segment{For: time.Second, From: 3000, To: 1}, arrival.Segment{For: time.Second, From: 50, To: 50},
	)
	streams := map[string]func(seed uint64) arrival.Stream{
		"constant":       func(uint64) arrival.Stream { return arrival.NewConstant(flat) },
		"constant steps": func(uint64) arrival.Stream { return arrival.NewConstant(steps) },
		"poisson":        func(seed uint64) arrival.Stream { return arrival.NewPoisson(flat, seed) },
		"poisson steps":  func(seed uint64) arrival.Stream { return arrival.NewPoisson(steps, seed) },
		"burst":          func(uint64) arrival.Stream { return arrival.NewBurst(101) },
		"burst of 2":     func(uint64) arrival.Stream { return arrival.NewBurst(2) },
	}
	for name, stream := range streams {
		for _, n := range []int{1, 3, 8, 31} {
			t.Run(fmt.Sprint(name, " by ", n), func(t *testing.T) {
				for seed := range uint64(4) {
					whole := map[due]int{}
					for _, d := range arrivalsOf(stream(seed), arrival.Share{}) {
						whole[d]++
					}
					total := int64(len(whole))
					var sum int64
					for i := range n {
						share := arrival.Share{Index: i, Of: n}
						part := arrivalsOf(stream(seed), share)
						if got, want := int64(len(part)), share.Count(total); got != want {
							t.Fatalf("share %d has %d of %d arrivals, want %d", i, got, total, want)
						}
						sum += int64(len(part))
						for _, d := range part {
							if whole[d]--; whole[d] != 0 || !share.Has(d.k) {
								t.Fatalf("seed %d, share %d: arrival %v is not of the schedule, or not of the share, or there twice", seed, i, d)
							}
						}
					}
					if sum != total {
						t.Fatalf("seed %d: the shares have %d arrivals, want %d", seed, sum, total)
					}
				}
			})
		}
	}
}

// TestDigest checks that a digest does not depend on order or on shares, and does on everything that an arrival is.
func TestDigest(t *testing.T) {
	of := func(each func(k int64) (time.Duration, int, uint64), ks ...int64) (d arrival.Digest) {
		for _, k := range ks {
			at, mode, request := each(k)
			d.Add(k, at, mode, request)
		}
		return d
	}
	plain := func(k int64) (time.Duration, int, uint64) {
		return time.Duration(k) * time.Millisecond, int(k % 2), uint64(7 * k)
	}
	want := of(plain, 0, 1, 2, 3)
	parts := of(plain, 3, 1)
	parts.Merge(of(plain, 2, 0))
	if parts != want {
		t.Errorf("two parts have %v, want %v", parts, want)
	}
	for name, other := range map[string]arrival.Digest{
		"one less":        of(plain, 0, 1, 2),
		"one twice":       of(plain, 0, 1, 2, 2),
		"another":         of(plain, 0, 1, 2, 4),
		"due later":       of(func(k int64) (time.Duration, int, uint64) { at, m, r := plain(k); return at + time.Nanosecond, m, r }, 0, 1, 2, 3),
		"another mode":    of(func(k int64) (time.Duration, int, uint64) { at, m, r := plain(k); return at, m + 1, r }, 0, 1, 2, 3),
		"another request": of(func(k int64) (time.Duration, int, uint64) { at, m, r := plain(k); return at, m, r + 1 }, 0, 1, 2, 3),
		"swapped modes":   of(func(k int64) (time.Duration, int, uint64) { at, m, r := plain(k); return at, 1 - m, r }, 0, 1, 2, 3),
		"another part":    want.Of(1),
	} {
		if other == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	if want.Of(1) == want.Of(2) {
		t.Error("two parts have the same digest")
	}
}

// BenchmarkShare is what a worker of eight pays for an arrival of its share: seven are passed over.
func BenchmarkShare(b *testing.B) {
	p, err := arrival.New(arrival.Constant(1e6, 24*time.Hour)...)
	if err != nil {
		b.Fatal(err)
	}
	for name, stream := range map[string]arrival.Stream{"constant": arrival.NewConstant(p), "poisson": arrival.NewPoisson(p, 1)} {
		for _, n := range []int{1, 8} {
			b.Run(fmt.Sprint(name, " by ", n), func(b *testing.B) {
				s := arrival.Share{Of: n}.Stream(stream)
				for b.Loop() {
					s.Next()
				}
			})
		}
	}
}
