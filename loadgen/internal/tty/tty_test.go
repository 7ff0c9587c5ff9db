package tty_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/tty"
)

func TestWrap(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want []string
	}{
		{"", 10, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 80, []string{"one two three"}},
		{"a abcdefghij b", 4, []string{"a", "abcd", "efgh", "ij b"}},
		{"µµµµ µµ", 4, []string{"µµµµ", "µµ"}},
		{"世界世界", 4, []string{"世界", "世界"}},
	} {
		if got := tty.Wrap(tt.s, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("%q at %d: got %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestHang(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want []string
	}{
		{"", 10, []string{""}},
		{"one two three four", 7, []string{"one two", "  three", "  four"}},
		{"abcdefgh i jk", 5, []string{"abcde", "  fgh", "  i", "  jk"}},
		{"a 世界世界", 5, []string{"a", "  世", "  界", "  世", "  界"}},
	} {
		if got := tty.Hang(tt.s, tt.n, "  "); !slices.Equal(got, tt.want) {
			t.Errorf("%q at %d: got %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

func TestSnip(t *testing.T) {
	for n, want := range []string{"", "…", "µ…", "µs…", "µs 1"} {
		if got := tty.Snip("µs 1", n); got != want {
			t.Errorf("at %d: got %q, want %q", n, got, want)
		}
	}
}

func FuzzWrap(f *testing.F) {
	f.Add("one two three", 7)
	f.Add("世界世界 e\u0301e\u0301", 1)
	f.Fuzz(func(t *testing.T, s string, n int) {
		s = strings.ToValidUTF8(s, "?")
		n = max(2, n%200)
		lines := tty.Wrap(s, n)
		if got, want := strings.Join(lines, ""), strings.Join(strings.Fields(s), ""); strings.ReplaceAll(got, " ", "") != want {
			t.Errorf("got %q, want the characters of %q", got, want)
		}
		_, _, widest, _ := uniseg.FirstGraphemeClusterInString(s, -1) // stays whole, however wide
		if got := tty.Snip(s, n); uniseg.StringWidth(got) > max(n, widest+1) {
			t.Errorf("snipped to %d: got %q of %d columns", n, got, uniseg.StringWidth(got))
		}
	})
}

func TestPaint(t *testing.T) {
	if got := tty.Red.Paint("x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("got %q", got)
	}
	if got := tty.Red.Paint("  ") + tty.Plain.Paint("x"); got != "  x" {
		t.Errorf("got %q: what cannot be seen needs no colour", got)
	}
}

func TestClean(t *testing.T) {
	if got := tty.Clean("a\x1b[31m\tb\n"); got != "a\uFFFD[31m b " {
		t.Errorf("got %q", got)
	}
}
