package trace_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/trace"
)

// spans makes spans from "id<parent" each, which start one after the other.
func spans(spec string) []result.Span {
	var out []result.Span
	for i, s := range strings.Fields(spec) {
		id, parent, _ := strings.Cut(s, "<")
		out = append(out, result.Span{ID: id, Parent: parent, Start: time.Duration(i), Duration: 1})
	}
	return out
}

// draw writes a tree as "a(b(c) d)", an orphan with a question mark.
func draw(nodes []*trace.Node) string {
	var parts []string
	for _, n := range nodes {
		s := n.ID
		if n.Orphan {
			s += "?"
		}
		if len(n.Children) > 0 {
			s += "(" + draw(n.Children) + ")"
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, " ")
}

func TestTree(t *testing.T) {
	for _, test := range []struct{ spans, want string }{
		{"", ""},
		{"a b<a c<b d<a", "a(b(c) d)"},
		{"d<a c<b b<a a", "a(d b(c))"},        // children in the order of their start, wherever their parent is
		{"a b<x c<b", "a b?(c)"},              // a parent that is missing
		{"a<b b<a c<b", "a?(b(c))"},           // a ring
		{"a<a b<a", "a?(b)"},                  // its own parent
		{"r a<c b<a c<b d<b", "r a?(b(c d))"}, // a ring beside a root
		{"a a b<a", "a(b) a"},                 // the same id twice
		{"a b<a a<b", "a(b(a))"},              // and below itself
		{"p<m q<m m<n a b<a", "m?(p q) a(b)"},
	} {
		tr := result.Trace{Spans: spans(test.spans)}
		if got := draw(trace.Tree(&tr)); got != test.want {
			t.Errorf("%s: got %s, want %s", test.spans, got, test.want)
		}
		if got, want := trace.Orphans(&tr), strings.Count(test.want, "?"); got != want {
			t.Errorf("%s: %d orphans, want %d", test.spans, got, want)
		}
	}
}

// FuzzTree hangs spans below each other in every possible way: each is in the tree once.
func FuzzTree(f *testing.F) {
	f.Add([]byte{1, 2, 0, 3, 3, 1})
	f.Add([]byte{0x10, 0x21, 0x12})
	f.Fuzz(func(t *testing.T, spec []byte) {
		var tr result.Trace
		for i, b := range spec {
			s := result.Span{ID: strconv.Itoa(i % 50), Start: time.Duration(b % 7), Duration: time.Duration(b % 3)}
			if b > 0 {
				s.Parent = strconv.Itoa(int(b) % 60)
			}
			tr.Spans = append(tr.Spans, s)
		}
		seen := map[*result.Span]bool{}
		for stack := trace.Tree(&tr); len(stack) > 0; {
			n := stack[len(stack)-1]
			stack = append(stack[:len(stack)-1], n.Children...)
			if seen[n.Span] {
				t.Fatalf("%v: span %s is in the tree twice", spec, n.ID)
			}
			seen[n.Span] = true
		}
		if len(seen) != len(tr.Spans) {
			t.Errorf("%v: %d of %d spans are in the tree", spec, len(seen), len(tr.Spans))
		}
	})
}
