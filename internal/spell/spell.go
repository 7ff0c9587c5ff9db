// Package spell makes the message about an unknown word: which words there are, and which of them was probably meant. It knows nothing
// of where the word was written.
package spell

import (
	"fmt"
	"strings"
)

// Unknown returns the message about a word that is not one of allowed:
//
//	unknown key "rat", did you mean "rate"? (allowed: rate, steps, for)
//
// kind is what the word should have been: key, mode, function, ...
func Unknown(kind, word string, allowed []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "unknown %s %q", kind, word)
	if c := Closest(word, allowed); c != "" {
		fmt.Fprintf(&b, ", did you mean %q?", c)
	}
	if len(allowed) > 0 {
		fmt.Fprintf(&b, " (allowed: %s)", strings.Join(allowed, ", "))
	}
	return b.String()
}

// Closest returns the allowed word that word is most likely a slip of, or "" if none is near: a third of the letters may be wrong, and
// one in any case, but not all of them. Of two that are equally near the first wins.
func Closest(word string, allowed []string) string {
	w := []rune(strings.ToLower(word))
	const longest = 64 // nothing allowed is longer, and the distance takes quadratic time
	if len(w) == 0 || len(w) > longest {
		return ""
	}
	best, least := "", min(max(1, len(w)/3)+1, len(w))
	for _, a := range allowed {
		if d := distance(w, []rune(strings.ToLower(a))); d < least {
			best, least = a, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour to turn a into b (optimal string
// alignment, Damerau 1964).
func distance(a, b []rune) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}
