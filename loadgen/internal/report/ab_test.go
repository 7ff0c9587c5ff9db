package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/rivo/uniseg"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/report"
)

func TestABGoldens(t *testing.T) {
	for name, test := range abtest.All() {
		r, err := report.NewABTest(test)
		if err != nil {
			t.Fatal(name, err)
		}
		if r.Word != test.Verdict {
			t.Errorf("%s: got %s, want %s", name, r.Word, test.Verdict)
		}
		for _, width := range []int{80, 120} {
			var got bytes.Buffer
			if err := r.Text(&got, report.Options{Width: width, Path: "runs/x/ab.json"}); err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(got.String(), "\n") {
				if n := uniseg.StringWidth(line); n > width {
					t.Errorf("%s at %d: line %d takes %d columns: %s", name, width, i+1, n, line)
				}
			}
			if width == 80 && (name == "slower" || name == "work" || name == "open") {
				testkit.Golden(t, "ab."+name+".80.txt", got.String())
			}
		}
	}
	r, err := report.NewABTest(abtest.All()["slower"])
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := r.Markdown(&got); err != nil {
		t.Fatal(err)
	}
	testkit.Golden(t, "ab.slower.md", got.String())
}
