package scenario

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/internal/spell"
	"loadlab/loadgen/internal/keys"
)

// Env is the environment that a scenario is read in. ok is false of a variable that is not set.
type Env func(name string) (value string, ok bool)

// reader turns the nodes of a scenario into values, and collects what is wrong with them. A value that is wrong is returned as zero; what
// depends on it must not be reported again.
type reader struct {
	file    string
	files   fs.FS    // the scenario's folder; nil if it is in none
	literal bool     // texts are sent as they are: they have no variables
	env     Env      // nil has nothing set
	secrets []string // the values of its variables that the file has
	sum     [][]byte // what the scenario's sum is taken of: its file, and the files of its data
	errs    Errors

	drafts []draft // by mode
	tables map[string]*keys.Table
}

func (r *reader) errorf(n ast.Node, format string, args ...any) {
	line, col := position(n)
	r.errs = append(r.errs, Error{r.file, line, col, fmt.Sprintf(format, args...)})
}

// sorted returns the errors in the order of the file, each once; nil if there are none.
func (r *reader) sorted() error {
	if len(r.errs) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errs, func(a, b Error) int { return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col)) })
	return slices.Compact(r.errs)
}

// position is the place for a message: of a block mapping its first key, not its colon. It is zero for a node that is in no file.
func position(n ast.Node) (line, col int) {
	switch x := n.(type) {
	case *ast.MappingNode:
		if !x.IsFlowStyle && len(x.Values) > 0 {
			return position(x.Values[0].Key)
		}
	case *ast.MappingValueNode:
		return position(x.Key)
	}
	p := n.GetToken().Position
	if p == nil {
		return 0, 0
	}
	return max(p.Line, 1), max(p.Column, 1)
}

// key is a key that a mapping may have, and what reads its value.
type key struct {
	name string
	read func(ast.Node)
}

// object reads a mapping that may have those keys, and returns the nodes of the keys that it has.
func (r *reader) object(n ast.Node, what string, keys ...key) map[string]ast.Node {
	var allowed []string
	for _, k := range keys {
		allowed = append(allowed, k.name)
	}
	has := map[string]ast.Node{}
	r.mapping(n, what, func(name string, at, value ast.Node) {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name })
		if i < 0 {
			r.errorf(at, "%s", spell.Unknown("key", name, allowed))
			return
		}
		has[name] = at
		keys[i].read(value)
	})
	return has
}

// mapping calls each for every key of a mapping, in the order of the file. A key that comes twice is an error.
func (r *reader) mapping(n ast.Node, what string, each func(name string, at, value ast.Node)) {
	m, ok := n.(*ast.MappingNode)
	if !ok {
		r.errorf(n, "%s wants a mapping of keys to values, got %s", what, describe(n))
		return
	}
	seen := map[string]int{}
	for _, v := range m.Values {
		name, ok := text(v.Key)
		if !ok {
			r.errorf(v.Key, "a key of %s must be a plain word, got %s", what, describe(v.Key))
			continue
		}
		line, _ := position(v.Key)
		if first, twice := seen[name]; twice {
			r.errorf(v.Key, "key %q is said twice%s", name, place(", first in line %d", first))
			continue
		}
		seen[name] = line
		each(name, v.Key, v.Value)
	}
}

// list calls each for every element of a list, which must not be empty.
func (r *reader) list(n ast.Node, what string, each func(ast.Node)) {
	l, ok := n.(*ast.SequenceNode)
	switch {
	case !ok:
		r.errorf(n, "%s wants a list, got %s", what, describe(n))
	case len(l.Values) == 0:
		r.errorf(n, "%s is an empty list", what)
	default:
		for _, v := range l.Values {
			each(v)
		}
	}
}

