package scenario

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Value is a value of a scenario that is made without a file: a Text, a Map or a Sequence.
type Value interface {
	node() ast.Node
	plain() any // for a file
}

// Text is a text, a number, a duration or a rate, as a file has it between quotes. It may hold any bytes.
type Text string

// Map is a mapping of keys to values, in order.
type Map []Entry

// Entry is a key of a Map and its value.
type Entry struct {
	Key   string
	Value Value
}

// Sequence is a list of values.
type Sequence []Value

// Null is no value.
type Null struct{}

// New returns the scenario whose file would have these keys. Keys, values, defaults and errors are those of Parse, but nothing has a
// place: the File, the SHA256 and every Line of the scenario are empty, and so are the places of the Errors. A name must be among the keys.
// Requests are sent as they are: nothing in them is a variable.
func New(keys Map) (*Scenario, error) {
	return (&reader{literal: true}).read(keys.node(), &Scenario{})
}

func (t Text) node() ast.Node { return t.scalar() }

func (t Text) scalar() *ast.StringNode { return ast.String(token.String(string(t), string(t), nil)) }

func (m Map) node() ast.Node {
	n := ast.Mapping(token.MappingStart("", nil), true)
	for _, e := range m {
		n.Values = append(n.Values, ast.MappingValue(token.MappingValue(nil), Text(e.Key).scalar(), e.Value.node()))
	}
	return n
}

func (l Sequence) node() ast.Node {
	n := ast.Sequence(token.SequenceStart("", nil), true)
	for _, v := range l {
		n.Values = append(n.Values, v.node())
	}
	return n
}

func (Null) node() ast.Node { return ast.Null(token.New("null", "null", nil)) }
