package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/keys"
)

// variable is a variable of a data section, and whether any text has it. One with something else wrong is not reported as unused.
type variable struct {
	Variable
	at   ast.Node
	used bool
}

// variables are those of one data section.
type variables []*variable

// named returns the variable of that name; nil if there is none.
func (vs variables) named(name string) *variable {
	for _, v := range vs {
		if v.Name == name {
			return v
		}
	}
	return nil
}

// data reads a data section: the names of variables, and how the row of each is drawn.
func (r *reader) data(n ast.Node) variables {
	var vs variables
	r.mapping(n, "data", func(name string, at, value ast.Node) {
		errs := len(r.errs)
		if !keys.IsName(name) {
			r.errorf(at, "a variable's name %s, and no number, got %q", nameRule, name)
		}
		v := &variable{Variable: Variable{Name: name, Spec: r.source(value, name)}, at: at}
		v.used = len(r.errs) > errs
		vs = append(vs, v)
	})
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) == 0 {
		r.errorf(n, "data is empty: name a variable, {page: {zipf: 0.9, of: 250}}")
	}
	return vs
}

// goesWith has the keys that a kind of data may have besides its own.
func goesWith() map[keys.Kind][]string {
	return map[keys.Kind][]string{
		keys.Zipf: {"of", "from"}, keys.Uniform: nil, keys.Sequence: nil, keys.List: {"order", "sticky"}, keys.CSV: {"column", "order", "sticky"},
	}
}

// kinds are the kinds of data, as messages list them.
func kinds() []keys.Kind {
	return []keys.Kind{keys.Zipf, keys.Uniform, keys.Sequence, keys.List, keys.CSV}
}

// source reads how the row of a variable is drawn. What a kind wants is known only when all keys have been read.
func (r *reader) source(n ast.Node, name string) keys.Spec {
	spec := keys.Spec{From: 1}
	of, errs := 0, len(r.errs)
	has := r.object(n, "the data "+name,
		key{string(keys.Zipf), func(n ast.Node) { spec.S = r.number(n, "zipf", leastS, keys.MaxS) }},
		key{"of", func(n ast.Node) { of = r.count(n, "of", 1, keys.MaxTable) }},
		key{"from", func(n ast.Node) { spec.From = int64(r.count(n, "from", 0, keys.MaxID-keys.MaxTable)) }},
		key{string(keys.Uniform), func(n ast.Node) { spec.From, spec.To = r.ids(n, "uniform") }},
		key{string(keys.Sequence), func(n ast.Node) { spec.From, spec.To = r.ids(n, "sequence") }},
		key{string(keys.List), func(n ast.Node) { spec.Values = r.values(n) }},
		key{string(keys.CSV), func(n ast.Node) { spec.File = r.text(n, "csv") }},
		key{"column", func(n ast.Node) { spec.Column = r.text(n, "column") }},
		key{"order", func(n ast.Node) { spec.Order = r.order(n) }},
		key{"sticky", func(n ast.Node) { spec.Sticky = r.boolean(n, "sticky") }},
	)
	sound := len(r.errs) == errs
	for _, kind := range kinds() {
		switch at := has[string(kind)]; {
		case at == nil:
		case spec.Kind != "":
			r.errorf(at, "data is drawn in one way: %s and %s are two", spec.Kind, kind)
			return spec
		default:
			spec.Kind = kind
		}
	}
	if _, ok := n.(*ast.MappingNode); !ok || !sound && spec.Kind == "" { // a key may be misspelt
		return spec
	}
	if spec.Kind == "" {
		r.errorf(n, "data %s wants a way to be drawn: zipf, uniform, sequence, list, or csv", name)
		return spec
	}
	for _, extra := range []string{"of", "from", "column", "order", "sticky"} {
		if at := has[extra]; at != nil && !slices.Contains(goesWith()[spec.Kind], extra) {
			r.errorf(at, "%s does not go with %s", extra, spec.Kind)
		}
	}
	r.finish(n, &spec, of, has)
	return spec
}

// leastS is the least exponent of a Zipf distribution: less is uniform to anybody who looks.
const leastS = 0.01

