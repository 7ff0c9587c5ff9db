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
			text = strings.ReplaceAll(text, form, "***")
		}
	}
	return text
}
