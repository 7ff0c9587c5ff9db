package spell_test

import (
	"strings"
	"testing"

	"loadlab/internal/spell"
)

func TestClosest(t *testing.T) {
	keys := []string{"rate", "requests", "users", "singleflight", "for", "ttl", "trace"}
	tests := []struct{ word, want string }{
		{"rat", "rate"},
		{"Rate", "rate"},
		{"reqests", "requests"},
		{"reqeusts", "requests"}, // two neighbours swapped are one slip
		{"singelfligth", "singleflight"},
		{"ofr", "for"},
		{"tttl", "ttl"},
		{"tra", ""}, // two letters short of trace, and as far from the rest
		{"durations", ""},
		{"x", ""}, // nothing of it would be left
		{"", ""},
		{strings.Repeat("rate", 1000), ""},
	}
	for _, tt := range tests {
		if got := spell.Closest(tt.word, keys); got != tt.want {
			t.Errorf("Closest(%q) = %q, want %q", tt.word, got, tt.want)
		}
	}
}

func TestUnknown(t *testing.T) {
	tests := []struct {
		word    string
		allowed []string
		want    string
	}{
		{"rat", []string{"rate", "for"}, `unknown key "rat", did you mean "rate"? (allowed: rate, for)`},
		{"colour", []string{"rate", "for"}, `unknown key "colour" (allowed: rate, for)`},
		{"x", nil, `unknown key "x"`},
	}
	for _, tt := range tests {
		if got := spell.Unknown("key", tt.word, tt.allowed); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
}
