package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/tty"
)

// share is what a response time is made of, in part.
type share struct {
	name string
	time time.Duration
}

// shares are the parts of the mean response of a bucket, greatest first. They add up to it.
func (b Bucket) shares() []share {
	n := time.Duration(b.Count)
	all := []share{
		{"SQL", b.SQL / n}, {"waiting for a connection of the pool", b.Wait / n}, {"Redis", b.Redis / n},
		{"the app", b.App / n}, {"network", b.Network / n}, {"send lag", b.Lag / n},
	}
	slices.SortStableFunc(all, func(a, b share) int { return cmp.Compare(b.time, a.time) })
	return all
}

// least is the share of a response time below which a part of it is not worth a word.
const least = 0.02

// spentAt tells what the requests at the quantile q spent their time on: the mean of those whose response time is of about that size.
func (t *total) spentAt(q float64) (string, bool) {
	var all int64
	for _, b := range t.spent {
		all += b.Count
	}
	if all == 0 {
		return "", false
	}
	rank := int64(q*float64(all) + 0.5)
	for _, over := range slices.Sorted(maps.Keys(t.spent)) {
		b := t.spent[over]
		if rank -= b.Count; rank > 0 {
			continue
		}
		mean := b.Response / time.Duration(b.Count)
		var parts []string
		for _, s := range b.shares() {
			if s.time > 0 && float64(s.time) >= least*float64(mean) {
				parts = append(parts, s.name+" "+Latency(s.time))
			}
		}
		return fmt.Sprintf("%s = %s", Latency(mean), strings.Join(parts, " + ")), true
	}
	return "", false
}

// writeSpent says where the time of slow requests went.
func writeSpent(p *page, f *Figures) {
	titled := false
	for _, phase := range f.Phases() {
		var modes, texts []string
		longest := 0
		for _, mode := range f.Modes() {
			if t := f.total(mode, phase); t != nil {
				if text, ok := t.spentAt(0.99); ok {
					modes, texts = append(modes, mode), append(texts, text)
					longest = max(longest, tty.Width(mode))
				}
			}
		}
		if len(modes) == 0 {
			continue
		}
		if !titled {
			p.title("Where the time goes at p99: the mean of the requests of about that response time")
			titled = true
		}
		p.item(phase, 0, tty.Bold, "")
		for i, mode := range modes {
			p.item(indent+tty.Clean(mode)+gap, len(indent)+longest+len(gap), tty.Plain, texts[i])
		}
	}
	if titled {
		p.write("\n")
		p.item(indent, 0, tty.Plain, spentLegend)
	}
}

const spentLegend = "the app: its own work, and waiting for a recompute of another request; network: both kernels, and the server's queue before " +
	"its handler, included."
