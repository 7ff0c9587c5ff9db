package figure_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"loadlab/loadgen/internal/figure"
)

// Every figure that a dashboard asks for is one.
func TestFiguresOfDashboards(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../../dashboards/json/*.json")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`figure=\\"(\w+)\\"`).FindAllSubmatch(data, -1) {
			found++
			if _, ok := figure.Named(string(match[1])); !ok {
				t.Errorf("%s: there is no figure %s", filepath.Base(file), match[1])
			}
		}
	}
	if found < 20 {
		t.Errorf("got %d figures in %d dashboards, want more", found, len(files))
	}
}
