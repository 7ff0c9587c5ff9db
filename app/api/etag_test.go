package api_test

import (
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestMatches(t *testing.T) {
	const tag, text = 0xabc, `"0000000000000abc"`
	if got := api.FormatETag(tag); got != text || !api.IsETag([]byte(got)) {
		t.Fatalf("got %s, want %s", got, text)
	}
	for _, tc := range []struct {
		lines []string
		want  bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{text}, true},
		{[]string{" \t" + text + " "}, true},
		{[]string{"W/" + text}, true}, // the comparison is a weak one
		{[]string{"w/" + text}, false},
		{[]string{`"x", "0000000000000ABC"`}, false},
		{[]string{`"x", W/"y,\", ` + text}, true}, // a tag may have a comma, and knows no escapes
		{[]string{`"x",,, ` + text + `,`}, true},
		{[]string{`"x"`, `"y", ` + text}, true}, // two lines are one list
		{[]string{`"x" ` + text}, false},
		{[]string{text + `x`}, false},
		{[]string{text + `; q=1`}, false},
		{[]string{text + `, junk`}, true},
		{[]string{`junk, ` + text}, false},
		{[]string{`"unterminated` + text}, false},
		{[]string{strings.Trim(text, `"`)}, false},
		{[]string{"*"}, true},
		{[]string{" * "}, true},
		{[]string{`*, "x"`}, false},
		{[]string{`"*"`}, false},
		{[]string{"**"}, false},
	} {
		if got := api.Matches(tc.lines, tag); got != tc.want {
			t.Errorf("%q: got %t, want %t", tc.lines, got, tc.want)
		}
	}
}

func TestIsETag(t *testing.T) {
	for value, want := range map[string]bool{
		`""`: true, `"x"`: true, `W/""`: true, `W/"x"`: true, `"é"`: true, `"a,b\"`: true,
		"": false, `x`: false, `"x`: false, `x"`: false, `W/x`: false, `w/"x"`: false, `"x"y`: false, `"a b"`: false, "\"\x7f\"": false, "\"\r\n\"": false, `W/`: false,
	} {
		if got := api.IsETag([]byte(value)); got != want {
			t.Errorf("%q: got %t, want %t", value, got, want)
		}
	}
}

func TestCacheControl(t *testing.T) {
	for _, tc := range []struct {
		control api.CacheControl
		want    string
	}{
		{api.CacheControl{}, "public, max-age=0, stale-while-revalidate=0, stale-if-error=0"},
		{api.CacheControl{MaxAge: 999 * time.Millisecond, Grace: 1999 * time.Millisecond}, "public, max-age=0, stale-while-revalidate=1, stale-if-error=1"},
		{api.CacheControl{MaxAge: time.Minute, Grace: 10 * time.Second}, "public, max-age=60, stale-while-revalidate=10, stale-if-error=10"},
		{api.CacheControl{MaxAge: -time.Minute, Grace: -1}, "public, max-age=0, stale-while-revalidate=0, stale-if-error=0"},
	} {
		if got := tc.control.String(); got != tc.want {
			t.Errorf("%+v: got %q, want %q", tc.control, got, tc.want)
		}
	}
}

// FuzzMatches: what is written is matched wherever it stands in a list, and nothing is that has not its text.
func FuzzMatches(f *testing.F) {
	f.Add(`"x", W/"y"`, uint64(1))
	f.Add(`*`, uint64(2))
	f.Add(`"0000000000000003"`, uint64(3))
	f.Add(`W/", "`, uint64(4))
	f.Fuzz(func(t *testing.T, value string, tag uint64) {
		text := api.FormatETag(tag)
		got := api.Matches([]string{value}, tag)
		if got && !strings.Contains(value, text) && strings.Trim(value, " \t") != "*" {
			t.Errorf("%q matches %s", value, text)
		}
		if !api.Matches([]string{text + ", " + value}, tag) || !api.Matches([]string{value, text}, tag) {
			t.Errorf("%s is not found beside %q", text, value)
		}
		if api.IsETag([]byte(value)) && api.Matches([]string{value}, tag) != (strings.TrimPrefix(value, "W/") == text) {
			t.Errorf("%q is one tag, and matches %s: %t", value, text, got)
		}
	})
}
