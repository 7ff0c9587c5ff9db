package figure

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/measure"
	"loadlab/loadgen/internal/result"
)

// OfErrors returns the name of a figure of some errors alone: of errors or error_ratio, and of those that which names. That is a status, 500, a class of them, 5xx, or
// a kind of failure as the ledger has it, timeout. ok is false if the figure has no such part, or nothing is named so; allowed is what may be named.
func OfErrors(name, which string) (full string, allowed []string, ok bool) {
	if name != "errors" && name != "error_ratio" {
		return "", nil, false
	}
	full = name + "[" + which + "]"
	_, ok = Named(full)
	return full, append([]string{"500", "5xx"}, measure.Failures()...), ok
}

// SplitErrors is the inverse of OfErrors; which is empty of another figure.
func SplitErrors(full string) (name, which string) {
	name, rest, ok := strings.Cut(full, "[")
	which, closed := strings.CutSuffix(rest, "]")
	if !ok || !closed {
		return full, ""
	}
	return name, which
}

// ofErrors returns the figure of that name, and whether there is one.
func ofErrors(full string) (Figure, bool) {
	name, which := SplitErrors(full)
	is := failureIs(which)
	if which == "" || is == nil {
		return Figure{}, false
	}
	count := func(t *Total) (n int64) {
		for _, f := range t.Failures {
			if is(f) {
				n += f.Count
			}
		}
		return n
	}
	f := Figure{Name: full}
	switch name {
	case "errors":
		f.Doc = "requests that failed with " + which
		f.of = func(t *Total) (float64, bool) { return float64(count(t)), true }
	case "error_ratio":
		f.Doc = fmt.Sprintf("requests that failed with %s over requests, from 0 to 1", which)
		f.of = func(t *Total) (float64, bool) { return Ratio(count(t), t.Ledger.Scheduled) }
	default:
		return Figure{}, false
	}
	return f, true
}

// failureIs returns whether a failure is one of those that which names; nil if it names none.
func failureIs(which string) func(result.Failure) bool {
	const class = 100
	status := measure.Status.String()
	if digit, ok := strings.CutSuffix(which, "xx"); ok && len(digit) == 1 && digit >= "2" && digit <= "5" {
		return func(f result.Failure) bool { return f.Kind == status && strconv.Itoa(f.Status/class) == digit }
	}
	if n, err := strconv.Atoi(which); err == nil && n >= 100 && n <= 999 {
		return func(f result.Failure) bool { return f.Kind == status && f.Status == n }
	}
	if slices.Contains(measure.Failures(), which) {
		return func(f result.Failure) bool { return f.Kind == which }
	}
	return nil
}
