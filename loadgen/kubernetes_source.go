package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"loadlab/loadgen/internal/scenario"
)

// source is a scenario with all that it is read from, so that it can be read somewhere else.
type source struct {
	scenario       *scenario.Scenario
	name           string            // of its file, in its folder
	files, private map[string][]byte // by path in the folder; private ones are certificates and keys
	variables      map[string]string // of the environment, that it names and that are set
}

// readSource reads a scenario's file and notes what it is read from.
func readSource(file string, env environment) (*source, error) {
	s := &source{name: filepath.Base(file), files: map[string][]byte{}, private: map[string][]byte{}, variables: map[string]string{}}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read scenario: %w", err)
	}
	s.files[s.name] = text
	folder := filepath.Dir(file)
	s.scenario, err = scenario.ParseIn(noting{os.DirFS(folder), s.files}, file, text, func(name string) (string, bool) {
		value, ok := env.lookup(name)
		if ok {
			s.variables[name] = value
		}
		return value, ok
	})
	if err != nil {
		return nil, err
	}
	return s, s.certificates(folder)
}

// certificates adds the files that the scenario's target names.
func (s *source) certificates(folder string) error {
	t := s.scenario.Target
	if t == nil {
		return nil
	}
	for _, path := range []string{t.CACert, t.Cert, t.Key} {
		if path == "" {
			continue
		}
		inside, err := filepath.Rel(folder, path)
		if err != nil || filepath.IsAbs(path) != filepath.IsAbs(folder) || !filepath.IsLocal(inside) {
			return fmt.Errorf("%s: pods get files that stand beside the scenario or below it: %s does not", s.scenario.File, path)
		}
		if s.private[filepath.ToSlash(inside)], err = os.ReadFile(path); err != nil {
			return fmt.Errorf("%s: %w", s.scenario.File, err)
		}
	}
	return nil
}

// noting is a folder that notes which files are read.
type noting struct {
	fs.FS
	read map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (n noting) ReadFile(name string) ([]byte, error) {
	data, err := fs.ReadFile(n.FS, name)
	if err == nil {
		n.read[strings.TrimPrefix(name, "./")] = data
	}
	return data, err
}
