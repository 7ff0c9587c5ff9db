package arm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/ab"
)

// appPackage is what is built, in the root of a tree.
const appPackage = "./app"

// repository is a Git repository, by a folder in it.
type repository struct{ dir string }

// git runs a command and returns its standard output, without the newline at its end. The error has what the command wrote to stderr.
func (r *repository) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.dir}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimRight(stdout.String(), "\n"), nil
}

// prune forgets worktrees whose folders are gone. It goes on when a run is interrupted.
func (r *repository) prune() error {
	if r == nil {
		return nil
	}
	_, err := r.git(context.Background(), "worktree", "prune")
	return err
}

// buildCommit builds the commit that a.Name is, in a worktree of its own.
func (p *Pair) buildCommit(ctx context.Context, i int, a *Arm, dir string, log io.Writer) error {
	repo := &repository{dir}
	if strings.HasPrefix(a.Name, "-") {
		return notFound(*a, errors.New("it begins with a hyphen"))
	}
	var err error
	if a.Commit, err = repo.git(ctx, "rev-parse", "--verify", "--quiet", "--end-of-options", a.Name+"^{commit}"); err != nil {
		return notFound(*a, err)
	}
	if a.at, err = repo.committed(ctx, a.Commit); err != nil {
		return err
	}
	if err := p.folder(repo); err != nil {
		return err
	}
	a.Tree = filepath.Join(p.temp, ab.Letter(i))
	if _, err := repo.git(ctx, "worktree", "add", "--quiet", "--detach", a.Tree, a.Commit); err != nil {
		return err
	}
	if head, err := repo.git(ctx, "rev-parse", "HEAD"); err == nil && head == a.Commit {
		if changes, err := repo.changed(ctx); err == nil && changes {
			p.Warnings = append(p.Warnings, fmt.Sprintf("arm %s is the commit %s: what the working tree has changed is not in it (. is the working tree)", ab.Letter(i), short(a.Commit)))
		}
	}
	return p.build(ctx, i, a, log)
}

// notFound is the error of a name that is nothing.
func notFound(a Arm, err error) error {
	return fmt.Errorf("%w: %q is no URL, no file, no folder written like ./%s, and no commit of this repository; a clone may lack it: git fetch origin %s (in CI: fetch the whole history): %w",
		ErrName, a.Name, a.Name, strings.TrimPrefix(a.Name, "origin/"), err)
}

// buildTree builds the working tree in a folder as it is.
func (p *Pair) buildTree(ctx context.Context, i int, a *Arm, path string, log io.Writer) (err error) {
	if a.Tree, err = filepath.Abs(path); err != nil {
		return err
	}
	if info, err := os.Stat(filepath.Join(a.Tree, appPackage)); err != nil || !info.IsDir() {
		return fmt.Errorf("%w: the folder %s has no %s to build", ErrName, a.Name, appPackage)
	}
	repo := &repository{a.Tree}
	a.at = time.Now()
	if a.Commit, err = repo.git(ctx, "rev-parse", "HEAD"); err == nil {
		if a.Dirty, err = repo.changed(ctx); err == nil && !a.Dirty {
			a.at, err = repo.committed(ctx, a.Commit)
		}
	}
	if err != nil { // a folder outside any repository has source all the same
		a.Commit, a.Dirty, a.at = "", false, time.Now()
	}
	if err := p.folder(nil); err != nil {
		return err
	}
	return p.build(ctx, i, a, log)
}

// folder makes the folder of what is built.
func (p *Pair) folder(repo *repository) (err error) {
	if repo != nil {
		p.repo = repo
	}
	if p.temp == "" {
		p.temp, err = os.MkdirTemp("", "loadlab-ab-")
	}
	return err
}

// build builds the app's program of a.Tree. Neither the folder nor the commit is in it, so that the same source gives the same program.
func (p *Pair) build(ctx context.Context, i int, a *Arm, log io.Writer) error {
	began := time.Now()
	a.Program = filepath.Join(p.temp, "app-"+ab.Letter(i))
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-o", a.Program, appPackage)
	cmd.Dir = a.Tree
	output, err := cmd.CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		e := &BuildError{Arm: ab.Letter(i), Name: a.Name, Output: string(output), Err: err}
		if !a.Dirty {
			e.Commit = a.Commit
		}
		return e
	}
	_, _ = fmt.Fprintf(log, "arm %s, %s, is built (%s)\n", ab.Letter(i), a, time.Since(began).Round(10*time.Millisecond))
	return nil
}

// committed returns when a commit was made.
func (r *repository) committed(ctx context.Context, commit string) (time.Time, error) {
	text, err := r.git(ctx, "show", "--no-patch", "--format=%ct", commit)
	if err != nil {
		return time.Time{}, err
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("the time of commit %s: %w", commit, err)
	}
	return time.Unix(seconds, 0), nil
}

// changed reports whether the tree has changes that are in no commit, new files included.
func (r *repository) changed(ctx context.Context) (bool, error) {
	text, err := r.git(ctx, "status", "--porcelain")
	return text != "", err
}

// String describes an arm: "origin/main, commit 1b2c3d4e5f", ". (1b2c3d4e5f, with changes)", "bin/app".
func (a Arm) String() string {
	switch {
	case a.Commit == "" || a.Commit == a.Name:
		return a.Name
	case a.Dirty:
		return a.Name + ", commit " + short(a.Commit) + " with changes (dirty)"
	}
	return a.Name + ", commit " + short(a.Commit)
}
