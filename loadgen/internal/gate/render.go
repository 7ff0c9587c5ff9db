package gate

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/figure"
)

const (
	plainDigits = 3 // significant digits that are enough to read
	allDigits   = 9 // more than a measurement has
)

// words are what a side is to the other, where the operator holds and where it does not.
func words(op string, holds bool) string {
	of := map[string][2]string{
		"==": {"equal to", "not"}, "!=": {"not", "equal to"},
		"<": {"less than", "not less than"}, "<=": {"at most", "more than"}, ">": {"more than", "not more than"}, ">=": {"at least", "less than"},
	}[op]
	if holds {
		return of[0]
	}
	return of[1]
}

// render returns a comparison as a clause that is true, whether the comparison holds or not, with the values of both sides, and those of the figures
// where a side is made of more than one: "errors() is 437, not 0". What is equal to a constant is that constant: "errors() is 0".
func (c comparison) render(values [2]float64, figures []call, of []float64) string {
	c, values = c.figureFirst(values)
	digits := plainDigits
	a, b := render(values[0], c.left.unit, digits), render(values[1], c.right.unit, digits)
	for a == b && !holds("==", values[0], values[1]) && digits < allDigits { // "is 12.1 ms, more than 12.1 ms" would not explain a failure
		digits++
		a, b = render(values[0], c.left.unit, digits), render(values[1], c.right.unit, digits)
	}
	s := c.left.text + " is " + a
	if word := words(c.op, holds(c.op, values[0], values[1])); finite(values[0]) && (word != "equal to" || len(c.right.figures) > 0) {
		s += ", " + word + " " + c.right.render(b)
	}
	var parts []string
	for _, side := range []side{c.left, c.right} {
		if len(side.figures) < 2 {
			continue
		}
		for _, i := range side.figures {
			part := fmt.Sprintf("%s = %s", figures[i], render(of[i], figures[i].unit, digits))
			if !slices.Contains(parts, part) {
				parts = append(parts, part)
			}
		}
	}
	if len(parts) > 0 {
		s += " (" + strings.Join(parts, ", ") + ")"
	}
	return s
}

// figureFirst returns the comparison and the values of its sides with a constant second.
func (c comparison) figureFirst(values [2]float64) (comparison, [2]float64) {
	if len(c.left.figures) > 0 {
		return c, values
	}
	if turned, ok := map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[c.op]; ok {
		c.op = turned
	}
	return comparison{op: c.op, left: c.right, right: c.left}, [2]float64{values[1], values[0]}
}

// render renders a side: its text and its value, and the value alone for a constant.
func (s side) render(value string) string {
	if len(s.figures) == 0 {
		return value
	}
	return s.text + " = " + value
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// render renders a value with that many significant digits, in a unit for reading.
func render(v float64, unit string, digits int) string {
	if !finite(v) {
		return "not a number"
	}
	switch unit {
	case figure.Milliseconds:
		switch a := math.Abs(v); {
		case a == 0:
			return "0 ms"
		case a < 0.9995:
			return significant(v*1e3, digits) + " µs"
		case a < 999.5:
			return significant(v, digits) + " ms"
		}
		return significant(v/1e3, digits) + " s"
	case figure.PerSecond:
		return significant(v, digits) + "/s"
	case figure.Bytes:
		return significant(v, digits) + " B"
	}
	return significant(v, digits)
}

// significant renders v without an exponent where that can be read, without trailing zeros, and whole numbers in full.
func significant(v float64, digits int) string {
	a := math.Abs(v)
	if v == math.Trunc(v) && a < 1e15 {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	if a < 1e-4 || a >= 1e15 {
		return strconv.FormatFloat(v, 'g', digits, 64)
	}
	decimals := max(0, digits-1-int(math.Floor(math.Log10(a))))
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
