package trace

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/trace/sqlshape"
	"loadlab/otel/signal"
)

// RepeatedFrom is how often a query of one shape must be made by one request to be called repeated. Two are no pattern.
const RepeatedFrom = 3

// Queries is what the SQL queries of one trace have in common.
type Queries struct {
	Count   int           `json:"count"`
	Time    time.Duration `json:"time_ns"`           // sum over the queries
	Repeats []Repeat      `json:"repeats,omitempty"` // the most frequent first, then in the order of their first query
}

// Repeat is a query that was made again and again with other values: the N of N+1.
type Repeat struct {
	Shape    string        `json:"shape"`           // the query with ? for every value
	Verb     string        `json:"verb,omitempty"`  // SELECT, ...
	Table    string        `json:"table,omitempty"` // empty if neither the span nor the query names it
	By       []string      `json:"by,omitempty"`    // columns that are compared with a value
	Count    int           `json:"count"`
	Distinct int           `json:"distinct"` // how many of them had different values; fewer than Count: some values came again
	Time     time.Duration `json:"time_ns"`  // sum over the queries
}

// Repeated returns how many queries the repeats are.
func (q Queries) Repeated() int {
	n := 0
	for _, r := range q.Repeats {
		n += r.Count
	}
	return n
}

// String returns the repeats: "agents by id x 20, offices by id x 20, locations by id x 20: 60 of 62 queries"; empty if there are none.
func (q Queries) String() string {
	if len(q.Repeats) == 0 {
		return ""
	}
	var names []string
	for _, r := range q.Repeats {
		names = append(names, r.String())
	}
	return fmt.Sprintf("%s: %d of %d queries", strings.Join(names, ", "), q.Repeated(), q.Count)
}

// String names the repeat: "agents by id x 20".
func (r Repeat) String() string { return fmt.Sprintf("%s x %d", r.Name(), r.Count) }

// Name is what is repeated: "agents by id", "INSERT events".
func (r Repeat) Name() string {
	name := r.Table
	if name == "" {
		name = cut(r.Shape, 40)
	} else if r.Verb != "SELECT" && r.Verb != "" {
		name = r.Verb + " " + name
	}
	if len(r.By) > 0 && r.Table != "" {
		name += " by " + strings.Join(r.By, ", ")
	}
	return name
}

// FindQueries finds the repeated queries among the spans of one trace.
func FindQueries(spans []result.Span) Queries {
	var q Queries
	for _, r := range Statements(spans) {
		q.Count += r.Count
		q.Time += r.Time
		if r.Count >= RepeatedFrom {
			q.Repeats = append(q.Repeats, r)
		}
	}
	slices.SortStableFunc(q.Repeats, func(a, b Repeat) int { return cmp.Compare(b.Count, a.Count) })
	return q
}

// Statements returns the queries of one trace by their shapes, in the order of their first, also those that were made but once.
func Statements(spans []result.Span) []Repeat {
	groups := map[string]*group{}
	var order []*group
	for i := range spans {
		s := &spans[i]
		if !IsSQL(s) {
			continue
		}
		key := Shape(s)
		g := groups[key]
		if g == nil {
			g = &group{first: s, texts: map[string]bool{}}
			groups[key] = g
			order = append(order, g)
		}
		g.count++
		g.time += s.Duration
		g.texts[s.Attributes[signal.AttrDBQueryText]] = true
	}
	all := make([]Repeat, len(order))
	for i, g := range order {
		all[i] = g.repeat()
	}
	return all
}

// group is the queries of one shape.
type group struct {
	first *result.Span
	count int
	time  time.Duration
	texts map[string]bool
}

func (g *group) repeat() Repeat {
	a := g.first.Attributes
	shape := sqlshape.Of(a[signal.AttrDBQueryText])
	r := Repeat{
		Shape: shape.Text, Verb: shape.Verb, Table: shape.Table, By: shape.By, Count: g.count, Distinct: len(g.texts), Time: g.time,
	}
	if r.Table == "" {
		r.Table = a[signal.AttrDBCollection]
	}
	if r.Verb == "" {
		r.Verb = a[signal.AttrDBOperation]
	}
	if r.Shape == "" {
		r.Shape = cmp.Or(a[signal.AttrDBSummary], g.first.Name)
	}
	return r
}

// IsSQL reports whether s is a query to a database that speaks SQL.
func IsSQL(s *result.Span) bool {
	switch s.Attributes[signal.AttrDBSystem] {
	case "", "redis", "valkey", "memcached":
		return false
	}
	return !isStep(s)
}

// isStep reports whether a span of database/sql is a step of the driver's beside a query, as otelsql makes them: sql.conn.reset_session, sql.rows. They are of a database, and have no text.
func isStep(s *result.Span) bool {
	return strings.HasPrefix(s.Name, "sql.") && s.Attributes[signal.AttrDBQueryText] == "" && !strings.HasSuffix(s.Name, ".query") && !strings.HasSuffix(s.Name, ".exec")
}

// Shape is what s has in common with other spans of its kind: for a query its text with ? for every value, for others the name.
func Shape(s *result.Span) string {
	text := s.Attributes[signal.AttrDBQueryText]
	if !IsSQL(s) || text == "" {
		return s.Service + "\x00" + s.Kind + "\x00" + s.Name
	}
	shape := sqlshape.Normalize(text)
	if strings.HasSuffix(text, Ellipsis) {
		// Where the text was cut, and with it the end of its shape, depends on how long its values were.
		shape = shape[:min(len(shape), cutShape)]
	}
	return s.Name + "\x00" + shape
}

// MaxText is the length of the longest attribute in bytes; Ellipsis marks what was cut off there.
const (
	MaxText  = 2000
	Ellipsis = "…"
	cutShape = MaxText / 4
)

// Cut shortens an attribute to MaxText, between two characters, and marks that.
func Cut(s string) string { return cut(s, MaxText) }

func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n -= len(Ellipsis)
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + Ellipsis
}
