package report_test

import (
	"strings"
	"testing"

	"loadlab/loadgen/internal/result/resulttest"
)

// The head of a report of the stack compose names where the traces are that the report does not have.
func TestHeadOfCompose(t *testing.T) {
	for kind, want := range map[string]bool{"compose": true, "local": false} {
		run := resulttest.Stampede(t)
		run.Stack.Kind, run.Traces = kind, nil
		found := false
		for _, f := range of(t, run).Head {
			found = found || f.Name == "traces" && strings.Contains(f.Text, "in Jaeger alone") && strings.Contains(f.Text, "N+1")
			if f.Name == "stack" && !strings.HasPrefix(f.Text, kind+": ") {
				t.Errorf("got stack %q, want %s", f.Text, kind)
			}
		}
		if found != want {
			t.Errorf("%s: got a word on the traces: %t, want %t", kind, found, want)
		}
	}
}
