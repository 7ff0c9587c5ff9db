package history

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"math"
)

//go:embed page.tmpl
var files embed.FS

// pagePoint is a point of a chart, in its coordinates.
type pagePoint struct {
	Point
	X, Y float64
	Text string
}

// pageSeries is a chart.
type pageSeries struct {
	Series
	About     string
	Dots      []pagePoint
	Lines     []pageChange
	High, Low string
	Width     float64
}

// pageChange is a change in a chart.
type pageChange struct {
	X    float64
	Text string
}

// Of a chart, in pixels of its own.
const (
	step   = 28.0 // from run to run
	left   = 70.0
	top    = 12.0
	height = 160.0
)

// Page writes a page of its own: charts that need no script, and their tables. It asks nobody for anything.
func (h *History) Page(w io.Writer) error {
	t, err := template.New("page.tmpl").ParseFS(files, "page.tmpl")
	if err != nil {
		return err
	}
	var all []pageSeries
	for _, s := range h.Series {
		all = append(all, h.chart(s))
	}
	err = t.Execute(w, map[string]any{"Title": h.title(), "Series": all, "Method": method, "Bottom": top + height, "Left": left, "Top": top})
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

func (h *History) chart(s Series) pageSeries {
	scale := h.scale(s)
	x := func(i int) float64 { return left + step*(float64(i)+0.5) }
	y := func(v float64) float64 { return math.Round(10*(top+height*(1-scale.share(v)))) / 10 }
	of := pageSeries{Series: s, About: s.about(), Width: left + step*float64(len(s.Points)) + 8}
	if s.Used > 0 {
		of.High, of.Low = h.render(scale.high), h.render(scale.low)
	}
	for i, p := range s.Points {
		dot := pagePoint{Point: p, X: x(i), Text: "not used: " + p.Why}
		if p.Known {
			dot.Y, dot.Text = y(p.Value), h.render(p.Value)
		}
		of.Dots = append(of.Dots, dot)
	}
	for _, c := range s.Changes {
		of.Lines = append(of.Lines, pageChange{X: x(c.At) - step/2, Text: s.Points[c.At].Run + ": " + h.change(c)})
	}
	return of
}
