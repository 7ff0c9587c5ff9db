package gate

import (
	"slices"
	"strings"

	"loadlab/loadgen/internal/figure"

	"github.com/expr-lang/expr/ast"

	"loadlab/internal/spell"
)

// call checks a call of a figure and replaces it by figure(number).
func (c *checking) call(n *ast.Node, x *ast.CallNode) kind {
	callee, ok := x.Callee.(*ast.IdentifierNode)
	if !ok {
		return c.errorf(x, "a figure is called by its name, as in p99(\"mode\", \"phase\")")
	}
	unit, ok := unitOf(callee.Value)
	if !ok {
		return c.errorf(callee, "%s", spell.Unknown("function", callee.Value, figure.Names()))
	}
	f := call{name: callee.Value, unit: unit}
	good := true
	args := x.Arguments
	if len(args) == ofErrors+1 {
		f.name, good = c.ofErrors(callee.Value, args[ofErrors])
		args = args[:ofErrors]
	}
	if f.name == "" || len(args) > ofErrors {
		return c.errorf(x, "%s takes a mode and a phase, got %d arguments", callee.Value, len(x.Arguments))
	}
	for i, arg := range args {
		name, ok := arg.(*ast.StringNode)
		if !ok {
			c.errorf(arg, "%s takes names in quotes, as in %s(\"mode\", \"phase\")", f.name, f.name)
			good = false
			continue
		}
		switch {
		case name.Value == "*":
		case i == 0:
			f.mode = name.Value
			good = c.knownMode(name) && good
		default:
			f.phase = name.Value
			good = c.knownPhase(name) && good
		}
	}
	if !good || !c.takesPart(x, f) {
		return kind{bad: true}
	}
	i := slices.Index(c.gate.figures, f)
	if i < 0 {
		i = len(c.gate.figures)
		c.gate.figures = append(c.gate.figures, f)
	}
	ast.Patch(n, &ast.CallNode{Callee: &ast.IdentifierNode{Value: figureCall}, Arguments: []ast.Node{&ast.IntegerNode{Value: i}}})
	return kind{unit: unit}
}

// ofErrors is the place of the argument that names some errors alone: errors("mode", "phase", "500").
const ofErrors = 2

// ofErrors returns the name of the figure of some errors alone; empty if the figure is not of errors.
func (c *checking) ofErrors(name string, arg ast.Node) (full string, good bool) {
	if _, allowed, _ := figure.OfErrors(name, ""); allowed == nil {
		return "", false
	}
	which, ok := arg.(*ast.StringNode)
	if !ok {
		c.errorf(arg, "%s takes a status or a kind of failure in quotes, as in %s(\"*\", \"*\", \"500\")", name, name)
		return name, false
	}
	full, allowed, ok := figure.OfErrors(name, which.Value)
	if !ok {
		c.errorf(which, "%s", spell.Unknown("status or kind of failure", which.Value, allowed))
		return name, false
	}
	return full, true
}

func (c *checking) knownMode(name *ast.StringNode) bool {
	if slices.Contains(c.scope.Modes, name.Value) {
		return true
	}
	c.errorf(name, "%s", spell.Unknown("mode", name.Value, c.scope.Modes))
	return false
}

func (c *checking) knownPhase(name *ast.StringNode) bool {
	var names []string
	for _, p := range c.scope.Phases {
		switch {
		case p.Name == name.Value && p.Warmup:
			c.errorf(name, "phase %q is warm-up, which has no figures", name.Value)
			return false
		case p.Name == name.Value:
			return true
		case !p.Warmup:
			names = append(names, p.Name)
		}
	}
	c.errorf(name, "%s", spell.Unknown("phase", name.Value, names))
	return false
}

// takesPart refuses a figure that can never have a sample: of a mode that is not in the phase's mix.
func (c *checking) takesPart(x *ast.CallNode, f call) bool {
	for _, p := range c.scope.Phases {
		if p.Name == f.phase && f.mode != "" && p.Modes != nil && !slices.Contains(p.Modes, f.mode) {
			c.errorf(x, "mode %q takes no part in phase %q (in it: %s)", f.mode, f.phase, strings.Join(p.Modes, ", "))
			return false
		}
	}
	return true
}

// compare replaces a comparison, whose operands have been rewritten, by compare(number, left, right).
func (c *checking) compare(n *ast.Node, x *ast.BinaryNode, left, right side) {
	left.figures, right.figures = figuresOf(x.Left), figuresOf(x.Right)
	i := len(c.gate.comparisons)
	c.gate.comparisons = append(c.gate.comparisons, comparison{op: x.Operator, left: left, right: right})
	ast.Patch(n, &ast.CallNode{
		Callee:    &ast.IdentifierNode{Value: compareCall},
		Arguments: []ast.Node{&ast.IntegerNode{Value: i}, x.Left, x.Right},
	})
}

// figuresOf lists the figures in a rewritten operand, in their order and once each.
func figuresOf(n ast.Node) []int {
	switch x := n.(type) {
	case *ast.CallNode:
		return []int{x.Arguments[0].(*ast.IntegerNode).Value}
	case *ast.UnaryNode:
		return figuresOf(x.Node)
	case *ast.BinaryNode:
		all := figuresOf(x.Left)
		for _, i := range figuresOf(x.Right) {
			if !slices.Contains(all, i) {
				all = append(all, i)
			}
		}
		return all
	}
	return nil
}

// text returns an operand without the quotes of its names.
func text(n ast.Node) string { return strings.ReplaceAll(n.String(), `"`, "") }
