package gate

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"loadlab/loadgen/internal/figure"

	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/checker"
	"github.com/expr-lang/expr/compiler"
	"github.com/expr-lang/expr/conf"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/parser"

	"loadlab/internal/spell"
)

// Error is one thing that is wrong with a gate.
type Error struct {
	Offset int // from the gate's beginning, in characters
	Msg    string
}

func (e Error) Error() string { return e.Msg }

// Errors are all that Compile found wrong, in the order of their offsets.
type Errors []Error

func (es Errors) Error() string {
	var lines []string
	for _, e := range es {
		lines = append(lines, fmt.Sprintf("column %d: %s", e.Offset+1, e.Msg))
	}
	return strings.Join(lines, "\n")
}

// maxLength is the longest gate, in bytes: the longest sensible one has some hundred.
const maxLength = 4096

// Compile compiles the gate src that stands in line of its file. scope has the modes and phases that there are. The error is of type Errors.
func Compile(src string, line int, scope Scope) (*Gate, error) {
	if len(src) > maxLength || !utf8.ValidString(src) {
		return nil, Errors{{0, fmt.Sprintf("a gate is UTF-8 text of at most %d bytes", maxLength)}}
	}
	config := conf.CreateNew()
	for name := range config.Builtins {
		config.Disabled[name] = true
	}
	clear(config.Builtins) // max, mean and the like are figures here
	text, at := durations(src)
	tree, err := parser.ParseWithConfig(text, config)
	if err != nil {
		if percent := regexp.MustCompile(`[0-9]\s*%\s*($|[)&|]|and\b|or\b)`).FindStringIndex(src); percent != nil {
			return nil, Errors{{percent[0], "% is no unit: 1% is written 0.01"}}
		}
		return nil, Errors{syntax(err, at)}
	}
	g := &Gate{Expr: src, Line: line}
	c := &checking{scope: scope, gate: g}
	c.root(&tree.Node)
	if len(c.errs) > 0 {
		for i := range c.errs {
			c.errs[i].Offset = at(c.errs[i].Offset)
		}
		slices.SortStableFunc(c.errs, func(a, b Error) int { return cmp.Compare(a.Offset, b.Offset) })
		return nil, slices.Compact(c.errs)
	}
	// What is left is known to be well typed, so an error here is a contradiction between this package and expr.
	config.WithEnv((&environment{}).variables(nil))
	config.ShortCircuit = false // every comparison is reported, also one that did not decide
	if _, err := checker.Check(tree, config); err != nil {
		return nil, Errors{syntax(err, at)}
	}
	if g.program, err = compiler.Compile(tree, config); err != nil {
		return nil, Errors{syntax(err, at)}
	}
	return g, nil
}

// syntax takes the position out of expr's error for a text whose characters were at at, and its drawing of it.
func syntax(err error, at func(offset int) int) Error {
	var e *file.Error
	switch {
	case !errors.As(err, &e):
		return Error{0, err.Error()}
	case e.Message == `unexpected token Operator("=")`:
		return Error{at(e.From), "= is no comparison: equality is written =="}
	}
	for unit := range constants() {
		if e.Message == fmt.Sprintf("unexpected token Identifier(%q)", unit) {
			return Error{at(e.From), "a unit stands right behind its number: 10" + unit}
		}
	}
	return Error{at(e.From), e.Message}
}

// kind of an expression.
type kind struct {
	boolean  bool
	constant bool   // a number without a figure in it
	unit     string // of a number; mixed if it has none that has a name
	bad      bool   // an error has been reported already
}

const mixed = "?"

// checking checks an expression and turns it into what the machine runs: calls of figures and comparisons by number.
type checking struct {
	scope Scope
	gate  *Gate
	errs  Errors
}

func (c *checking) errorf(n ast.Node, format string, args ...any) kind {
	c.errs = append(c.errs, Error{n.Location().From, fmt.Sprintf(format, args...)})
	return kind{bad: true}
}

func (c *checking) root(n *ast.Node) {
	k := c.check(n)
	switch {
	case k.bad || len(c.errs) > 0:
	case !k.boolean:
		c.errorf(*n, "a gate must be true or false: compare it with something, as in p95() <= 10ms")
	}
}

