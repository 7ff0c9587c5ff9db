package palette_test

import (
	"math"
	"testing"

	"loadlab/internal/palette"
)

// linear are the parts of a colour as light.
func linear(s palette.Style) [3]float64 {
	r, g, b := s.RGB()
	var all [3]float64
	for i, v := range []uint8{r, g, b} {
		x := float64(v) / 255
		if x <= .04045 {
			all[i] = x / 12.92
		} else {
			all[i] = math.Pow((x+.055)/1.055, 2.4)
		}
	}
	return all
}

func luminance(s palette.Style) float64 {
	l := linear(s)
	return .2126*l[0] + .7152*l[1] + .0722*l[2]
}

// lab is a colour in CIELAB, seen by an eye whose matrix this is.
func lab(s palette.Style, eye [3][3]float64) [3]float64 {
	in := linear(s)
	var rgb [3]float64
	for i := range 3 {
		for j := range 3 {
			rgb[i] += eye[i][j] * in[j]
		}
		rgb[i] = min(max(rgb[i], 0), 1)
	}
	f := func(t float64) float64 {
		if t > .008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16./116
	}
	x := f((.4124*rgb[0] + .3576*rgb[1] + .1805*rgb[2]) / .9505)
	y := f(.2126*rgb[0] + .7152*rgb[1] + .0722*rgb[2])
	z := f((.0193*rgb[0] + .1192*rgb[1] + .9505*rgb[2]) / 1.089)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

// Eyes: usual sight, and dichromacy after Machado, Oliveira and Fernandes (2009), severity 1.
var eyes = map[string][3][3]float64{
	"usual":        {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}},
	"protanopia":   {{.152286, 1.052583, -.204868}, {.114503, .786281, .099216}, {-.003882, -.048116, 1.051998}},
	"deuteranopia": {{.367322, .860646, -.227968}, {.280085, .672501, .047413}, {-.011820, .042940, .968881}},
	"tritanopia":   {{1.255528, -.076749, -.178779}, {-.078411, .930809, .147602}, {.004733, .691367, .303900}},
}

// distance is the CIE76 difference of two colours.
func distance(a, b palette.Style, eye [3][3]float64) float64 {
	x, y := lab(a, eye), lab(b, eye)
	return math.Sqrt((x[0]-y[0])*(x[0]-y[0]) + (x[1]-y[1])*(x[1]-y[1]) + (x[2]-y[2])*(x[2]-y[2]))
}

func TestEveryColourIsLegible(t *testing.T) {
	t.Parallel()
	dark := luminance(palette.Style{Color: "#181b1f"}) // a panel of Grafana
	for _, m := range palette.Known() {
		l := luminance(m.Style)
		if onWhite, onDark := 1.05/(l+.05), (l+.05)/(dark+.05); onWhite < 3 || onDark < 3 {
			t.Errorf("%s: contrast %.2f on white and %.2f on dark, want 3", m.Name, onWhite, onDark)
		}
	}
}

func TestNoTwoModesAreDrawnAlike(t *testing.T) {
	t.Parallel()
	known := palette.Known()
	for i, a := range known {
		for _, b := range known[:i] {
			if a.Style == b.Style {
				t.Errorf("%s is drawn as %s is", a.Name, b.Name)
			}
		}
	}
}

// The modes that stampede compares differ by their colours alone, for every reader.
func TestModesComparedMost(t *testing.T) {
	t.Parallel()
	styles := palette.Of([]string{"ttl", "singleflight", "lock", "early", "swr"})
	for name, eye := range eyes {
		for i, a := range styles {
			for _, b := range styles[:i] {
				if d := distance(a, b, eye); d < 9 {
					t.Errorf("%s: %s and %s are %.1f apart, want 9", name, a.Color, b.Color, d)
				}
			}
		}
	}
}

func TestOf(t *testing.T) {
	t.Parallel()
	got := palette.Of([]string{"mine", "ttl", "yours"})
	alone := palette.Of([]string{"ttl"})
	if got[1] != alone[0] {
		t.Errorf("ttl is %v beside others, and %v alone", got[1], alone[0])
	}
	if got[0] == got[1] || got[1] == got[2] || got[0] == got[2] {
		t.Errorf("got %v, want three styles", got)
	}
	many := make([]string, 40)
	for i, s := range palette.Of(many) {
		if s.Color == "" {
			t.Errorf("mode %d of 40 has no colour", i)
		}
	}
}

func TestANSI(t *testing.T) {
	t.Parallel()
	for color, want := range map[string]int{"#000000": 16, "#ffffff": 231, "#808080": 102, "#cc3311": 166, "#ff0000": 196} {
		if got := (palette.Style{Color: color}).ANSI(); got != want {
			t.Errorf("%s: got %d, want %d", color, got, want)
		}
	}
}
