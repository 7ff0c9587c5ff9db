package arm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"loadlab/loadgen/internal/ab"
)

// Scenario returns the file of a scenario of both arms, which is dir/file in a tree: the newer tree's if the trees differ, and a warning that
// says so. ok is false if no tree has it, or dir is no relative path: it is to be looked for where the caller is.
func (p *Pair) Scenario(ctx context.Context, dir, file string) (path, warning string, ok bool, err error) {
	a, b := p.Arms[0], p.Arms[1]
	if a.Tree == "" || b.Tree == "" || filepath.IsAbs(dir) {
		return "", "", false, nil
	}
	var text [2][]byte
	for i, arm := range p.Arms {
		text[i], err = os.ReadFile(filepath.Join(arm.Tree, dir, file))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", false, fmt.Errorf("read scenario: %w", err)
		}
	}
	if text[0] == nil && text[1] == nil {
		return "", "", false, nil
	}
	newer, err := p.newer(ctx)
	if err != nil {
		return "", "", false, err
	}
	used := newer
	name := filepath.Join(dir, file)
	switch {
	case text[newer] == nil:
		used = 1 - newer
		warning = fmt.Sprintf("%s is in arm %s alone: it is used for both", name, ab.Letter(used))
	case !bytes.Equal(text[0], text[1]):
		warning = fmt.Sprintf("%s differs between the arms: that of arm %s, which is newer, is used for both", name, ab.Letter(newer))
	}
	return filepath.Join(p.Arms[used].Tree, name), warning, true, nil
}

// newer returns which of two trees is newer: the one that descends from the other, else the one that was committed later. Changes that are in no
// commit are newer than any.
func (p *Pair) newer(ctx context.Context) (int, error) {
	a, b := p.Arms[0], p.Arms[1]
	if a.Dirty != b.Dirty {
		if a.Dirty {
			return 0, nil
		}
		return 1, nil
	}
	if p.repo != nil && a.Commit != "" && b.Commit != "" {
		base, err := p.repo.git(ctx, "merge-base", a.Commit, b.Commit)
		switch {
		case ctx.Err() != nil:
			return 0, context.Cause(ctx)
		case err == nil && base == a.Commit:
			return 1, nil
		case err == nil && base == b.Commit:
			return 0, nil
		}
	}
	if a.at.After(b.at) {
		return 0, nil
	}
	return 1, nil
}
