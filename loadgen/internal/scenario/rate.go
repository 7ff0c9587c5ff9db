package scenario

import (
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
)

// rate reads "200/s", "90/m", or the ramp "50/s..500/s", of which one end may be 0.
func (r *reader) rate(n ast.Node) (from, to float64) {
	s, ok := text(n)
	if !ok {
		r.errorf(n, "rate wants a rate such as 200/s, got %s", describe(n))
		return 0, 0
	}
	low, high, ramp := strings.Cut(s, "..")
	from, ok = r.parseRate(n, low)
	to = from
	if ok && ramp {
		to, ok = r.parseRate(n, high)
	}
	switch {
	case !ok:
		return 0, 0
	case from == 0 && to == 0:
		r.errorf(n, "rate must be above 0, got %s", s)
	case from > maxRate || to > maxRate:
		r.errorf(n, "rate must be at most %.0f/s, got %s", maxRate, s)
	}
	return from, to
}

// parseRate reads one rate, in requests a second.
func (r *reader) parseRate(n ast.Node, s string) (float64, bool) {
	digits, unit, ok := strings.Cut(strings.TrimSpace(s), "/")
	if _, err := strconv.ParseFloat(digits, 64); !ok && err == nil {
		r.errorf(n, "rate needs a unit: %s/s or %s/m", digits, digits)
		return 0, false
	}
	// No exponents, signs, infinities and hexadecimals: they are easily misread.
	if !ok || digits == "" || strings.Trim(digits, "0123456789.") != "" {
		r.errorf(n, "rate wants a rate such as 200/s, 90/m or 50/s..500/s, got %q", s)
		return 0, false
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		r.errorf(n, "rate wants a number before its unit, got %q", s)
		return 0, false
	}
	switch unit {
	case "s":
		return v, true
	case "m":
		return v / 60, true
	}
	r.errorf(n, "%s", spell.Unknown("unit", "/"+unit, []string{"/s", "/m"}))
	return 0, false
}

// trace reads all, none, or a rate.
func (r *reader) trace(n ast.Node) Trace {
	s, _ := text(n)
	switch {
	case s == "all":
		return Trace{Said: true, All: true}
	case s == "none":
		return Trace{Said: true}
	case !strings.Contains(s, "/") || strings.Contains(s, ".."):
		r.errorf(n, "trace wants all, none, or how many a second as in 10/s, got %s", describe(n))
		return Trace{}
	}
	v, _ := r.rate(n)
	return Trace{Said: true, PerSecond: v}
}
