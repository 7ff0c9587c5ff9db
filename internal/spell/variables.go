package spell

import (
	"fmt"
	"slices"
	"strings"
)

// Variables returns a warning for each variable of the environment, NAME=value, that is probably a slip of one that a program reads. Both lists are of names; those of
// others begin alike and are read elsewhere. No warning has a value.
func Variables(environ []string, prefix string, read, others []string) (warnings []string) {
	words := make([]string, 0, len(read))
	for _, name := range read {
		words = append(words, strings.TrimPrefix(name, prefix))
	}
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		word, ok := strings.CutPrefix(name, prefix)
		if !ok || slices.Contains(words, word) || slices.Contains(others, name) {
			continue
		}
		if c := Closest(word, words); c != "" {
			warnings = append(warnings, fmt.Sprintf("the variable %s is not used: did you mean %s%s?", name, prefix, c))
		}
	}
	return warnings
}