// finish fills in what a kind of data takes from more than one key.
func (r *reader) finish(n ast.Node, spec *keys.Spec, of int, has map[string]ast.Node) {
	switch spec.Kind {
	case keys.Zipf:
		if has["of"] == nil {
			r.errorf(n, "zipf wants a number of ids: of: 250")
		}
		spec.To = spec.From + int64(of) - 1
	case keys.CSV:
		if has["column"] == nil {
			r.errorf(n, "csv wants a column: column: name")
		}
		if spec.File != "" && spec.Column != "" {
			spec.Values = r.column(has["csv"], has["column"], spec.File, spec.Column)
		}
		fallthrough
	case keys.List:
		spec.From = 0
		if has["order"] == nil {
			spec.Order = keys.Sequential
		}
	case keys.Uniform, keys.Sequence:
	}
}

// ids reads "1..5000", or "5000" for the same.
func (r *reader) ids(n ast.Node, what string) (from, to int64) {
	s, _ := text(n)
	low, high, ranged := strings.Cut(s, "..")
	if !ranged {
		low, high = "1", s
	}
	from, err := strconv.ParseInt(low, 10, 64)
	to, err2 := strconv.ParseInt(high, 10, 64)
	switch {
	case err != nil || err2 != nil:
		r.errorf(n, "%s wants ids such as 1..5000, got %s", what, describe(n))
	case from < 0 || to > keys.MaxID:
		r.errorf(n, "%s must be within 0..%d, got %s", what, keys.MaxID, s)
	case from > to:
		r.errorf(n, "%s runs from the lower id to the higher: %d..%d", what, to, from)
	default:
		return from, to
	}
	return 1, 1
}

// values reads the rows of an inline list.
func (r *reader) values(n ast.Node) []string {
	var values []string
	r.list(n, "list", func(n ast.Node) {
		s, ok := text(n)
		if !ok {
			r.errorf(n, "a row of a list wants a text or a number, got %s", describe(n))
		}
		values = append(values, r.fill(n, s, "a row of a list"))
	})
	return values
}

func (r *reader) order(n ast.Node) keys.Order {
	s, _ := text(n)
	switch o := keys.Order(s); o {
	case keys.Sequential, keys.Shuffled, keys.Once:
		return o
	}
	r.errorf(n, "%s", spell.Unknown("order", s, []string{string(keys.Sequential), string(keys.Shuffled), string(keys.Once)}))
	return ""
}

// column reads the values of a column of a CSV file, which stands beside the scenario's own or below it. A file is read once.
func (r *reader) column(n, at ast.Node, file, column string) []string {
	table, read := r.tables[file]
	if !read {
		var err error
		if table, err = r.table(file); err != nil {
			r.errorf(n, "csv %s: %v", file, err)
		}
		if r.tables == nil {
			r.tables = map[string]*keys.Table{}
		}
		r.tables[file] = table
	}
	if table == nil {
		return nil
	}
	values, ok := table.Column(column)
	if !ok {
		r.errorf(at, "%s: %s", file, spell.Unknown("column", column, table.Columns))
	}
	return values
}

// table reads a CSV file.
func (r *reader) table(file string) (*keys.Table, error) {
	data, err := r.fileOf(file, keys.MaxCSV)
	if err != nil {
		return nil, err
	}
	return keys.ReadCSV(data)
}

// fileOf reads a file of at most so many bytes, which stands beside the scenario's own or below it, and adds it to what the scenario's sum is taken of.
func (r *reader) fileOf(file string, most int64) ([]byte, error) {
	if r.files == nil {
		return nil, errors.New("only a scenario in a file has data in files")
	}
	if !fs.ValidPath(file) || file == "." {
		return nil, errors.New("want the path of a file in the scenario's folder or below it, such as data/users.csv")
	}
	// Only then is it opened: to open a pipe is to wait for it.
	info, err := fs.Stat(r.files, file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular() || info.Size() > most:
		return nil, fmt.Errorf("want a file of at most %d bytes", most)
	}
	data, err := fs.ReadFile(r.files, file)
	if err == nil {
		r.sum = append(r.sum, data)
	}
	return data, err
}
