package scenario

import (
	"encoding/json"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// statuses reads a status, a class of them such as 2xx, or a list of those.
func (r *reader) statuses(n ast.Node) (list []int) {
	const least, most, class = 200, 599, 100
	one := func(n ast.Node) {
		if s, _ := text(n); len(s) == len("2xx") && s[1:] == "xx" && s >= "2xx" && s <= "5xx" {
			for status := int(s[0]-'0') * class; status < int(s[0]-'0'+1)*class; status++ {
				list = append(list, status)
			}
			return
		}
		status := r.count(n, "expect", least, most)
		if status != 0 && slices.Contains(list, status) {
			r.errorf(n, "expect says %d twice", status)
		}
		list = append(list, status)
	}
	if _, ok := n.(*ast.SequenceNode); ok {
		r.list(n, "expect", one)
	} else {
		one(n)
	}
	return list
}

// check reads what a response must be.
func (r *reader) check(n ast.Node) Check {
	var c Check
	exact := -1
	has := r.object(n, "check",
		key{"min_bytes", func(n ast.Node) { c.MinBytes = r.count(n, "min_bytes", 1, maxRequests) }},
		key{"max_bytes", func(n ast.Node) { c.MaxBytes = r.count(n, "max_bytes", 1, maxRequests) }},
		key{"bytes", func(n ast.Node) { exact = r.count(n, "bytes", 0, maxRequests) }},
		key{"text", func(n ast.Node) { c.Text = r.parts(n, "text") }},
		key{"without", func(n ast.Node) { c.Without = r.parts(n, "without") }},
		key{"header", func(n ast.Node) { c.Header = r.headerChecks(n) }},
		key{"json", func(n ast.Node) {
			r.mapping(n, "json", func(path string, at, value ast.Node) {
				if slices.Contains(strings.Split(path, "."), "") {
					r.errorf(at, "%s", notAPath(path))
					return
				}
				c.JSON = append(c.JSON, Field{path, r.scalar(value, path)})
			})
		}},
	)
	switch {
	case exact >= 0 && c.MinBytes+c.MaxBytes > 0:
		r.errorf(has["bytes"], "bytes is the length itself: min_bytes and max_bytes do not go with it")
	case exact >= 0:
		c.MinBytes, c.MaxBytes, c.Empty = exact, exact, exact == 0
	case c.MaxBytes > 0 && c.MinBytes > c.MaxBytes:
		r.errorf(has["max_bytes"], "max_bytes is below min_bytes")
	}
	return c
}

// parts reads a text, or a list of them.
func (r *reader) parts(n ast.Node, what string) (list []string) {
	one := func(n ast.Node) { list = append(list, r.filledText(n, what)) }
	if _, ok := n.(*ast.SequenceNode); ok {
		r.list(n, what, one)
	} else {
		one(n)
	}
	return list
}

// headerChecks reads headers that a response must have, with their values; null is any.
func (r *reader) headerChecks(n ast.Node) (list []HeaderCheck) {
	r.mapping(n, "header", func(name string, at, value ast.Node) {
		h := HeaderCheck{Name: name, Value: "*"}
		if _, null := value.(*ast.NullNode); !null {
			h.Value = r.filled(value, "header "+name)
		}
		if !isToken(name) {
			r.errorf(at, "%q is not the name of a header", name)
		}
		list = append(list, h)
	})
	if len(list) > maxHeaderChecks {
		r.errorf(n, "header has at most %d headers", maxHeaderChecks)
	}
	return list
}

// scalar reads a value as encoding/json would.
func (r *reader) scalar(n ast.Node, what string) any {
	switch x := n.(type) {
	case *ast.NullNode:
		return nil
	case *ast.BoolNode:
		return x.Value
	case *ast.IntegerNode:
		if v, ok := new(big.Int).SetString(n.GetToken().Value, 10); ok { // exact: an id may have more digits than a float64 holds
			return json.Number(v.String())
		}
		r.errorf(n, "%s wants a number as JSON has them, got %s", what, describe(n))
		return nil
	case *ast.FloatNode:
		v, err := strconv.ParseFloat(n.GetToken().Value, 64)
		if err != nil {
			r.errorf(n, "%s wants a number as JSON has them, got %s", what, describe(n))
		}
		return v
	}
	s, ok := text(n)
	if !ok {
		r.errorf(n, "%s wants a text, a number, true, false or null, got %s", what, describe(n))
	}
	return s
}
