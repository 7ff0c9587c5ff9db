package spell_test

import (
	"slices"
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

func TestVariables(t *testing.T) {
	environ := []string{"LAB_TTL=1s", "LAB_REDISURL=redis://:s3cret@x", "LAB_REDIS_PORT=1", "LAB_UNKNOWN=x", "TTTL=1s", "PATH=/bin"}
	got := spell.Variables(environ, "LAB_", []string{"LAB_TTL", "LAB_REDIS_URL"}, []string{"LAB_REDIS_PORT"})
	if want := []string{"the variable LAB_REDISURL is not used: did you mean LAB_REDIS_URL?"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
