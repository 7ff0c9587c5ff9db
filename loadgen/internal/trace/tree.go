package trace

import (
	"cmp"
	"slices"

	"loadlab/loadgen/internal/result"
)

// Node is a span with those that it caused.
type Node struct {
	*result.Span
	Children []*Node // in the order of their start
	// Orphan is whether the span names a parent that is not in the trace.
	Orphan bool
}

// Tree returns the roots of the trace, in the order of their start. A span whose parent is missing is one of them, and so is the first
// span of each ring of spans that are each other's parents: every span is in the tree exactly once.
func Tree(t *result.Trace) []*Node {
	nodes := make([]*Node, len(t.Spans))
	for i := range t.Spans {
		nodes[i] = &Node{Span: &t.Spans[i]}
	}
	slices.SortStableFunc(nodes, func(a, b *Node) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Duration, a.Duration))
	})
	byID := make(map[string]*Node, len(nodes))
	for _, n := range nodes {
		if byID[n.ID] == nil {
			byID[n.ID] = n
		}
	}
	children := make(map[*Node][]*Node, len(nodes))
	var roots []*Node
	for _, n := range nodes {
		switch parent := byID[n.Parent]; {
		case n.Parent == "":
			roots = append(roots, n)
		case parent == nil:
			n.Orphan = true
			roots = append(roots, n)
		default:
			children[parent] = append(children[parent], n)
		}
	}
	seen := make(map[*Node]bool, len(nodes))
	for _, root := range roots {
		grow(root, children, seen)
	}
	for _, n := range nodes {
		if !seen[n] { // in a ring, or below one
			n.Orphan = true
			roots = append(roots, n)
			grow(n, children, seen)
		}
	}
	return roots
}

// grow hangs what is below root into the tree. It keeps a stack of its own: how deep a trace is, others decide.
func grow(root *Node, children map[*Node][]*Node, seen map[*Node]bool) {
	seen[root] = true
	for stack := []*Node{root}; len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, c := range children[n] {
			if !seen[c] {
				seen[c] = true
				n.Children = append(n.Children, c)
				stack = append(stack, c)
			}
		}
	}
}

// Orphans counts the spans whose parent is missing.
func Orphans(t *result.Trace) int {
	n := 0
	for _, root := range Tree(t) {
		if root.Orphan {
			n++
		}
	}
	return n
}
