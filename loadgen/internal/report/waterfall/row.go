package waterfall

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/sqlshape"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
	"loadlab/otel/signal"
)

// Row is a line of the picture: a span, repeated spans, or without spans a remark on the line above.
type Row struct {
	Label string // indented by two blanks for each level
	Color tty.Color
	Spans []*result.Span
}

// tolerance is how much later than its cause a span may end without having gone on in the background: their ends are two readings of
// the clock.
const tolerance = 100 * time.Microsecond

// maxIndent is how far spans are indented.
const maxIndent = 16

// layouter makes the rows of a trace.
type layouter struct {
	trace  *result.Trace
	expand bool
	rows   []Row
}

// frame is a node of the tree, or an event of one, that waits to be laid out.
type frame struct {
	nodes      []*trace.Node // one, or repeated ones; none of an event
	event      *result.Event
	parent     *trace.Node
	depth      int
	background bool // its parent was in the background already
	leaves     bool // it goes there
}

// Rows lays a trace out: a line a span, below what caused it. Spans that are alike share one, unless it is to be expanded.
func Rows(t *result.Trace, expand bool) []Row {
	l := &layouter{trace: t, expand: expand}
	var stack []frame
	push := func(nodes []*trace.Node, parent *trace.Node, depth int, background bool) {
		for _, f := range slices.Backward(frames(l.group(nodes), parent)) {
			f.parent, f.depth, f.background = parent, depth, background
			stack = append(stack, f)
		}
	}
	push(trace.Tree(t), nil, 0, false)
	for len(stack) > 0 { // with a stack of its own: the depth of a trace is not ours to bound
		f := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		switch {
		case f.event != nil:
			l.remark(f.depth-1, tty.Cyan, "· "+happened(f.event))
			continue
		case len(f.nodes) > 1:
			l.repeated(f)
			continue
		}
		n := f.nodes[0]
		f.leaves = !f.background && inBackground(n, f.parent)
		l.single(f)
		push(n.Children, n, f.depth+1, f.background || f.leaves)
	}
	return l.rows
}

