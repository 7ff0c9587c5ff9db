package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/hist"
)

// Abort is a condition under which there is no point in going on with a phase, such as error_ratio > 0.5. It is of all requests of the phase that have ended, whatever
// their mode; a phase that has hardly begun is not ended by it.
type Abort struct {
	Figure string  // of AbortFigures
	Least  float64 // the greatest value at which the phase goes on; milliseconds of a percentile
}

// AbortFigures are the figures that can end a phase.
func AbortFigures() []string { return []string{"error_ratio", "errors", "p50", "p95", "p99"} }

func (a Abort) String() string {
	if strings.HasPrefix(a.Figure, "p") {
		return a.Figure + " > " + length(time.Duration(a.Least*float64(time.Millisecond)))
	}
	return a.Figure + " > " + strconv.FormatFloat(a.Least, 'f', -1, 64)
}

// abortWhen reads "error_ratio > 0.5", "errors > 100" or "p95 > 2s". The brackets that a figure has in gates may be there.
func (r *reader) abortWhen(n ast.Node) *Abort {
	s := r.text(n, "abort_when")
	if s == "" {
		return nil
	}
	name, bound, ok := strings.Cut(s, ">")
	name, bound = strings.TrimSuffix(strings.TrimSpace(name), "()"), strings.TrimSpace(bound)
	if !ok || strings.HasPrefix(bound, "=") {
		r.errorf(n, "abort_when wants a figure that is too great, such as error_ratio > 0.5, got %s", describe(n))
		return nil
	}
	if !slices.Contains(AbortFigures(), name) {
		r.errorf(n, "abort_when: %s", spell.Unknown("figure", name, AbortFigures()))
		return nil
	}
	if strings.HasPrefix(name, "p") {
		d := r.parseDuration(n, bound, "abort_when: "+name, shortest, hist.Highest)
		return &Abort{name, float64(d) / float64(time.Millisecond)}
	}
	least, err := strconv.ParseFloat(bound, 64)
	if err != nil || least < 0 || name == "error_ratio" && least >= 1 {
		r.errorf(n, "abort_when: %s", boundOf(name, bound))
		return nil
	}
	return &Abort{name, least}
}

// boundOf is a part of the message about a bound that is none.
func boundOf(name, bound string) string {
	if name == "error_ratio" {
		return fmt.Sprintf("error_ratio is from 0 to 1, and never above its greatest: write a bound below 1, got %q", bound)
	}
	return fmt.Sprintf("%s wants a number, got %q", name, bound)
}
