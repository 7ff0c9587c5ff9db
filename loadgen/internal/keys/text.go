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
	InPath  Where = iota // a path and its query: values are percent-encoded
	InValue              // the value of a header, or a body: values are written as they are
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

// Parse reads a text with variables. known reports whether there is a variable of a name, and why says so if there is none, for messages. A
// text with anything unfit in it is not to be used.
func Parse(s string, where Where, known func(name string) bool, why func(name string) string) (Text, []Unfit) {
	p := parser{text: s, where: where, known: known, why: why}
	p.run()
	return Text{parts: p.parts}, p.unfit
}

// parser reads one text from left to right.
type parser struct {
	text  string
	where Where
	known func(string) bool
	why   func(string) string

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
	case p.where == InValue:
		if closed && IsName(name) && p.known(name) {
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

// dollar refuses ${NAME} at i, as shells and other tools write variables.
func (p *parser) dollar(i int) (n int, part Part) {
	name, _, closed := strings.Cut(p.text[i+2:], "}")
	const runes = nameRunes + "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:"
	if !closed || strings.Trim(name, runes) != "" {
		return 0, Part{}
	}
	written := "${" + name + "}"
	p.fail(i, "%s is not replaced: variables are named by data and written {{name}}; write {{'%[1]s'}} for the text itself", written)
	return len(written), Part{Literal: written}
}

// check refuses a name that is no variable's.
func (p *parser) check(at int, name, written string) {
	if !p.known(name) {
		p.fail(at, "%s: %s; write {{'%[1]s'}} for the text itself", written, p.why(name))
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