// text returns the text of a scalar, as it was written, whatever type YAML makes of it.
func text(n ast.Node) (string, bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// describe names what a node is, for a message about what it should have been.
func describe(n ast.Node) string {
	switch n.(type) {
	case nil, *ast.NullNode:
		return "nothing"
	case *ast.MappingNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode:
		return "an anchor or an alias, which scenarios do not have"
	case *ast.TagNode:
		return "a tag, which scenarios do not have"
	}
	if s, ok := text(n); ok {
		return strconv.Quote(s)
	}
	return "a " + strings.ToLower(n.Type().YAMLName())
}

func (r *reader) text(n ast.Node, what string) string {
	s, ok := text(n)
	if !ok || strings.TrimSpace(s) == "" {
		r.errorf(n, "%s wants a text, got %s", what, describe(n))
		return ""
	}
	return s
}

// line reads a text of one line.
func (r *reader) line(n ast.Node, what string) string {
	s := strings.TrimSpace(r.text(n, what))
	if strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		r.errorf(n, "%s must be one line without control characters", what)
		return ""
	}
	return s
}

// name reads a name of letters, digits, _ and -.
func (r *reader) name(n ast.Node, what string) string {
	s, ok := text(n)
	if !ok {
		r.errorf(n, "%s wants a name, got %s", what, describe(n))
		return ""
	}
	if !isName(s) {
		r.errorf(n, "%s %s, got %q", what, nameRule, s)
		return ""
	}
	return s
}

// nameRule is the condition of isName, as a part of a message.
const nameRule = "must be 1 to 40 of a-z, 0-9, _ and -"

func isName(s string) bool {
	const longest = 40
	return s != "" && len(s) <= longest && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// count reads a whole number from least to most.
func (r *reader) count(n ast.Node, what string, least, most int) int {
	s, _ := text(n)
	v, err := strconv.Atoi(s)
	switch {
	case err != nil:
		r.errorf(n, "%s wants a whole number, got %s", what, describe(n))
		return 0
	case v < least || v > most:
		r.errorf(n, "%s must be from %d to %d, got %d", what, least, most, v)
		return 0
	}
	return v
}

// number reads a number from least to most.
func (r *reader) number(n ast.Node, what string, least, most float64) float64 {
	s, _ := text(n)
	v, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || math.IsNaN(v):
		r.errorf(n, "%s wants a number, got %s", what, describe(n))
		return 0
	case v < least || v > most:
		r.errorf(n, "%s must be from %v to %v, got %v", what, least, most, v)
		return 0
	}
	return v
}

func (r *reader) boolean(n ast.Node, what string) bool {
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	if s, _ := text(n); r.literal && (s == "true" || s == "false") { // New has texts alone
		return s == "true"
	}
	r.errorf(n, "%s wants true or false, got %s", what, describe(n))
	return false
}

// duration reads a duration from least to the longest there is.
func (r *reader) duration(n ast.Node, what string, least time.Duration) time.Duration {
	return r.durationUpTo(n, what, least, longest)
}

// durationUpTo reads a duration from least to most.
func (r *reader) durationUpTo(n ast.Node, what string, least, most time.Duration) time.Duration {
	s, ok := text(n)
	if !ok {
		r.errorf(n, "%s wants a duration such as 6s or 500ms, got %s", what, describe(n))
		return 0
	}
	return r.parseDuration(n, s, what, least, most)
}

func (r *reader) parseDuration(n ast.Node, s, what string, least, most time.Duration) time.Duration {
	d, err := time.ParseDuration(s)
	if _, bare := strconv.ParseFloat(s, 64); bare == nil && s != "0" {
		r.errorf(n, "%s needs a unit: %ss or %sms", what, s, s)
		return 0
	}
	switch {
	case err != nil:
		r.errorf(n, "%s wants a duration such as 6s, 500ms or 1m30s, got %q (allowed units: us, ms, s, m, h)", what, s)
		return 0
	case d < least || d > most:
		r.errorf(n, "%s must be from %s to %s, got %s", what, length(least), length(most), s)
		return 0
	}
	return d
}
