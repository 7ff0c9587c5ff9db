package law

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"

	"loadlab/loadgen/internal/unit"
)

// quantity is what a law comes to: the distribution of a count.
type quantity struct {
	dist  dist
	value float64 // instead of dist, of a law that is a plain number
	plain bool
	most  bool   // an upper bound
	aged  bool   // given how old the page was that is replaced
	text  string // "1 + λ·D = 1 + 250/s × 45.0 ms = 12.3"
	given string // "replicas = 2", where text has not the values of its variables
}

func (q quantity) mean() float64 {
	if q.plain {
		return q.value
	}
	return q.dist.mean()
}

// variable is what a law may be over; unknown is why it has no value.
type variable struct {
	value   any    // float64, string or crowd
	text    string // for people, of a number: "replicas = 2"
	unknown string
}

// functions are those that laws may call besides expr's own: see api.Law.
func functions() map[string]any {
	return map[string]any{"exp": math.Exp, "log": math.Log, "sqrt": math.Sqrt, "herd": herd, "flights": flights, "xfetch": early, "dropped": droppedEarly}
}

// formula is a law as it is written.
type formula struct {
	source string
	used   []string // the variables it is over, sorted
}

// parse reads a law. A law comes from the app, so it may be anything.
func parse(source string) (formula, error) {
	used, err := variables(source)
	return formula{source: source, used: used}, err
}

func (f formula) over(name string) bool { return slices.Contains(f.used, name) }

// compile compiles the law for variables of these types. The error is the reason why it cannot be evaluated.
func (f formula) compile(vars map[string]variable) (*vm.Program, map[string]any, error) {
	env := functions()
	for _, name := range f.used {
		v, ok := vars[name]
		switch {
		case !ok:
			return nil, nil, fmt.Errorf("the law %q is over an unknown %s", f.source, name)
		case v.unknown != "":
			return nil, nil, fmt.Errorf("%s", v.unknown)
		}
		env[name] = v.value
	}
	program, err := expr.Compile(f.source, expr.Env(env))
	if err != nil {
		return nil, nil, fmt.Errorf("the law %q cannot be read", f.source)
	}
	return program, env, nil
}

// evaluate returns what the law comes to.
func (f formula) evaluate(vars map[string]variable) (quantity, error) {
	program, env, err := f.compile(vars)
	if err != nil {
		return quantity{}, err
	}
	out, err := expr.Run(program, env)
	if q, ok := out.(quantity); ok && err == nil {
		return q, nil
	}
	value, ok := number(out)
	var refused refusal
	switch {
	case errors.As(err, &refused):
		return quantity{}, refused
	case err != nil || !ok:
		return quantity{}, fmt.Errorf("the law %q has no value", f.source)
	}
	q := quantity{value: value, plain: true, text: unit.Amount(value)}
	if value == math.Trunc(value) && math.Abs(value) < 1<<31 {
		q.dist, q.plain = point(int(value)), false
	}
	switch {
	case len(f.used) == 1 && value == vars[f.used[0]].value:
		q.text = vars[f.used[0]].text
	case len(f.used) > 0:
		q.text = f.source + " = " + unit.Amount(value)
		for i, name := range f.used {
			if i > 0 {
				q.given += ", "
			}
			q.given += vars[name].text
		}
	}
	return q, nil
}

// number is a finite number that an expression gave.
func number(out any) (float64, bool) {
	var x float64
	switch v := out.(type) {
	case int:
		x = float64(v)
	case float64:
		x = v
	default:
		return 0, false
	}
	return x, !math.IsNaN(x) && !math.IsInf(x, 0)
}

// variables are the names that an expression is over, sorted.
func variables(law string) ([]string, error) {
	tree, err := parser.Parse(law)
	if err != nil {
		return nil, fmt.Errorf("the law %q cannot be read", law)
	}
	v := names{local: map[string]bool{}}
	ast.Walk(&tree.Node, &v)
	slices.Sort(v.all)
	known := functions()
	return slices.DeleteFunc(slices.Compact(v.all), func(s string) bool { return known[s] != nil || v.local[s] }), nil
}

// names are those in an expression, and those that it declares itself.
type names struct {
	all   []string
	local map[string]bool
}

// Visit implements ast.Visitor.
func (n *names) Visit(node *ast.Node) {
	switch x := (*node).(type) {
	case *ast.IdentifierNode:
		n.all = append(n.all, x.Value)
	case *ast.VariableDeclaratorNode:
		n.local[x.Name] = true
	}
}
