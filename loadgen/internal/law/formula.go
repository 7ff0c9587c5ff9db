package law

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"

	"loadlab/loadgen/internal/unit"
)

// formula is a law evaluated for one mode in one phase.
type formula struct {
	value float64
	text  string // "λ·D = 200/s × 14.0 ms = 2.80"
	given string // "beta = 1", where text has not the values of its variables
}

// variable is what a law may be over, and how its value came about; unknown is why it has none.
type variable struct {
	value   float64
	text    string
	unknown string
}

// functions are those that laws may call besides expr's own.
func functions() map[string]func(float64) float64 {
	return map[string]func(float64) float64{"exp": math.Exp, "log": math.Log, "sqrt": math.Sqrt}
}

// evaluate evaluates a law's expression. The error is the reason why it cannot: a law comes from the app, so it may be anything.
func evaluate(law string, vars map[string]variable) (formula, error) {
	used, err := variables(law)
	if err != nil {
		return formula{}, err
	}
	env := map[string]any{}
	for name, f := range functions() {
		env[name] = f
	}
	var where []string
	for _, name := range used {
		v, ok := vars[name]
		switch {
		case !ok:
			return formula{}, fmt.Errorf("the law %q is over an unknown %s", law, name)
		case v.unknown != "":
			return formula{}, fmt.Errorf("%s", v.unknown)
		}
		env[name] = v.value
		where = append(where, v.text)
	}
	program, err := expr.Compile(law, expr.Env(env), expr.AsFloat64())
	if err != nil {
		return formula{}, fmt.Errorf("the law %q cannot be read", law)
	}
	out, err := expr.Run(program, env)
	value, ok := out.(float64)
	if err != nil || !ok || math.IsNaN(value) || math.IsInf(value, 0) {
		return formula{}, fmt.Errorf("the law %q has no value", law)
	}
	switch {
	case len(used) == 0:
		return formula{value: value, text: unit.Amount(value)}, nil
	case len(used) == 1 && value == env[used[0]]: // max(1, arrivals) is arrivals, most of the time
		return formula{value: value, text: where[0]}, nil
	}
	law = strings.ReplaceAll(law, eulers, "e")
	return formula{value: value, text: law + " = " + unit.Amount(value), given: strings.Join(where, ", ")}, nil
}

// eulers is Euler's number as laws spell it, since expr has no name for it.
const eulers = "2.718281828459045"

// variables are the names that an expression is over, sorted.
func variables(law string) ([]string, error) {
	tree, err := parser.Parse(law)
	if err != nil {
		return nil, fmt.Errorf("the law %q cannot be read", law)
	}
	var v names
	ast.Walk(&tree.Node, &v)
	slices.Sort(v)
	return slices.DeleteFunc(slices.Compact(v), func(s string) bool { return functions()[s] != nil }), nil
}

type names []string

// Visit implements ast.Visitor.
func (n *names) Visit(node *ast.Node) {
	if id, ok := (*node).(*ast.IdentifierNode); ok {
		*n = append(*n, id.Value)
	}
}
