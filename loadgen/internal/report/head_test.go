package report_test

import (
	"strings"
	"testing"

	"loadlab/loadgen/internal/result/resulttest"
)

// The head of a report of a lab that the run did not bring up names where the traces are that the report does not have.
func TestHeadNamesTheTraces(t *testing.T) {
	for kind, want := range map[string]string{"compose": "in Jaeger alone", "remote": "where the app sends", "local": ""} {
		run := resulttest.Stampede(t)
		run.Stack.Kind, run.Traces = kind, nil
		found := false
		for _, f := range of(t, run).Head {
			found = found || f.Name == "traces" && want != "" && strings.HasPrefix(f.Text, want) && strings.Contains(f.Text, "N+1")
			if f.Name == "stack" && !strings.HasPrefix(f.Text, kind+": ") {
				t.Errorf("got stack %q, want %s", f.Text, kind)
			}
		}
		if found != (want != "") {
			t.Errorf("%s: got a word on the traces: %t, want %q", kind, found, want)
		}
	}
}
