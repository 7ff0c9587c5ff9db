package api_test

import (
	"math"
	"testing"
	"time"

	"loadlab/app/api"
)

func TestAge(t *testing.T) {
	for _, tc := range []struct {
		value string
		want  time.Duration
		ok    bool
	}{
		{"0", 0, true},
		{"19", 19 * time.Second, true},
		{"2147483647", math.MaxInt32 * time.Second, true},
		{"2147483648", 0, false},
		{"99999999999999999999", 0, false},
		{"-1", 0, false},
		{"1.5", 0, false},
		{"", 0, false},
	} {
		got, ok := api.ParseAge([]byte(tc.value))
		if ok != tc.ok || ok && got != tc.want {
			t.Errorf("%q: got %s, %t, want %s, %t", tc.value, got, ok, tc.want, tc.ok)
		}
		if ok && api.FormatAge(got+time.Second-1) != tc.value {
			t.Errorf("%s is written as %q, want %q", got+time.Second-1, api.FormatAge(got+time.Second-1), tc.value)
		}
	}
}

func TestVersion(t *testing.T) {
	for _, want := range []int64{0, 4711, 999_999_999_999_999_999} {
		value := api.FormatVersion(want)
		if got, ok := api.ParseVersion([]byte(value)); got != want || !ok {
			t.Errorf("%d is written as %q and read as %d, %t", want, value, got, ok)
		}
	}
	if got, ok := api.ParseVersion([]byte("x")); ok {
		t.Errorf("x: got %d, want none", got)
	}
}
