package finding

import (
	"fmt"
	"slices"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// OfAB returns what an A/B test found of response times: where B is slower, by how much and of what, where it is within its margins, and where neither is shown.
func OfAB(t *ab.Test, d ab.Decision) []Finding {
	if len(d.Latency.Findings) == 0 {
		return nil
	}
	causes := map[string]ab.Cause{}
	for _, c := range t.Causes(d) {
		causes[c.Endpoint] = c
	}
	var all []Finding
	var within, open []int
	for i, f := range d.Latency.Findings {
		switch {
		case f.Slower:
			text := fmt.Sprintf("At %s, B took %s what A took, over %s: it is shown to be slower by more than the %s%% that are tolerated.", name(f.Name), times(f.Effect),
				unit.Counted(int64(d.Latency.Epochs), "epoch"), unit.Digits(100*t.Plan.Tolerance))
			if c, ok := causes[f.Name]; ok && c.Name != ab.Unattributed {
				text += " Most of the change is " + name(c.Name) + "."
			}
			all = append(all, ofEndpoints(t, "slower", text, i))
		case f.Within:
			within = append(within, i)
		default:
			open = append(open, i)
		}
	}
	all = all[:min(len(all), Most-2)]
	if len(within) > 0 {
		all = append(all, ofEndpoints(t, "within", fmt.Sprintf("B is within its margin at %s: %s what A took.", endpoints(d, within), effects(d, within)), within...))
	}
	if len(open) > 0 {
		all = append(all, ofEndpoints(t, "open", fmt.Sprintf("At %s B is shown neither to be slower nor to be within its margin: it took %s what A took. More epochs, or a less busy machine, would decide.", endpoints(d, open), effects(d, open)), open...))
	}
	return all
}

// ofEndpoints is a finding of some endpoints.
func ofEndpoints(t *ab.Test, rule, text string, which ...int) Finding {
	f := Finding{Rule: rule, Text: text}
	for _, i := range which {
		e := t.Plan.Endpoints[i]
		for _, x := range []struct {
			all  *[]string
			name string
		}{{&f.Modes, e.Mode}, {&f.Phases, e.Phase}} {
			if !slices.Contains(*x.all, x.name) {
				*x.all = append(*x.all, x.name)
			}
		}
	}
	return f
}

func endpoints(d ab.Decision, which []int) string {
	if len(which) == len(d.Latency.Findings) && len(which) > 1 {
		return fmt.Sprintf("all %d endpoints", len(which))
	}
	var names []string
	for _, i := range which {
		names = append(names, d.Latency.Findings[i].Name)
	}
	return list(names)
}

// effects renders the effect of one endpoint with its interval, and from where to where those of several are.
func effects(d ab.Decision, which []int) string {
	if len(which) == 1 {
		return times(d.Latency.Findings[which[0]].Effect)
	}
	var values []float64
	for _, i := range which {
		values = append(values, d.Latency.Findings[i].Effect.Value)
	}
	return spread(unit.Times(slices.Min(values)), unit.Times(slices.Max(values)))
}

// times is a ratio, with its interval if there is one.
func times(x stats.Interval) string {
	if !x.Bounded() {
		return unit.Times(x.Value)
	}
	return unit.TimesWithin(x.Value, x.Low, x.High)
}