// frames returns what is below a span in the order in which it began or happened.
func frames(groups [][]*trace.Node, parent *trace.Node) []frame {
	var all []frame
	at := func(f frame) time.Duration {
		if f.event != nil {
			return f.event.At
		}
		return f.nodes[0].Start
	}
	for _, same := range groups {
		all = append(all, frame{nodes: same})
	}
	if parent != nil {
		for i := range parent.Events {
			all = append(all, frame{event: &parent.Events[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b frame) int { return cmp.Compare(at(a), at(b)) })
	return all
}

// group puts repeated siblings together, where the first of them is.
func (l *layouter) group(nodes []*trace.Node) [][]*trace.Node {
	count := map[string]int{}
	for _, n := range nodes {
		count[key(n)]++
	}
	var groups [][]*trace.Node
	at := map[string]int{}
	for _, n := range nodes {
		k := key(n)
		if l.expand || k == "" || count[k] < trace.RepeatedFrom {
			groups = append(groups, []*trace.Node{n})
			continue
		}
		if _, ok := at[k]; !ok {
			at[k] = len(groups)
			groups = append(groups, nil)
		}
		groups[at[k]] = append(groups[at[k]], n)
	}
	return groups
}

// key is what repeated siblings have in common; empty for a span that has a line of its own.
func key(n *trace.Node) string {
	if len(n.Children) > 0 || len(n.Links) > 0 || len(n.Events) > 0 || n.Orphan {
		return ""
	}
	return trace.Shape(n.Span)
}

// inBackground reports whether n went on after what caused it had ended. The generator's own spans cause nothing: they wait.
func inBackground(n, parent *trace.Node) bool {
	return parent != nil && parent.Service != trace.Service && n.End() > parent.End()+tolerance
}

// repeated makes the row of spans that are alike.
func (l *layouter) repeated(f frame) {
	r := Row{Label: fmt.Sprintf("%s%s x %d", indent(f.depth), tty.Clean(f.nodes[0].Name), len(f.nodes)), Color: colorOf(f.nodes[0].Span, f.background)}
	failed := 0
	for _, n := range f.nodes {
		r.Spans = append(r.Spans, n.Span)
		if n.Failed {
			failed++
		}
	}
	if failed > 0 {
		r.Label += fmt.Sprintf(", %d failed", failed)
		r.Color = tty.Red
	}
	l.rows = append(l.rows, r)
	for _, n := range f.nodes {
		if n.Failed {
			l.remark(f.depth, tty.Red, "✗ "+failure(n.Span)) // the first stands for all
			break
		}
	}
}

// single makes the row of a span, and remarks on it.
func (l *layouter) single(f frame) {
	n := f.nodes[0]
	notes := notes(n.Span)
	if l.expand {
		if _, where, ok := strings.Cut(n.Attributes[signal.AttrDBQueryText], " WHERE "); ok {
			notes = append(notes, tty.Clean(unwrap(where)))
		}
	}
	if p := f.parent; p != nil && p.Service != trace.Service && p.Service != n.Service {
		notes = append(notes, "by "+tty.Clean(n.Service))
	}
	if n.Orphan {
		notes = append(notes, "its parent is missing")
	}
	if f.leaves {
		notes = append(notes, "in background")
	}
	label := indent(f.depth) + tty.Clean(n.Name)
	if len(notes) > 0 {
		label += ": " + strings.Join(notes, ", ")
	}
	l.rows = append(l.rows, Row{Label: label, Color: colorOf(n.Span, f.background || f.leaves), Spans: []*result.Span{n.Span}})
	if n.Failed {
		l.remark(f.depth, tty.Red, "✗ "+failure(n.Span))
	}
	if f.parent != nil && f.parent.Service == trace.Service && n.Service != trace.Service && n.End() > f.parent.End()+time.Millisecond {
		l.remark(f.depth, tty.Yellow, "went on for "+unit.Latency(n.End()-f.parent.End())+" after the client had stopped waiting")
	}
	for _, link := range n.Links {
		l.remark(f.depth, tty.Cyan, "↳ "+l.link(n.Span, link))
	}
}

func (l *layouter) remark(depth int, c tty.Color, s string) {
	l.rows = append(l.rows, Row{Label: indent(depth) + "  " + tty.Clean(s), Color: c})
}

// link returns the relation of a span to another one.
func (l *layouter) link(s *result.Span, link result.Link) string {
	where := "trace " + link.TraceID
	if link.TraceID == l.trace.ID {
		where = "this trace, span " + link.SpanID
	}
	waited := s.Attributes[signal.AttrCacheCollapsed] == "true" || s.Attributes[signal.AttrCacheResult] == api.CacheCoalesced.String()
	switch {
	case waited:
		return "waited for the recompute in " + where
	case s.Parent == "":
		return "caused by " + where
	}
	return "linked to " + where
}

// notes are what attributes add to the name.
func notes(s *result.Span) []string {
	var notes []string
	a := s.Attributes
	if result := a[signal.AttrCacheResult]; result != "" {
		notes = append(notes, tty.Clean(result))
		if detail := a[signal.AttrCacheDetail]; detail != "" {
			notes = append(notes, tty.Clean(detail))
		}
		if a[signal.AttrCacheStored] == "true" {
			notes = append(notes, "stored")
		}
		if n, err := strconv.Atoi(a[signal.AttrCacheWaiters]); err == nil && n > 0 {
			notes = append(notes, fmt.Sprintf("%d waited", n))
		}
	}
	if wait := poolWait(s); wait >= tolerance {
		notes = append(notes, unit.Latency(wait)+" for a connection")
	}
	if list, ok := strings.CutPrefix(sqlshape.Of(a[signal.AttrDBQueryText]).Text, "SELECT "); ok {
		if what, _, ok := strings.Cut(list, " FROM "); ok && len(what) <= maxWhat && strings.Contains(what, "(") {
			notes = append(notes, tty.Clean(what)) // count(*) is another query than that of the rows
		}
	}
	return notes
}

// maxWhat is the length of the longest select list that is shown.
const maxWhat = 16

// poolWait is how long a span waited for a database connection.
func poolWait(s *result.Span) time.Duration { return millis(s.Attributes[signal.AttrPoolWait]) }

// millis reads an attribute that is a time in milliseconds; 0 if it is none.
func millis(text string) time.Duration {
	ms, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(ms) || ms <= 0 || ms > 1e9 {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

// failure returns the error of a span that failed.
func failure(s *result.Span) string {
	if s.Error == "" {
		return "failed"
	}
	return s.Error
}

func indent(depth int) string { return strings.Repeat(" ", min(2*depth, maxIndent)) }

func isRedis(s *result.Span) bool {
	system := s.Attributes[signal.AttrDBSystem]
	return system == "redis" || system == "valkey"
}

// colorOf distinguishes layers: the generator, the server, its database and its cache.
func colorOf(s *result.Span, background bool) tty.Color {
	switch {
	case s.Failed:
		return tty.Red
	case background, trace.IsWait(s):
		return tty.Faint
	case trace.IsSQL(s):
		return tty.Green
	case isRedis(s):
		return tty.Magenta
	case s.Attributes[signal.AttrCacheResult] != "":
		return tty.Yellow
	case s.Kind == "server":
		return tty.Blue
	}
	return tty.Plain
}

// middle is the lower median of how long the spans took.
func middle(spans []*result.Span) time.Duration {
	var took []time.Duration
	for _, s := range spans {
		took = append(took, max(s.Duration, 0))
	}
	slices.Sort(took)
	return took[(len(took)-1)/2]
}

// unwrap takes the brackets off that are around a whole condition.
func unwrap(where string) string {
	inner, ok := strings.CutPrefix(where, "(")
	if n := strings.IndexAny(inner, "()"); ok && n == len(inner)-1 && strings.HasSuffix(inner, ")") {
		return inner[:n]
	}
	return where
}
