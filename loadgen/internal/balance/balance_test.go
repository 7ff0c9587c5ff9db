package balance_test

import (
	"math"
	"testing"

	"loadlab/loadgen/internal/balance"
)

// take makes n arrivals of a policy, each of which ends at once, and returns how many went where.
func take(g *balance.Group, p balance.Policy, replicas, n int, user func(k int64) int64) []int {
	counts := make([]int, g.Len())
	for k := range int64(n) {
		i := g.Take(p, replicas, balance.Turn{Seed: 7, K: k, User: user(k)}, 0)
		counts[i]++
		g.Done(i)
	}
	return counts
}

func self(k int64) int64 { return k }

// Every policy uses the first n replicas alone, and about evenly: exactly so in turn, within five standard deviations where they are drawn.
func TestShares(t *testing.T) {
	const n = 12_000
	for _, p := range balance.Policies() {
		for _, replicas := range []int{1, 2, 3, 4} {
			counts := take(balance.NewGroup(5, nil), p, replicas, n, self)
			share := 1 / float64(replicas)
			most := 5 * math.Sqrt(n*share*(1-share))
			if p == balance.RoundRobin {
				most = 0
			}
			for i, c := range counts {
				want := n * share
				if i >= replicas {
					want, most = 0, 0
				}
				if math.Abs(float64(c)-want) > most {
					t.Errorf("%s over %d: replica %d got %d of %d, want %.0f ± %.0f", p, replicas, i, c, n, want, most)
				}
			}
		}
	}
}

// The same seed draws the same replicas, another seed others.
func TestSeeded(t *testing.T) {
	g := balance.NewGroup(4, nil)
	same, other := 0, 0
	for k := range int64(400) {
		first := g.Take(balance.Random, 4, balance.Turn{Seed: 1, K: k}, 0)
		if g.Take(balance.Random, 4, balance.Turn{Seed: 1, K: k}, 0) == first {
			same++
		}
		if g.Take(balance.Random, 4, balance.Turn{Seed: 2, K: k}, 0) == first {
			other++
		}
	}
	if same != 400 || other > 200 {
		t.Errorf("of 400 draws %d were the same with the same seed, and %d with another; want 400, and about 100", same, other)
	}
}

// The steps of an arrival take turns too.
func TestSteps(t *testing.T) {
	g := balance.NewGroup(3, nil)
	for step, want := range []int{2, 0, 1, 2} {
		if got := g.Take(balance.RoundRobin, 3, balance.Turn{K: 5, Step: step}, 0); got != want {
			t.Errorf("step %d of arrival 5 went to %d, want %d", step, got, want)
		}
	}
}

// A user stays where he is, and when a replica goes out of service, nobody moves but its users.
func TestSticky(t *testing.T) {
	var changes []bool
	g := balance.NewGroup(4, func(replica int, in bool) {
		if replica == 2 {
			changes = append(changes, in)
		}
	})
	at := func(user int64) int {
		i := g.Take(balance.Sticky, 4, balance.Turn{Seed: 3, K: user * 31, User: user}, 0)
		g.Done(i)
		return i
	}
	before := map[int64]int{}
	for u := range int64(1000) {
		before[u] = at(u)
	}
	g.Set(2, false)
	g.Set(2, false)
	for u, was := range before {
		if now := at(u); now == 2 || was != 2 && now != was {
			t.Fatalf("user %d moved from %d to %d when replica 2 went", u, was, now)
		}
	}
	g.Set(2, true)
	for u, was := range before {
		if now := at(u); now != was {
			t.Fatalf("user %d is at %d when replica 2 is back, want %d", u, now, was)
		}
	}
	if len(changes) != 2 || changes[0] || !changes[1] {
		t.Errorf("replica 2 changed %v, want that it went and came back once", changes)
	}
}

// The one with the fewest requests under way is taken, and a slow one gets few.
func TestLeastInFlight(t *testing.T) {
	g := balance.NewGroup(3, nil)
	seen := map[int]int{}
	for k := range int64(30) {
		seen[g.Take(balance.LeastInFlight, 3, balance.Turn{K: k}, 0)]++
	}
	if seen[0] != 10 || seen[1] != 10 || seen[2] != 10 {
		t.Errorf("30 requests that never end are spread %v, want ten each", seen)
	}
	for range 5 {
		g.Done(1)
	}
	for k := range int64(5) {
		if i := g.Take(balance.LeastInFlight, 3, balance.Turn{K: k}, 0); i != 1 {
			t.Errorf("replica %d was taken though 1 has fewer under way", i)
		}
	}
}

// A replica out of service is avoided while there is another, and tried when there is none; one that was tried is never taken again.
func TestOutOfService(t *testing.T) {
	for _, p := range balance.Policies() {
		g := balance.NewGroup(3, nil)
		g.Set(0, false)
		g.Set(2, false)
		if g.Out() != 0b101 {
			t.Fatalf("out of service are %b, want 101", g.Out())
		}
		if counts := take(g, p, 3, 100, self); counts[1] != 100 {
			t.Errorf("%s: %v, want all at replica 1", p, counts)
		}
		i := g.Take(p, 3, balance.Turn{}, 0b010)
		if i != 0 && i != 2 {
			t.Errorf("%s: after replica 1 was tried %d was taken, want 0 or 2", p, i)
		}
		g.Done(i)
		if i := g.Take(p, 3, balance.Turn{}, 0b111); i != -1 {
			t.Errorf("%s: after all were tried %d was taken, want none", p, i)
		}
		g.Set(1, false)
		counts := take(g, p, 3, 3000, self)
		for i, c := range counts {
			if c < 800 {
				t.Errorf("%s: with none in service replica %d got %d of 3000, want a third", p, i, c)
			}
		}
	}
}

func BenchmarkTake(b *testing.B) {
	for _, p := range balance.Policies() {
		b.Run(string(p), func(b *testing.B) {
			g := balance.NewGroup(4, nil)
			var k int64
			for b.Loop() {
				k++
				g.Done(g.Take(p, 4, balance.Turn{Seed: 1, K: k, User: k}, 0))
			}
		})
	}
}
