package law_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/law"
)

func TestLaws(t *testing.T) {
	for _, tt := range []struct {
		law       string
		replicas  int
		balancing string
		want      float64
		text      string // or a part of the error, where want is 0
	}{
		{"1", 1, "", 1, "1"},
		{"herd(others)", 1, "", 12.25, "1 + λ·D = 1 + 250/s × 45.0 ms = 12.2"},
		{"flights(others, replicas, balancing)", 1, "", 1, "1"},
		{"flights(others, replicas, balancing)", 3, "random", 1 + 2*(1-math.Exp(-11.25/3)), "1 + (N−1)(1 − e^(−λ·D/N))"},
		{"flights(others, replicas, balancing)", 3, "round_robin", 3, "min(N, 1 + λ·D)"},
		{"flights(others, replicas, balancing)", 3, "sticky", 3, "N = 3 replicas"},
		{"flights(others, replicas, balancing)", 3, "by hand", 0, `chosen by "by hand"`},
		{"flights(others, 1e9, balancing)", 3, "random", 0, "no law for 1e+09 replicas"},
		{"xfetch(others, beta)", 1, "", 2.7106, "e^(1/β)(1 − e^(−c)) + e^(−a) + a(E1(c) − E1(a)) = 2.71"},
		{"xfetch(others, 0)", 1, "", 0, "no law for a beta of 0"},
		{"replicas * 2", 2, "", 4, "replicas * 2 = 4"},
		{"exp(1 / beta)", 1, "", math.E, "exp(1 / beta) = 2.72"},
		{"let x = 2; x + replicas", 1, "", 3, ""},
		{"lambda * D", 1, "", 0, "over an unknown D"},
		{"max(1, arrivals)", 1, "", 0, "over an unknown arrivals"},
		{"1 +", 1, "", 0, "cannot be read"},
		{"", 1, "", 0, "cannot be read"},
		{"herd(beta)", 1, "", 0, "cannot be read"},
		{`"many"`, 1, "", 0, "has no value"},
		{"others", 1, "", 0, "has no value"},
		{"log(0)", 1, "", 0, "has no value"},
		{"1 / 0", 1, "", 0, "has no value"},
	} {
		got, text, err := law.Evaluate(tt.law, 250, 45*time.Millisecond, tt.replicas, tt.balancing, 1)
		switch {
		case tt.want != 0 && (err != nil || !within(got, tt.want, .001) || !strings.Contains(text, tt.text)):
			t.Errorf("%s: got %v, %q, %v, want %v, %q", tt.law, got, text, err, tt.want, tt.text)
		case tt.want == 0 && (err == nil || !strings.Contains(err.Error(), tt.text)):
			t.Errorf("%s: got %v, %v, want an error with %q", tt.law, got, err, tt.text)
		}
	}
}

func FuzzLaw(f *testing.F) {
	for _, law := range []string{"herd(others)", "exp(1/beta)", "flights(others, replicas, balancing)", "xfetch(others, beta)", "map(1..9, #)", "let x = 1; x", "others", "[herd(others)]"} {
		f.Add(law)
	}
	f.Fuzz(func(t *testing.T, src string) {
		got, _, err := law.Evaluate(src, 250, 45*time.Millisecond, 3, "random", 1)
		if err == nil && (math.IsNaN(got) || math.IsInf(got, 0)) {
			t.Errorf("%q: got %v without an error", src, got)
		}
	})
}
