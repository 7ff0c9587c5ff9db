package sqlshape

import "strings"

type kind uint8

const (
	punct kind = iota // one byte of anything else; "::" and "@@" are two
	word              // a keyword or a name; one that needs its quotes has them
	value             // ?
)

// token is a piece of a query.
type token struct {
	kind  kind
	space bool // there was white space or a comment before it
	text  string
	quote string // around text, which does not need it
}

func (t token) is(p string) bool { return t.kind == punct && t.text == p }

// word reports whether t is the word w, given in capitals.
func (t token) word(w string) bool { return t.kind == word && strings.EqualFold(t.text, w) }

// scanner cuts a query into tokens.
type scanner struct {
	q      string
	at     int
	tokens []token
}

func scan(query string) []token {
	s := scanner{q: query}
	for {
		space := s.blank()
		if s.at == len(s.q) {
			return s.tokens
		}
		t := s.next()
		t.space = space
		s.tokens = append(s.tokens, t)
	}
}

// rest is what has not been read.
func (s *scanner) rest() string { return s.q[s.at:] }

// peek returns the byte n ahead, or 0.
func (s *scanner) peek(n int) byte {
	if s.at+n >= len(s.q) {
		return 0
	}
	return s.q[s.at+n]
}

// before is the token read last.
func (s *scanner) before() token {
	if len(s.tokens) == 0 {
		return token{}
	}
	return s.tokens[len(s.tokens)-1]
}

// blank skips white space and comments.
func (s *scanner) blank() bool {
	start := s.at
	for s.at < len(s.q) {
		switch rest := s.rest(); {
		case strings.IndexByte(" \t\r\n\f\v", rest[0]) >= 0:
			s.at++
		case strings.HasPrefix(rest, "--"):
			s.to(strings.IndexByte(rest, '\n'), 1)
		case strings.HasPrefix(rest, "/*"):
			s.comment()
		default:
			return s.at > start
		}
	}
	return s.at > start
}

// to moves behind what is n bytes ahead and size bytes long; to the end of the query if n is negative.
func (s *scanner) to(n, size int) {
	if n < 0 {
		s.at = len(s.q)
		return
	}
	s.at += n + size
}

// comment skips a comment, in which there may be others, as in PostgreSQL.
func (s *scanner) comment() {
	depth := 0
	for s.at < len(s.q) {
		switch rest := s.rest(); {
		case strings.HasPrefix(rest, "/*"):
			depth++
			s.at += 2
		case strings.HasPrefix(rest, "*/"):
			depth--
			s.at += 2
		default:
			s.at++
		}
		if depth == 0 {
			return
		}
	}
}

// next reads a token. There is one.
func (s *scanner) next() token {
	switch c := s.q[s.at]; {
	case c == '\'':
		s.text('\'', false)
		return token{kind: value, text: "?"}
	case c == '"', c == '`':
		return s.quoted(c)
	case letter(c):
		return s.name()
	case s.number(), s.placeholder():
		return token{kind: value, text: "?"}
	case strings.HasPrefix(s.rest(), "::"), strings.HasPrefix(s.rest(), "@@"):
		s.at += 2
		return token{text: s.q[s.at-2 : s.at]}
	}
	s.at++
	return token{text: s.q[s.at-1 : s.at]}
}

// text skips a quoted text. Its quote is doubled within it, or escaped by a backslash in PostgreSQL's E'...'.
func (s *scanner) text(quote byte, backslash bool) {
	for s.at++; s.at < len(s.q); s.at++ {
		switch {
		case backslash && s.q[s.at] == '\\':
			s.at++
		case s.q[s.at] == quote && s.peek(1) == quote:
			s.at++
		case s.q[s.at] == quote:
			s.at++
			return
		}
	}
	s.at = len(s.q)
}

// quoted reads a quoted name.
func (s *scanner) quoted(quote byte) token {
	start := s.at
	s.text(quote, false)
	t := token{kind: word, text: s.q[start:s.at]}
	if n := len(t.text) - 1; n > 1 && t.text[n] == quote && plain(t.text[1:n]) {
		t.text, t.quote = t.text[1:n], t.text[:1]
	}
	return t
}

// plain reports whether a name needs no quotes.
func plain(name string) bool {
	for i := range len(name) {
		if !inWord(name[i]) {
			return false
		}
	}
	return letter(name[0]) && !constant(name)
}

// constant reports whether a word is a value.
func constant(w string) bool {
	return strings.EqualFold(w, "TRUE") || strings.EqualFold(w, "FALSE") || strings.EqualFold(w, "NULL")
}

// name reads a word, or the value that it is or begins.
func (s *scanner) name() token {
	start := s.at
	for s.at < len(s.q) && inWord(s.q[s.at]) {
		s.at++
	}
	w := s.q[start:s.at]
	switch strings.ToUpper(w) {
	case "E", "X", "B", "N":
		if s.peek(0) == '\'' {
			s.text('\'', w == "E" || w == "e")
			return token{kind: value, text: "?"}
		}
	case "U":
		if s.peek(0) == '&' && s.peek(1) == '\'' {
			s.at++
			s.text('\'', false)
			return token{kind: value, text: "?"}
		}
	case "TRUE", "FALSE", "NULL":
		if before := s.before(); !before.word("IS") && !before.word("NOT") {
			return token{kind: value, text: "?"}
		}
	}
	return token{kind: word, text: w}
}

// number skips a number, with its sign unless that may be an operator.
func (s *scanner) number() bool {
	n := 0
	before := s.before()
	operand := before.kind != punct || before.is(")") || before.is("]")
	if c := s.peek(0); (c == '-' || c == '+') && (!operand || len(s.tokens) == 0) {
		n++
	}
	switch c := s.peek(n); {
	case digit(c):
	case c == '.' && digit(s.peek(n+1)) && before.kind != word:
	default:
		return false
	}
	if s.peek(n) == '0' && strings.IndexByte("xXbBoO", s.peek(n+1)) >= 0 && hexDigit(s.peek(n+2)) {
		for n += 2; hexDigit(s.peek(n)) || s.peek(n) == '_'; n++ {
		}
		s.at += n
		return true
	}
	for ; digit(s.peek(n)) || s.peek(n) == '_'; n++ {
	}
	if s.peek(n) == '.' {
		for n++; digit(s.peek(n)) || s.peek(n) == '_'; n++ {
		}
	}
	if c := s.peek(n); c == 'e' || c == 'E' {
		m := n + 1
		if s.peek(m) == '-' || s.peek(m) == '+' {
			m++
		}
		for ; digit(s.peek(m)); m++ {
			n = m + 1
		}
	}
	s.at += n
	return true
}

// placeholder skips ?, $1, :name, @name, or a text in dollar quotes.
func (s *scanner) placeholder() bool {
	switch c := s.peek(0); {
	case c == '?':
		s.at++
		return true
	case (c == ':' || c == '@') && letter(s.peek(1)):
		for s.at++; inWord(s.peek(0)); s.at++ {
		}
		return true
	case c == '$' && digit(s.peek(1)):
		for s.at++; digit(s.peek(0)); s.at++ {
		}
		return true
	case c == '$':
		n := 1
		for ; inWord(s.peek(n)) && s.peek(n) != '$'; n++ {
		}
		if s.peek(n) != '$' {
			return false
		}
		tag := s.q[s.at : s.at+n+1]
		s.at += len(tag)
		s.to(strings.Index(s.rest(), tag), len(tag))
		return true
	}
	return false
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func hexDigit(c byte) bool { return digit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' || c >= 0x80 }

func inWord(c byte) bool { return letter(c) || digit(c) || c == '$' }
