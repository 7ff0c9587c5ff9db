package keys

import (
	"fmt"
	"strings"
)

// Text is a text with variables. The zero value is empty.
//
//	{{name}}    the variable of that name
//	{name}      the same, in a path: a brace has no other meaning there
//	{{'text'}}  that text itself, also if it looks like a variable; or between double quotes
//	${NAME}     the variable of that name of the environment; ${NAME:-text} is the text where it is not set, or empty
type Text struct{ parts []Part }

// Part is a piece of a Text: a variable, or a literal text if Name is empty.
type Part struct{ Name, Literal string }

// Parts are the pieces of the text, in order.
func (t Text) Parts() []Part { return t.parts }

// Varies reports whether the text has variables.
func (t Text) Varies() bool {
	for _, p := range t.parts {
		if p.Name != "" {
			return true
		}
	}
	return false
}

// Plain returns a text without variables as it is written; of one with variables, what is beside them.
func (t Text) Plain() string {
	var s strings.Builder
	for _, p := range t.parts {
		s.WriteString(p.Literal)
	}
	return s.String()
}

// Unlined reports whether s has a character that may not stand in the value of a header.
func Unlined(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f })
}

// Literal returns a text without variables, whatever is in it.
func Literal(s string) Text {
	if s == "" {
		return Text{}
	}
	return Text{parts: []Part{{Literal: s}}}
}

// Where is where a text stands.
type Where uint8

// Places of texts.
const (
	InPath   Where = iota // a path and its query: values are percent-encoded
	InValue               // a body: values are written as they are
	InHeader              // the value of a header: the same, and {name} is no text that anybody would mean
)

// Unfit is something in a text that looks like a variable, and is none.
type Unfit struct {
	Offset int // in bytes
	Msg    string
}

// longestName of a variable.
const longestName = 40

// IsName reports whether s can name a variable: 1 to 40 of a-z, 0-9, _ and -, and no number.
func IsName(s string) bool {
	return s != "" && len(s) <= longestName && strings.Trim(s, nameRunes) == "" && strings.Trim(s, "0123456789") != ""
}

const nameRunes = "abcdefghijklmnopqrstuvwxyz0123456789_-"

// Names are what the variables of a text stand for. The zero value has none.
type Names struct {
	Known func(name string) bool                    // there is data of that name
	Why   func(name string) string                  // says why there is none, for messages
	Env   func(name string) (value string, ok bool) // the environment; ok is false of a variable that is not set
}

// Parse reads a text with variables. A variable of the environment is literal text in the result. A text with anything unfit in it is not to be used.
func Parse(s string, where Where, names Names) (Text, []Unfit) {
	if names.Known == nil {
		names.Known = func(string) bool { return false }
	}
	if names.Env == nil {
		names.Env = func(string) (string, bool) { return "", false }
	}
	p := parser{text: s, where: where, names: names}
	p.run()
	return Text{parts: p.parts}, p.unfit
}

// parser reads one text from left to right.
type parser struct {
	text  string
	where Where
	names Names

	parts []Part
	unfit []Unfit
}

func (p *parser) run() {
	from := 0 // of the literal text that was not added yet
	for i := 0; i < len(p.text); {
		rest := p.text[i:]
		n, part := 0, Part{}
		switch {
		case strings.HasPrefix(rest, "{{"):
			n, part = p.double(i)
		case strings.HasPrefix(rest, "${"):
			n, part = p.dollar(i)
		case rest[0] == '$':
			p.bare(i)
		case rest[0] == '{':
			n, part = p.single(i)
		case rest[0] == '}' && p.where == InPath:
			p.fail(i, "} in a path ends no variable: write %%7D for the character itself")
		}
		if n == 0 {
			i++
			continue
		}
		p.literal(p.text[from:i])
		if part.Name != "" {
			p.parts = append(p.parts, part)
		} else {
			p.literal(part.Literal)
		}
		i += n
		from = i
	}
	p.literal(p.text[from:])
}

// literal adds literal text, as one part with that before it.
func (p *parser) literal(s string) {
	if n := len(p.parts); n > 0 && p.parts[n-1].Name == "" {
		p.parts[n-1].Literal += s
	} else if s != "" {
		p.parts = append(p.parts, Part{Literal: s})
	}
}

func (p *parser) fail(at int, format string, args ...any) {
	p.unfit = append(p.unfit, Unfit{at, fmt.Sprintf(format, args...)})
}

// double reads {{name}} or {{'text'}} at i, and returns its length. What is wrong with it is skipped.
func (p *parser) double(i int) (n int, part Part) {
	inside := p.text[i+2:]
	if quote := inside[:min(1, len(inside))]; quote == "'" || quote == `"` {
		text, _, closed := strings.Cut(inside[1:], quote+"}}")
		if !closed {
			p.fail(i, "{{%s has no end: %[1]s}} ends it", quote)
			return 2, Part{Literal: "{{"}
		}
		n = len("{{'") + len(text) + len("'}}")
		if p.where == InPath {
			text = string(Escape(nil, text))
		}
		return n, Part{Literal: text}
	}
	name, _, closed := strings.Cut(inside, "}}")
	if !closed || !IsName(name) {
		p.fail(i, "%s is no variable: write {{name}}, or {{'{{'}} for the text itself", shown(p.text[i:]))
		return 2, Part{Literal: "{{"}
	}
	p.check(i, name, "{{"+name+"}}")
	return 2 + len(name) + 2, Part{Name: name}
}

