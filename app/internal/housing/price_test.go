package housing_test

import (
	"math/big"
	"testing"

	"loadlab/app/internal/housing"
)

func TestParsePrice(t *testing.T) {
	for _, tt := range []struct {
		text string
		want int64
	}{
		{"450000.00", 45000000}, {"450000", 45000000}, {"450000.5", 45000050}, {"0.01", 1}, {"0", 0}, {"9999999999.99", 999999999999},
	} {
		if got, err := housing.ParsePrice(tt.text); err != nil || got != tt.want {
			t.Errorf("ParsePrice(%q) = %d, %v; want %d", tt.text, got, err, tt.want)
		}
	}
	for _, text := range []string{
		"", ".", "1.", ".5", "1.234", "-1", "+1", " 1", "1 ", "1,000", "1e3", "01", "00", "0x1", "1_000", "١", "NaN", "10000000000", "1.2.3", "1\n",
	} {
		if got, err := housing.ParsePrice(text); err == nil {
			t.Errorf("ParsePrice(%q) = %d, want an error", text, got)
		}
	}
}

// Whatever is accepted has the value that it was written as, and comes back the same.
func FuzzParsePrice(f *testing.F) {
	for _, text := range []string{"450000.00", "0.1", "9999999999.99", "01", "1.", "-0", "1e1", "", "١.٢"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cents, err := housing.ParsePrice(text)
		if err != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Mul(exact, big.NewRat(100, 1)).Cmp(new(big.Rat).SetInt64(cents)) != 0 {
			t.Errorf("ParsePrice(%q) = %d cents", text, cents)
		}
		again, err := housing.ParsePrice(housing.FormatPrice(cents))
		if err != nil || again != cents {
			t.Errorf("%q is %d cents, which format as %q and parse as %d, %v", text, cents, housing.FormatPrice(cents), again, err)
		}
	})
}