// check returns the kind of the expression at n, which it rewrites.
func (c *checking) check(n *ast.Node) kind {
	switch x := (*n).(type) {
	case *ast.IntegerNode: // floats throughout: integer arithmetic would overflow silently
		ast.Patch(n, &ast.FloatNode{Value: float64(x.Value)})
		return kind{constant: true}
	case *ast.FloatNode:
		return kind{constant: true}
	case *ast.IdentifierNode:
		if _, ok := constants()[x.Value]; ok {
			return kind{constant: true, unit: figure.Milliseconds}
		}
		return c.unknownName(x)
	case *ast.CallNode:
		return c.call(n, x)
	case *ast.UnaryNode:
		return c.unary(x)
	case *ast.BinaryNode:
		return c.binary(n, x)
	case *ast.StringNode:
		return c.errorf(x, "text %q outside of a function: the names of modes and phases go into the brackets of a figure", x.Value)
	}
	return c.errorf(*n, "gates have figures, numbers, the units us, ms, s, + - * /, comparisons, and, or, not; nothing else")
}

func (c *checking) unknownName(x *ast.IdentifierNode) kind {
	if _, ok := unitOf(x.Value); ok {
		return c.errorf(x, "%s is a function: write %s() or %s(\"mode\", \"phase\")", x.Value, x.Value, x.Value)
	}
	return c.errorf(x, "%s", spell.Unknown("unit", x.Value, []string{"us", "ms", "s"}))
}

func (c *checking) unary(x *ast.UnaryNode) kind {
	k := c.check(&x.Node)
	not := x.Operator == "not" || x.Operator == "!"
	switch {
	case k.bad:
	case not && !k.boolean:
		return c.errorf(x, "%s needs a comparison", x.Operator)
	case !not && k.boolean:
		return c.errorf(x, "%s needs a number", x.Operator)
	}
	return k
}

func (c *checking) binary(n *ast.Node, x *ast.BinaryNode) kind {
	var left, right side
	if isComparator(x.Operator) { // before the operands are rewritten
		left, right = side{text: text(x.Left)}, side{text: text(x.Right)}
		_, left.bare = x.Left.(*ast.CallNode)
		_, right.bare = x.Right.(*ast.CallNode)
	}
	if chained(x) {
		return c.errorf(x, "one comparison at a time: a < b < c is written a < b and b < c")
	}
	a, b := c.check(&x.Left), c.check(&x.Right)
	if a.bad || b.bad {
		return kind{bad: true}
	}
	switch x.Operator {
	case "and", "&&", "or", "||":
		if !a.boolean || !b.boolean {
			return c.errorf(x, "%s needs a comparison on both sides", x.Operator)
		}
		return kind{boolean: true}
	case "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=":
		if a.boolean || b.boolean {
			return c.errorf(x, "%s needs a number on both sides", x.Operator)
		}
	default:
		return c.errorf(x, "unknown operator %s (allowed: + - * / %s and or not)", x.Operator, strings.Join(comparators(), " "))
	}
	k := combine(x.Operator, a, b)
	if k.bad {
		return c.errorf(x, "%s between %s and %s", x.Operator, a.describe(), b.describe())
	}
	if isComparator(x.Operator) {
		if k.constant {
			return c.errorf(x, "%s compares constants: it would hold whatever was measured", x.Operator)
		}
		left.unit, right.unit = k.unit, k.unit
		c.compare(n, x, left, right)
		return kind{boolean: true}
	}
	return k
}

// chained reports whether x is a < b < c, of which expr makes a < b && b < c with one b in two places.
func chained(x *ast.BinaryNode) bool {
	a, ok := x.Left.(*ast.BinaryNode)
	for ok && !isComparator(a.Operator) {
		a, ok = a.Right.(*ast.BinaryNode)
	}
	b, also := x.Right.(*ast.BinaryNode)
	return ok && also && a.Right == b.Left
}

// combine is the arithmetic of units. A constant without a unit takes that of the other side.
func combine(op string, a, b kind) kind {
	k := kind{constant: a.constant && b.constant}
	switch op {
	case "*":
		switch {
		case a.unit == figure.Number:
			k.unit = b.unit
		case b.unit == figure.Number:
			k.unit = a.unit
		default:
			k.unit = mixed
		}
		return k
	case "/":
		switch {
		case b.unit == figure.Number:
			k.unit = a.unit
		case a.unit == b.unit && a.unit != mixed:
			k.unit = figure.Number
		default:
			k.unit = mixed
		}
		return k
	}
	switch {
	case a.unit == b.unit:
		k.unit = a.unit
	case a.constant && a.unit == figure.Number:
		k.unit = b.unit
	case b.constant && b.unit == figure.Number:
		k.unit = a.unit
	case a.unit == mixed || b.unit == mixed:
		k.unit = mixed
	default:
		k.bad = true
	}
	return k
}

func (k kind) describe() string {
	switch k.unit {
	case figure.Milliseconds:
		return "a time"
	case figure.PerSecond:
		return "a rate"
	case figure.Bytes:
		return "an amount of bytes"
	case figure.Number:
		return "a plain number"
	}
	return "a number of unknown unit"
}