// single reads {name} at i. It is a variable in a path only; elsewhere it is text, and refused if it has the name of a variable.
func (p *parser) single(i int) (n int, part Part) {
	name, _, closed := strings.Cut(p.text[i+1:], "}")
	switch {
	case p.where != InPath:
		if closed && IsName(name) && (p.where == InHeader || p.names.Known(name)) {
			p.fail(i, "{%s} is text here, and not the variable: write {{%[1]s}}, or {{'{%[1]s}'}} for the text itself", name)
		}
		return 0, Part{}
	case !closed || !IsName(name):
		p.fail(i, "%s is no variable: write {name}, or %%7B for the character { itself", shown(p.text[i:]))
		return 1, Part{Literal: "{"}
	}
	p.check(i, name, "{"+name+"}")
	return 1 + len(name) + 1, Part{Name: name}
}

// dollar reads ${NAME} or ${NAME:-text} at i, a variable of the environment.
func (p *parser) dollar(i int) (n int, part Part) {
	inside, _, closed := strings.Cut(p.text[i+2:], "}")
	if !closed {
		if shout(inside) != "" {
			p.fail(i, "%s has no end: } ends it", shown(p.text[i:]))
		}
		return 0, Part{}
	}
	written := "${" + inside + "}"
	name, otherwise, defaulted := strings.Cut(inside, ":-")
	if !IsEnvName(name) {
		const runes = nameRunes + "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:"
		if strings.Trim(inside, runes) != "" && shout(inside) == "" {
			return 0, Part{} // it was not meant as a variable
		}
		p.fail(i, "%s is no variable: those of the environment are written ${NAME} or ${NAME:-text}, those of data {{name}}; write {{'%[1]s'}} for the text itself", written)
		return len(written), Part{Literal: written}
	}
	if strings.Contains(otherwise, "${") {
		p.fail(i, "%s: the default of a variable is text, and has no other in it; write {{'%[1]s'}} for the text itself", written)
		return len(written), Part{Literal: written}
	}
	value, set := p.names.Env(name)
	switch {
	case defaulted && value == "":
		value = otherwise
	case !set:
		p.fail(i, "%s: the environment has no %s: set it, or write ${%[2]s:-text} for a default, or {{'%[1]s'}} for the text itself", written, name)
	}
	if p.where == InPath {
		value = string(Escape(nil, value))
	}
	return len(written), Part{Literal: value}
}

// bare refuses $NAME at i, as shells write variables. Names in lower case are let through: $ref and $filter are text of their own.
func (p *parser) bare(i int) {
	if name := shout(p.text[i+1:]); name != "" {
		p.fail(i, "$%s is sent as it stands: a variable of the environment is written ${%[1]s}; write {{'$%[1]s'}} for the text itself", name)
	}
}

// shout is the name in upper case that s begins with, as variables of the environment have them; empty if there is none of two letters or more.
func shout(s string) string {
	if end := strings.IndexFunc(s, func(c rune) bool { return !strings.ContainsRune(envRunes, c) }); end >= 0 {
		if c := s[end]; 'a' <= c && c <= 'z' {
			return ""
		}
		s = s[:end]
	}
	if len(s) > 1 && IsEnvName(s) && strings.Trim(s, "_0123456789") != "" {
		return s
	}
	return ""
}

const envRunes = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"

// IsEnvName reports whether s can name a variable of the environment that a text has: letters, digits and _, not first a digit. Names in lower case are unusual,
// and allowed.
func IsEnvName(s string) bool {
	return s != "" && strings.Trim(s, envRunes+"abcdefghijklmnopqrstuvwxyz") == "" && (s[0] < '0' || s[0] > '9')
}

// check refuses a name that is no variable's.
func (p *parser) check(at int, name, written string) {
	if !p.names.Known(name) {
		p.fail(at, "%s: %s; write {{'%[1]s'}} for the text itself", written, p.names.Why(name))
	}
}

// shown is the begin of what is no variable, for a message.
func shown(s string) string {
	const most = 20
	if end := strings.Index(s, "}"); end >= 0 && end < most {
		s = s[:end+1]
		if strings.HasPrefix(s, "{{") {
			s += "}"
		}
		return s
	}
	end := 0
	for i := range s {
		if i > most {
			return s[:end] + "..."
		}
		end = i
	}
	return s
}

// Escape appends s percent-encoded: as it may stand in a segment of a path and in a component of a query (RFC 3986, section 2.3).
func Escape[T string | []byte](dst []byte, s T) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~':
			dst = append(dst, c)
		default:
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		}
	}
	return dst
}
