package gate

import (
	"slices"
	"strings"
	"unicode"
)

// durations writes the durations in src as products, which is how the parser knows them: (100*ms) for 100ms. at returns where in src a character of the
// result was, both counted in characters.
//
// A duration is a number with a unit right behind it, outside quotes. A unit that there is not is refused as it is in a product; anything else is left for the parser to
// refuse.
func durations(src string) (result string, at func(offset int) int) {
	in := []rune(src)
	var out []rune
	var from []int // of the characters of out
	add := func(i int, text ...rune) {
		for _, r := range text {
			out, from = append(out, r), append(from, i)
		}
	}
	var quote rune
	for i := 0; i < len(in); i++ {
		r := in[i]
		switch {
		case quote != 0:
			add(i, r)
			if r == '\\' && quote != '`' && i+1 < len(in) {
				i++
				add(i, in[i])
			} else if r == quote {
				quote = 0
			}
			continue
		case strings.ContainsRune("\"'`", r):
			quote = r
		case number(r) && (i == 0 || !word(in[i-1])):
			digits := i
			for digits < len(in) && (number(in[digits]) || in[digits] == '.') {
				digits++
			}
			unit := digits
			for unit < len(in) && word(in[unit]) {
				unit++
			}
			if unit > digits && !slices.ContainsFunc(in[digits:unit], func(r rune) bool { return !unicode.IsLetter(r) }) {
				add(i, '(')
				for j := i; j < digits; j++ {
					add(j, in[j])
				}
				add(digits, '*')
				for j := digits; j < unit; j++ {
					add(j, in[j])
				}
				add(unit-1, ')')
			} else {
				for j := i; j < unit; j++ {
					add(j, in[j])
				}
			}
			i = unit - 1
			continue
		}
		add(i, r)
	}
	return string(out), func(offset int) int {
		if offset >= 0 && offset < len(from) {
			return from[offset]
		}
		return len(in)
	}
}

func number(r rune) bool { return r >= '0' && r <= '9' }

// word reports whether a name may have that character.
func word(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
