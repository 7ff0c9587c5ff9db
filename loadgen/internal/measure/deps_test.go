package measure_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestHotPathImportsNoRendering: what runs for every request imports neither expressions nor anything that renders. Their init functions and
// their heap would be part of every measurement.
func TestHotPathImportsNoRendering(t *testing.T) {
	for _, name := range []string{"measure", "drive", "client"} {
		path := "loadlab/loadgen/internal/" + name
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", path).Output()
		if err != nil {
			t.Fatalf("list what %s imports: %v", name, err)
		}
		deps := strings.Fields(string(out))
		if !slices.Contains(deps, path) || !slices.Contains(deps, "loadlab/loadgen/internal/result") {
			t.Errorf("%s imports %q, want itself and its result among them", name, deps)
		}
		for _, dep := range deps {
			for _, forbidden := range []string{"expr-lang", "/report", "/tty", "/law", "/gate", "/unit"} {
				if strings.Contains(dep, forbidden) {
					t.Errorf("%s imports %s", name, dep)
				}
			}
		}
	}
}
