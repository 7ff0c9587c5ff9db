package stats_test

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"

	"loadlab/loadgen/internal/stats"
)

// figures are the bytes as float64s, in rows of n; the last may be shorter.
func figures(b []byte, n int) [][]float64 {
	var rows [][]float64
	for i := 0; i+8 <= len(b); i += 8 {
		if i/8%max(n, 1) == 0 {
			rows = append(rows, nil)
		}
		last := &rows[len(rows)-1]
		*last = append(*last, math.Float64frombits(binary.LittleEndian.Uint64(b[i:])))
	}
	return rows
}

func encoded(x ...float64) []byte {
	var b []byte
	for _, v := range x {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func probability(p float64) bool { return p > 0 && p <= 1 }

func ordered(i stats.Interval) bool { return i.Low <= i.Value && i.Value <= i.High }

// FuzzJudge is of plans and figures as a file may have them: what is wrong is an error, and what is not has a decision of probabilities.
func FuzzJudge(f *testing.F) {
	f.Add(encoded(ramp(16, .3, .1)...), uint8(8), uint8(8), .004, .01, .02, .1)
	f.Add(encoded(ramp(40, 0, .1)...), uint8(20), uint8(17), .004, .01, .02, .1)
	f.Add(encoded(math.NaN(), math.Inf(1), 0, 1e308, -1e308, 5e-324), uint8(3), uint8(2), .5, .01, 0., .1)
	f.Add(encoded(1, 2, 3), uint8(2), uint8(64), math.NaN(), math.Inf(1), -1., math.NaN())
	f.Fuzz(func(t *testing.T, b []byte, epochs, look uint8, alpha, beta, tolerance, margin float64) {
		d := figures(b, int(epochs))
		if len(d) > 4 {
			d = d[:4]
		}
		plan := stats.Plan{Looks: []stats.Look{{Epochs: int(look), Alpha: alpha}}, Beta: beta, Tolerance: tolerance}
		for i := range d {
			plan.Endpoints = append(plan.Endpoints, stats.Endpoint{Name: itoa(i), Margin: margin})
		}
		dec, err := stats.Judge(plan, d)
		if err != nil {
			if !reflect.DeepEqual(dec, stats.Decision{}) {
				t.Errorf("got %+v beside the error %v", dec, err)
			}
			return
		}
		for _, finding := range dec.Findings {
			if !probability(finding.P) || !probability(finding.Adjusted) || !probability(finding.PassP) || !ordered(finding.Effect) || math.IsNaN(finding.Detectable) {
				t.Errorf("%v: got %+v", d, finding)
			}
		}
		for _, e := range dec.E {
			if !(e >= 0) || math.IsInf(e, 0) {
				t.Errorf("%v: got e-values %v", d, dec.E)
			}
		}
	})
}

// FuzzRounds is of figures of two modes.
func FuzzRounds(f *testing.F) {
	f.Add(encoded(1, 2, 3, 4, 5, 6, 7, 8, 9), encoded(2, 3, 4, 5, 6, 7, 8, 9, 1), uint8(3), .95, 1.)
	f.Add(encoded(math.NaN(), 1e308, 5e-324), encoded(math.Inf(1), -1, 0), uint8(0), .99, -1.)
	f.Add(encoded(1, 1), encoded(1, 1), uint8(1), math.NaN(), math.NaN())
	f.Fuzz(func(t *testing.T, a, b []byte, blocks uint8, level, bound float64) {
		x, y := figures(a[:min(len(a), 800)], int(blocks)), figures(b[:min(len(b), 800)], int(blocks))
		if i, err := stats.Rounds(x, level); err == nil && (math.IsNaN(i.Value) || math.IsInf(i.Value, 0)) {
			t.Errorf("%v: got %+v", x, i)
		}
		r, err := stats.PairedRatio(x, y, level)
		if err != nil {
			return
		}
		if !ordered(r.Interval) || r.Low < 0 {
			t.Errorf("%v, %v: got %+v", x, y, r)
		}
		if more, ok := r.MoreFor(bound); more < 0 || more > 0 && !ok {
			t.Errorf("%v, %v: got %d, %v more rounds", x, y, more, ok)
		}
	})
}

// FuzzAttribute is of one part, in epochs that may be of different numbers.
func FuzzAttribute(f *testing.F) {
	f.Add(encoded(9, 9, 2, 3, 9, 12, 3, 3), encoded(1, 2))
	f.Add(encoded(1, math.NaN(), math.Inf(1), -1), encoded(1e100))
	f.Fuzz(func(t *testing.T, costs, totals []byte) {
		var a, b []float64
		for _, v := range figures(totals[:min(len(totals), 800)], 1) {
			a, b = append(a, v[0]), append(b, v[0]+1)
		}
		p := stats.Part{Name: "sql", Counted: true}
		for _, row := range figures(costs[:min(len(costs), 3200)], 4) {
			row = append(row, 0, 0, 0)
			p.A, p.B = append(p.A, stats.Cost{Calls: row[0], Each: row[1]}), append(p.B, stats.Cost{Calls: row[2], Each: row[3]})
		}
		att, err := stats.Attribute(a, b, []stats.Part{p})
		if err != nil {
			return
		}
		for _, s := range att.Shares {
			if !ordered(s.Change) || math.IsNaN(s.Explains) {
				t.Errorf("%+v: got %+v", p, s)
			}
		}
		att.Culprit()
	})
}
