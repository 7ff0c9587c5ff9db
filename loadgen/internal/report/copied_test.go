package report_test

import (
	"os/exec"
	"strings"
	"testing"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result/resulttest"
)

// What is printed to be copied is a line of its own that a shell reads as the command that was meant, however long it is and whatever is in the path.
func TestCommandsCanBeCopied(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"runs/20261122-230504-stampede/run.json",
		"runs of today/it's/" + strings.Repeat("deeper/", 15) + "$HOME;run.json",
	} {
		var text strings.Builder
		if err := report.Text(&text, of(t, resulttest.Outage(t)), report.Options{Width: 80, Path: path}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(text.String()) {
			command, ok := strings.CutPrefix(strings.TrimSpace(line), "loadgen ")
			if !ok {
				continue
			}
			words, err := exec.CommandContext(t.Context(), "sh", "-c", `printf '%s\n' `+command).Output() //nolint:gosec // the command is what is tested
			if err != nil {
				t.Errorf("%s: %v", line, err)
			}
			got = append(got, string(words))
		}
		if want := []string{"report\n" + path + "\n--full\n", "trace\n" + path + "\n"}; strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
