package finding

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// longestName is how many columns a name takes at most: it may be of any length.
const longestName = 40

// name is a mode's or a phase's name in a sentence.
func name(s string) string { return tty.Snip(tty.Clean(s), longestName) }

// where begins a sentence about a phase: with nothing where there is no other.
func (e *evidence) where(phase string) string {
	if len(e.phases) == 1 {
		return ""
	}
	return "In " + name(phase) + ", "
}

// ofMode says whose requests some are: nothing where no other mode makes any.
func (e *evidence) ofMode(mode string) string {
	if len(e.Modes()) == 1 {
		return ""
	}
	return " of " + name(mode)
}

// list joins names: "a, b and c".
func list(names []string) string {
	short := make([]string, len(names))
	for i, s := range names {
		short[i] = name(s)
	}
	return sentence(short)
}

// sentence joins parts of a sentence: "a, b and c".
func sentence(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " and " + parts[last]
}

// between renders the least and the greatest of some times: "1.82 ms to 7.84 ms", one of them if they read the same.
func between(times []time.Duration) string {
	return spread(unit.Latency(slices.Min(times)), unit.Latency(slices.Max(times)))
}

// amounts is between for counts.
func amounts(values []float64) string {
	return spread(unit.Amount(slices.Min(values)), unit.Amount(slices.Max(values)))
}

func spread(least, most string) string {
	if least == most {
		return least
	}
	return least + " to " + most
}

// beyond words what a percentile leaves out.
func beyond(quantile string) string {
	return map[string]string{"p50": "half of the requests", "p90": "one request in ten", "p95": "one request in twenty", "p99": "one request in a hundred"}[quantile]
}

// begun is a sentence with a capital at its begin.
func begun(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// of renders a count of a whole: "57 of 2,305 requests (2.5%)".
func of(n, all int64) string {
	if n == all {
		return "all " + unit.Counted(all, "request")
	}
	return fmt.Sprintf("%s of %s (%s)", unit.Count(n), unit.Counted(all, "request"), unit.Percent(float64(n)/float64(all)))
}

// tidy is a text without a blank at its end.
func tidy(s string) string { return strings.TrimSpace(s) }
