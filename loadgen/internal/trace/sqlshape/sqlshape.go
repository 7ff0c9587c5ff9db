// Package sqlshape finds which SQL queries are the same but for their values. It knows how literals, quotes and comments are written
// and nothing of grammar, so that it takes any dialect, and queries that were cut off, without an error.
package sqlshape

import (
	"slices"
	"strings"
)

// Shape is what queries that differ in their values only have in common.
type Shape struct {
	// Text is the query with every value as ?, lists of values as (?), without comments, on one line.
	Text  string
	Verb  string   // SELECT, INSERT, ... in capitals; empty if the query does not begin with a word
	Table string   // the first that is read or written, without its schema; empty if that is not a plain name
	By    []string // columns that are compared with a value in the first WHERE, without their table; at most maxBy
}

const maxBy = 4

// Of returns the shape of a query.
func Of(query string) Shape {
	tokens := collapse(trim(scan(query)))
	return Shape{Text: join(tokens), Verb: verb(tokens), Table: table(tokens), By: by(tokens)}
}

// Normalize returns Of(query).Text. It is the same for its own result.
func Normalize(query string) string { return join(collapse(trim(scan(query)))) }

// trim drops the semicolons at the end.
func trim(tokens []token) []token {
	for len(tokens) > 0 && tokens[len(tokens)-1].is(";") {
		tokens = tokens[:len(tokens)-1]
	}
	return tokens
}

// collapse makes one value of each list of values: two queries with lists of different lengths have one shape.
func collapse(tokens []token) []token {
	out := tokens[:0]
	for i := 0; i < len(tokens); {
		out = append(out, tokens[i])
		values := tokens[i].word("VALUES")
		i++
		if !values && !out[len(out)-1].word("IN") && !out[len(out)-1].word("ARRAY") || i == len(tokens) {
			continue
		}
		end, ok := list(tokens[i:])
		if !ok {
			continue
		}
		open, last := tokens[i], tokens[i+end-1]
		i += end
		for values && i+1 < len(tokens) && tokens[i].is(",") {
			more, ok := list(tokens[i+1:])
			if !ok {
				break
			}
			last = tokens[i+more]
			i += 1 + more
		}
		out = append(out, open, token{kind: value, text: "?"})
		if last.is(")") || last.is("]") { // not if the query was cut off within the list
			last.space = false
			out = append(out, last)
		}
	}
	return out
}

// list returns how many tokens the bracketed list of values at the head of tokens has. A list that is cut off ends with the tokens.
func list(tokens []token) (n int, ok bool) {
	depth, found := 0, false
	for i, t := range tokens {
		switch {
		case t.is("("), t.is("["):
			depth++
		case i == 0:
			return 0, false
		case t.is(")"), t.is("]"):
			depth--
		case t.kind == value:
			found = true
		case !t.is(",") && !t.word("DEFAULT"):
			return 0, false
		}
		if depth == 0 {
			return i + 1, found
		}
	}
	return len(tokens), found
}

// join writes tokens down, quotes only where they keep a name apart from what is before and behind it.
func join(tokens []token) string {
	var b []byte
	for i, t := range tokens {
		if i > 0 && t.space {
			b = append(b, ' ')
		}
		quote := t.quote
		behind := i+1 < len(tokens) && !tokens[i+1].space && tokens[i+1].quote == "" && inWord(tokens[i+1].text[0])
		before := len(b) > 0 && (inWord(b[len(b)-1]) || strings.IndexByte(":@$", b[len(b)-1]) >= 0)
		if !before && !behind {
			quote = ""
		}
		b = append(append(append(b, quote...), t.text...), quote...)
	}
	return string(b)
}

func verb(tokens []token) string {
	if len(tokens) == 0 || tokens[0].kind != word {
		return ""
	}
	return strings.ToUpper(tokens[0].text)
}

// table is the name after the first FROM, INTO or UPDATE.
func table(tokens []token) string {
	for i, t := range tokens {
		if t.word("FROM") || t.word("INTO") || t.word("UPDATE") {
			name, _ := qualified(tokens[i+1:])
			return name
		}
	}
	return ""
}

// qualified returns the last part of the dotted name at the head of tokens, and how many tokens it has.
func qualified(tokens []token) (last string, n int) {
	for n < len(tokens) && tokens[n].kind == word {
		last = strings.Trim(tokens[n].text, "\"`")
		n++
		if n+1 >= len(tokens) || !tokens[n].is(".") || tokens[n+1].kind != word {
			break
		}
		n++
	}
	return last, n
}

// by returns the columns that are compared with a value in the first WHERE.
func by(tokens []token) []string {
	where := slices.IndexFunc(tokens, func(t token) bool { return t.word("WHERE") })
	if where < 0 {
		return nil
	}
	var columns []string
	for rest := tokens[where+1:]; len(rest) > 0 && len(columns) < maxBy; {
		if slices.ContainsFunc([]string{"GROUP", "ORDER", "LIMIT", "RETURNING", "UNION", "HAVING", "OFFSET", "WHERE"}, rest[0].word) {
			break
		}
		name, n := qualified(rest)
		if n > 0 && compared(rest[n:]) && !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
		rest = rest[max(n, 1):]
	}
	return columns
}

// compared reports whether tokens begin with a comparison with a value.
func compared(tokens []token) bool {
	tokens = tokens[:min(len(tokens), 8)] // NOT IN ((ARRAY[ ?
	i := 0
	for i < len(tokens) && (strings.Contains("=<>!~", tokens[i].text) || isOperator(tokens[i])) {
		i++
	}
	operators := i
	for i < len(tokens) && (tokens[i].is("(") || tokens[i].is("[") || tokens[i].word("ARRAY")) {
		i++
	}
	return operators > 0 && i < len(tokens) && tokens[i].kind == value
}

func isOperator(t token) bool {
	return slices.ContainsFunc([]string{"NOT", "IN", "LIKE", "ILIKE", "BETWEEN", "ANY"}, t.word)
}
