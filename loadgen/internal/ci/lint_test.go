package ci_test

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/rhysd/actionlint"

	"loadlab/internal/testkit"
)

// The workflows are what GitHub takes.
func TestActionlint(t *testing.T) {
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	root := testkit.Root(t)
	project, err := actionlint.NewProject(root)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, path := range workflows(t) {
		paths = append(paths, filepath.Join(root, path))
	}
	found, err := linter.LintFiles(paths, project)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		t.Error(e)
	}
	bad, err := linter.Lint("bad.yml", []byte("on: pull_request\njobs: {x: {runs-on: ubuntu-24.04, steps: [{run: 'echo ${{ github.event.pull_request.title }}'}]}}\n"), project)
	if err != nil || len(bad) == 0 {
		t.Errorf("%d findings in a workflow that lets a title be executed, %v", len(bad), err)
	}
}
