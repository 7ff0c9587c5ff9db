// Package palette has the colours of modes: the same in Grafana, in the report's page and in a terminal. It knows names alone.
//
// A dozen modes are more than colours alone can tell apart, least of all for a reader who sees few of them. So a mode is drawn in a colour and a dash, which no other
// known mode has both of; those that are compared most (the modes of stampede) differ by colour, in the way of Okabe and Ito (2008), "Color Universal Design".
// Every colour can be read on white and on the dark ground of Grafana (a contrast of 3:1, WCAG 2.1, 1.4.11).
package palette

import (
	"slices"
	"strconv"
)

// Dash is how a line is drawn.
type Dash int

// The dashes.
const (
	Solid Dash = iota
	Dashed
	Dotted
)

// Pattern is the dash in pixels drawn and left out, as SVG, canvas and Grafana have it; nil for a solid line.
func (d Dash) Pattern() []float64 {
	switch d {
	case Dashed:
		return []float64{8, 4}
	case Dotted:
		return []float64{2, 4}
	default:
		return nil
	}
}

// Style is how a mode is drawn.
type Style struct {
	Color string // #rrggbb
	Dash  Dash
}

// Mode is a mode whose style is always the same.
type Mode struct {
	Name string
	Style
}

// Known are the modes of the lab's scenarios.
func Known() []Mode {
	return []Mode{
		{"naive", Style{"#808080", Solid}},
		{"batched", Style{"#808080", Dashed}},
		{"optimized", Style{"#808080", Dotted}},
		{"ttl", Style{"#cc3311", Solid}},
		{"singleflight", Style{"#0072b2", Solid}},
		{"lock", Style{"#009e73", Solid}},
		{"early", Style{"#b38f00", Solid}},
		{"swr", Style{"#c26596", Solid}},
		{"lease", Style{"#3394cc", Dashed}},
		{"early_lock", Style{"#b38f00", Dashed}},
		{"failsafe", Style{"#a0644b", Dashed}},
		{"negative", Style{"#cc3311", Dashed}},
		{"warm", Style{"#c26596", Dashed}},
		{"invalidate", Style{"#7a68d8", Solid}},
		{"objects", Style{"#009e73", Dashed}},
		{"http", Style{"#3394cc", Dotted}},
		{"conditional", Style{"#7a68d8", Dashed}},
		{"l1", Style{"#009e73", Dotted}},
	}
}

// more are for modes that are not known, in this order.
func more() []Style {
	var all []Style
	for _, dash := range []Dash{Solid, Dashed, Dotted} {
		for _, color := range []string{"#0072b2", "#cc3311", "#009e73", "#c26596", "#b38f00", "#7a68d8", "#808080", "#a0644b"} {
			all = append(all, Style{color, dash})
		}
	}
	return all
}

// Of returns the styles of these modes, which are all that a page shows: a known mode has its own, and the others take in their order what is left. Beyond two
// dozen they begin again.
func Of(modes []string) []Style {
	styles := make([]Style, len(modes))
	var taken []Style
	for i, name := range modes {
		if at := slices.IndexFunc(Known(), func(m Mode) bool { return m.Name == name }); at >= 0 {
			styles[i] = Known()[at].Style
			taken = append(taken, styles[i])
		}
	}
	left := slices.DeleteFunc(more(), func(s Style) bool { return slices.Contains(taken, s) })
	next := 0
	for i := range styles {
		if styles[i].Color == "" {
			styles[i] = left[next%len(left)]
			next++
		}
	}
	return styles
}

// RGB are the parts of the colour, 0 to 255.
func (s Style) RGB() (r, g, b uint8) {
	n, err := strconv.ParseUint(s.Color[1:], 16, 32)
	if err != nil {
		panic(err) // the tables are this file's
	}
	return uint8(n >> 16), uint8(n >> 8), uint8(n) //nolint:gosec // its parts
}

// ANSI is the colour among the 216 of a terminal of 256 colours (16 to 231) that is nearest.
func (s Style) ANSI() int {
	r, g, b := s.RGB()
	return 16 + 36*level(r) + 6*level(g) + level(b)
}

// level is the nearest of a terminal's six levels, 0, 95, 135, 175, 215 and 255.
func level(v uint8) int {
	switch {
	case v < 48:
		return 0
	case v < 115:
		return 1
	default:
		return int(v-35) / 40
	}
}
