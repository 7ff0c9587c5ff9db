package report

import (
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// httpPhases is how long requests took to connect, to shake hands, to the first byte and to the last, where the client was asked for it.
func httpPhases(f *figure.Figures) Section {
	t := &Table{Columns: []Column{{Name: "mode", Title: "mode", Left: true}, {Name: "of", Title: "of", Left: true}, {Name: "wait_ms", Above: "wait to", Title: "be sent"},
		{Name: "connect_ms", Title: "connect"}, {Name: "tls_ms", Title: "TLS"}, {Name: "first_byte_ms", Above: "sent to", Title: "first byte"},
		{Name: "body_ms", Above: "to the", Title: "last byte"}, {Name: "response_ms", Above: "response", Title: "time"}}}
	eachPhase(f, func(p result.PhaseInfo, modes []string) {
		g := Group{Name: p.Name, Title: p.Name}
		for _, m := range modes {
			total := f.Total(m, p.Name)
			if b, ok := total.SpentAll(); ok && b.FirstByte > 0 {
				g.Rows = append(g.Rows, phaseRow(m, "mean", b))
			}
			if b, ok := total.SpentAt(0.99); ok && b.FirstByte > 0 {
				slow := "p99"
				if !hasP99(total) {
					slow = "slowest"
				}
				g.Rows = append(g.Rows, phaseRow(m, slow, b))
			}
		}
		if len(g.Rows) > 0 {
			t.Groups = append(t.Groups, g)
		}
	})
	if len(t.Groups) == 0 {
		return Section{}
	}
	return Section{ID: HTTPPhases, Heading: "Phases of a request", Table: t, Prose: prose("Means: of all completed requests, and of those of about the response time of " +
		"the p99. Requests on a connection that is there already connect in no time.")}
}

// phaseRow is the mean request of a bucket.
func phaseRow(mode, of string, b result.Bucket) []Cell {
	n := time.Duration(b.Count)
	cells := []Cell{{Text: mode}, {Text: of}}
	service := b.Response - b.Lag
	for _, d := range []time.Duration{b.Lag - b.Connect - b.TLS, b.Connect, b.TLS, b.FirstByte, service - b.FirstByte, b.Response} {
		d = max(d, 0) / n
		cells = append(cells, Cell{Text: unit.Latency(d), Value: figure.Millis(d), Known: true})
	}
	return cells
}

// transferred is how much came and went.
func transferred(t *figure.Total) string {
	second := func(name string) string {
		x, _ := figure.Named(name)
		return unit.Bytes(value(x, t).Value)
	}
	return "Bodies: " + unit.Bytes(float64(t.Ledger.Bytes)) + " received, " + second("bytes_in") + " a second; " +
		unit.Bytes(float64(t.Ledger.Wrote)) + " sent, " + second("bytes_out") + " a second."
}
