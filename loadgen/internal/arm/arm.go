// Package arm finds what the arms of an A/B test are: services that run already, programs, or commits and working trees of a Git repository, from
// which it builds the app's program. It knows neither what a program is compared by nor how it is started.
package arm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/ab"
)

// Arm is what one of the two names stands for.
type Arm struct {
	Name string // as it was given

	URL string // of a service that runs already; the rest is empty then

	Program string // its file
	SHA256  string // of the program, in hexadecimal

	// Of a program that was built here.
	Tree   string // folder with its source
	Commit string // in full
	Dirty  bool   // the tree has changes that are in no commit
	at     time.Time
}

// Pair is both arms, A first. Close must be called.
type Pair struct {
	Arms     [2]Arm
	Warnings []string // what somebody who gave these names may not expect

	repo *repository // nil if nothing is built
	temp string      // folder of worktrees and programs; empty if nothing is built
}

// ErrName is the error of a name that is no arm, or of two that cannot be compared. It is wrapped with what to do.
var ErrName = errors.New("arms of an A/B test")

// BuildError is that of an arm whose program could not be built.
type BuildError struct {
	Arm    string // "A" or "B"
	Name   string
	Commit string // empty of a working tree
	Output string // of the compiler
	Err    error
}

// Error has the compiler's output.
func (e *BuildError) Error() string {
	text := fmt.Sprintf("arm %s, %s", e.Arm, e.Name)
	if e.Commit != "" && e.Commit != e.Name {
		text += " (commit " + short(e.Commit) + ")"
	}
	return fmt.Sprintf("%s, does not build: go build %s: %v\n%s", text, appPackage, e.Err, strings.TrimSpace(e.Output))
}

// Unwrap returns what go build ended with.
func (e *BuildError) Unwrap() error { return e.Err }

// Open finds both arms, and builds those that have to be. A name is, in this order:
//
//   - a URL of a service that runs already: http://... or https://...
//   - a file: a program
//   - a folder, written so that it cannot be a ref (".", "./x", "../x", "/x"): a working tree, built as it is
//   - what git rev-parse takes for a commit of the repository that dir is in, built in a worktree of its own
//
// log gets a line for each build. The errors are ErrName, a *BuildError, or that of reading a file or of ctx.
func Open(ctx context.Context, dir string, names [2]string, log io.Writer) (_ *Pair, err error) {
	p := &Pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	for i, name := range names {
		if err := p.find(ctx, dir, i, name, log); err != nil {
			return nil, err
		}
	}
	if url, other := p.Arms[0], p.Arms[1]; (url.URL == "") != (other.URL == "") {
		if url.URL == "" {
			url, other = other, url
		}
		return nil, fmt.Errorf("%w: %s is a service that runs already, and %s is none: they are compared with their own kind", ErrName, url.Name, other.Name)
	}
	return p, nil
}

// find sets arm i.
func (p *Pair) find(ctx context.Context, dir string, i int, name string, log io.Writer) (err error) {
	a := Arm{Name: name}
	path := name
	if !filepath.IsAbs(path) {
		path = filepath.Join(dir, name)
	}
	info, statErr := os.Stat(path)
	switch {
	case name == "":
		return fmt.Errorf("%w: arm %s has no name: give a commit, a program or a URL", ErrName, ab.Letter(i))
	case strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://"):
		a.Name, a.URL = redact.URL(name), name
	case statErr == nil && info.Mode().IsRegular():
		a.Program = path
	case statErr == nil && info.IsDir() && (strings.HasPrefix(name, ".") || filepath.IsAbs(name)):
		err = p.buildTree(ctx, i, &a, path, log)
	default:
		err = p.buildCommit(ctx, i, &a, dir, log)
	}
	if err == nil && a.URL == "" {
		a.SHA256, err = sumOf(a.Program)
	}
	p.Arms[i] = a
	return err
}

// sumOf is the SHA-256 of a program, in hexadecimal.
func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Close removes what was built. It is safe to call more than once.
func (p *Pair) Close() error {
	if p == nil || p.temp == "" {
		return nil
	}
	err := os.RemoveAll(p.temp)
	p.temp = ""
	return errors.Join(err, p.repo.prune())
}

const shortDigits = 10

func short(commit string) string { return commit[:min(shortDigits, len(commit))] }
