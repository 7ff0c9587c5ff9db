package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"loadlab/loadgen/internal/ab"
)

// builds are the programs of the tests: that of the tree, and those of the tree with a patch.
type builds struct {
	tree     string
	temp     string
	programs map[string]string // by patch; "" is the tree's own
}

func newBuilds(ctx context.Context) (*builds, error) {
	tree, err := root()
	if err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "loadlab-gates-")
	if err != nil {
		return nil, err
	}
	b := &builds{tree: tree, temp: temp, programs: map[string]string{}}
	if _, err := b.program(ctx, ""); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

func (b *builds) close() error { return os.RemoveAll(b.temp) }

// program builds the app of the tree's last commit with a patch, once.
func (b *builds) program(ctx context.Context, patch string) (path string, err error) {
	if path := b.programs[patch]; path != "" {
		return path, nil
	}
	source := filepath.Join(b.temp, "source-"+patch)
	path = filepath.Join(b.temp, "app-"+patch)
	steps := [][]string{{"git", "clone", "--quiet", "--shared", b.tree, source}}
	if patch != "" {
		steps = append(steps, []string{"git", "-C", source, "apply", filepath.Join(b.tree, commitsDir(), patch+".patch")})
	}
	steps = append(steps, []string{"go", "-C", source, "build", "-trimpath", "-buildvcs=false", "-o", path, "./app"})
	for _, args := range steps {
		if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%q: %w\n%s", args, err, out)
		}
	}
	b.programs[patch] = path
	return path, nil
}

// test compares a program with the tree's own.
func (b *builds) test(ctx context.Context, program string, args []string) (*ab.Test, error) {
	out, err := os.MkdirTemp(b.temp, "run-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(out) }() // close removes all of temp
	args = append([]string{"ab", scenarioFile(), "--a", b.programs[""], "--b", program, "--out", out}, args...)
	cmd := exec.CommandContext(ctx, filepath.Join(b.tree, "bin", "loadgen"), args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	text, runErr := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	files, err := filepath.Glob(filepath.Join(out, "*", "ab.json"))
	if err != nil || len(files) != 1 {
		return nil, fmt.Errorf("%q left no result: %w\n%s", args, errors.Join(runErr, err), text)
	}
	return ab.Read(files[0])
}

// keepBusy keeps a processor busy until stop is called.
func keepBusy(ctx context.Context) (stop func(), err error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	}, nil
}
