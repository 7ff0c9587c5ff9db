package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"loadlab/internal/spell"
)

// extension of a scenario file.
const extension = ".yaml"

// Load reads the scenario in the file path, in an environment; nil is an empty one.
func Load(path string, env Env) (*Scenario, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	return Parse(path, data, env)
}

// Find reads the scenario of that name in dir, which is the file dir/name.yaml. A name with a folder or an extension is a path, and dir
// does not matter.
func Find(dir, name string, env Env) (*Scenario, error) {
	if IsPath(name) {
		return Load(name, env)
	}
	s, err := Load(filepath.Join(dir, File(name)), env)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	files, err := names(dir)
	if err != nil {
		return nil, err
	}
	return nil, errors.New(spell.Unknown("scenario", name, files))
}

// IsPath reports whether the name of a scenario is the path of its file.
func IsPath(name string) bool {
	return strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, extension) || strings.HasSuffix(name, ".yml")
}

// File is the name of the file of a scenario.
func File(name string) string { return name + extension }

// Listed is a scenario of a folder.
type Listed struct {
	Name     string // by which Find finds it
	Why      string
	Estimate time.Duration // of the modes that it runs by default
	Err      error         // it cannot be read, or is not a scenario; Why and Estimate are zero
}

// List returns the scenarios in dir, by name. A bad one is listed with its error.
func List(dir string, env Env) ([]Listed, error) {
	files, err := names(dir)
	if err != nil {
		return nil, err
	}
	var list []Listed
	for _, name := range files {
		l := Listed{Name: name}
		s, err := Load(filepath.Join(dir, File(name)), env)
		if err == nil {
			s, err = s.Chosen(nil)
		}
		if err != nil {
			l.Err = err
		} else {
			l.Why, l.Estimate = s.Why, s.Estimate()
		}
		list = append(list, l)
	}
	return list, nil
}

// names are the names of the scenarios in dir, sorted.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list scenarios: %w", err)
	}
	var list []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), extension); ok && !e.IsDir() && !strings.HasPrefix(name, ".") {
			list = append(list, name)
		}
	}
	slices.Sort(list)
	return list, nil
}
