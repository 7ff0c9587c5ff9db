package page

import (
	"io"
	"math"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/history"
	"loadlab/loadgen/internal/tty"
)

// seriesData is the chart of a mode across stored runs, and its table.
type seriesData struct {
	history.Series
	About           string
	Color           string
	Dots            []dotData
	Lines           []lineData
	High, Low       string
	Width, Height   float64
	Left, Top, Base float64
	Floor           float64 // where the least is
	First, Last     string  // days of the runs at the ends
	Unused          bool    // some run is shown and not used
}

// dotData is a run.
type dotData struct {
	history.Point
	X, Y float64
	Text string
}

// lineData is where a series changed.
type lineData struct {
	X    float64
	Text string
}

// Of a chart across runs, in pixels.
const (
	runStep   = 28.0  // from run to run, at least
	runWidth  = 900.0 // of the runs together, where the steps are not longer than
	runLonger = 84.0
	runFoot   = 34.0 // below the axis: runs that are not used, and days
	runLeft   = 76.0
	runTop    = 12.0
	runHeight = 160.0
)

// WriteHistory writes the page of a figure across stored runs. Its charts need no script.
func WriteHistory(w io.Writer, h *history.History) error {
	d := &document{Title: tty.Clean(h.Title()), Word: "HISTORY", Tone: "plain", Name: h.Scenario, Sentence: h.Shown(), Method: history.Method, styles: map[string]palette.Style{}}
	d.addStyles(h.Modes())
	for _, s := range h.Series {
		of := chartOf(h, s)
		of.Color = d.styles[s.Mode].Color
		d.Series = append(d.Series, of)
	}
	return d.writeStill(w)
}

func chartOf(h *history.History, s history.Series) seriesData {
	scale, n := s.Scale(), len(s.Points)
	step := max(runStep, min(runWidth/float64(n), runLonger))
	x := func(i int) float64 { return math.Round(10*(runLeft+step*(float64(i)+0.5))) / 10 }
	y := func(v float64) float64 { return math.Round(10*(runTop+runHeight*(1-scale.Share(v)))) / 10 }
	of := seriesData{Series: s, About: s.About(), Width: runLeft + step*float64(n) + 8, Left: runLeft, Top: runTop, Floor: runTop + runHeight, Base: runTop + runHeight + runTop, Unused: s.Used < n}
	of.Height, of.First, of.Last = of.Base+runFoot, day(s.Points[0]), day(s.Points[n-1])
	if s.Used > 0 {
		of.High, of.Low = h.Render(scale.High), h.Render(scale.Low)
	}
	for i, p := range s.Points {
		dot := dotData{Point: p, X: x(i), Text: "not used: " + p.Why}
		if p.Known {
			dot.Y, dot.Text = y(p.Value), h.Render(p.Value)
		}
		of.Dots = append(of.Dots, dot)
	}
	for _, c := range s.Changes {
		of.Lines = append(of.Lines, lineData{X: x(c.At) - step/2, Text: s.Points[c.At].Run + ": " + h.Describe(c)})
	}
	return of
}

// day is when a run was, as the axis has it.
func day(p history.Point) string { return p.Started.UTC().Format("2006-01-02 15:04") }
