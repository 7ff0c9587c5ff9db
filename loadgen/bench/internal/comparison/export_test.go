package comparison

import "fmt"

// NewResults are results made up of values by round.
func NewResults(c Config, small, large, variation map[string][]float64, lag50, lag99 []float64) *Results {
	r := newResults(c)
	for name, values := range small {
		r.row(name).small = values
	}
	for name, values := range large {
		r.row(name).large = values
	}
	for name, values := range variation {
		r.row(name).variation = values
	}
	r.lag50, r.lag99 = lag50, lag99
	return r
}

// Names of the rows that are the generator's own.
const (
	Loadgen = loadgen
	Exposed = exposed
	Bare    = bare
)

// Rounds returns of every row which of its values are there.
func (r *Results) Rounds() map[string]string {
	rows := make(map[string]string)
	for _, row := range r.rows {
		rows[row.name] = fmt.Sprint(len(values(row.small)), len(values(row.large)), len(values(row.variation)))
	}
	return rows
}

// CommandLine is how a known peer is called.
func CommandLine(name string, open bool, c Config, url string) (args []string, stdin string) {
	for _, g := range peers() {
		if g.name != name {
			continue
		}
		if g.stdin != nil {
			stdin = g.stdin(url)
		}
		if !open {
			return g.closed(url, c.Connections, c.Closed), stdin
		}
		if g.open != nil {
			return g.open(url, c.Rate, c.Connections, c.Open), stdin
		}
	}
	return nil, stdin
}
