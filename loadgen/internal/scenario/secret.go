package scenario

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"loadlab/loadgen/internal/keys"
)

// leastSecret is the shortest value that Redacted looks for: one that is shorter is in too many texts by chance, and in nobody's way.
const leastSecret = 4

// Redacted returns a text without the scenario's secrets, as they are, quoted, or percent-encoded.
func (s *Scenario) Redacted(text string) string {
	for _, secret := range s.Secrets {
		if len(secret) < leastSecret {
			continue
		}
		forms := []string{secret, strings.Trim(strconv.Quote(secret), `"`), string(keys.Escape(nil, secret)), url.QueryEscape(secret)}
		for _, form := range slices.Compact(forms) {
			text = uncut(strings.ReplaceAll(text, form, hidden), form)
		}
	}
	return text
}

// hidden stands for a secret.
const hidden = "***"

// uncut returns a text without the begin of a secret at the place where a message has cut off what it quotes: "Bearer s3c"...
func uncut(text, secret string) string {
	const cut = `"...`
	for n := len(secret) - 1; n > 0 && strings.Contains(text, cut); n-- {
		text = strings.ReplaceAll(text, secret[:n]+cut, hidden+cut)
	}
	return text
}
