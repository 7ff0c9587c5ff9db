package report

import (
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/tty"
)

// repeated names the queries that a mode repeats, as its kept trace with the most of them has it; empty if there are none.
func (f *Figures) repeated(mode string) string {
	most, text := 0, ""
	for i := range f.run.Traces {
		t := &f.run.Traces[i]
		if t.Mode != mode {
			continue
		}
		if q := trace.FindQueries(t.Spans); q.Repeated() > most {
			most, text = q.Repeated(), q.String()
		}
	}
	return text
}

// writeRepeated names N+1 queries by mode.
func writeRepeated(p *page, f *Figures) {
	titled := false
	for _, mode := range f.Modes() {
		text := f.repeated(mode)
		if text == "" {
			continue
		}
		if !titled {
			p.title("N+1: queries of one shape that one request repeats")
			titled = true
		}
		p.item(indent+tty.Clean(mode)+"  ", 0, tty.Plain, tty.Clean(text))
	}
}
