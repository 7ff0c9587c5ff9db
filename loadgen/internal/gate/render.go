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

// render renders a comparison with the values of both sides, and those of the figures where a side is made of more than one.
func (c comparison) render(values [2]float64, figures []call, of []float64) string {
	digits := plainDigits
	a, b := render(values[0], c.left.unit, digits), render(values[1], c.right.unit, digits)
	for a == b && !holds("==", values[0], values[1]) && digits < allDigits { // 12.1 ms <= 12.1 ms would not explain a failure
		digits++
		a, b = render(values[0], c.left.unit, digits), render(values[1], c.right.unit, digits)
	}
	s := c.left.render(a) + " " + c.op + " " + c.right.render(b)
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

// render renders a side: its text and its value, and the value alone for a constant.
func (s side) render(value string) string {
	if len(s.figures) == 0 {
		return value
	}
	return s.text + " = " + value
}

// render renders a value with that many significant digits, in a unit for reading.
func render(v float64, unit string, digits int) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
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
