package ab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
)

// Errors of Parse; they are wrapped with what is wrong.
var (
	ErrKind   = errors.New("not an ab.json") // it may be a run.json
	ErrSchema = errors.New("unreadable schema version")
)

// Write writes t to path as ab.json. A reader sees the old file or the whole new one, never a half.
func Write(path string, t *Test) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	data, err := json.MarshalIndent(t, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".ab-*.json")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // fails once it is renamed
	_, err = f.Write(append(data, '\n'))
	if err = errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Read reads an ab.json. Its errors are those of Parse, and of reading the file.
func Read(path string) (*Test, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read results: %w", err)
	}
	t, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

// Parse reads the contents of an ab.json, strictly, and checks that they hang together: what Parse accepts can be decided. An error is ErrKind if it
// is something else, and ErrSchema if this program does not read its schema version.
func Parse(data []byte) (*Test, error) {
	var head struct {
		Kind   string `json:"kind"`
		Schema int    `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKind, err)
	}
	switch {
	case head.Kind != Kind:
		return nil, fmt.Errorf("%w: its kind is %q", ErrKind, head.Kind)
	case head.Schema != SchemaVersion:
		return nil, fmt.Errorf("%w: it is schema %d, this loadgen reads schema %d: use the loadgen that wrote it", ErrSchema, head.Schema, SchemaVersion)
	}
	t := new(Test)
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(t); err != nil {
		return nil, fmt.Errorf("read ab.json: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read ab.json: something follows the JSON object")
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("read ab.json: %w", err)
	}
	return t, nil
}

// check reports the first thing in the test that contradicts another, or that cannot be decided.
func (t *Test) check() error {
	for _, e := range t.Plan.Endpoints {
		if !(e.Quantile > 0 && e.Quantile < 1) || e.Mode == "" || e.Phase == "" {
			return fmt.Errorf("endpoint %q is of no mode, phase or quantile", e.Name())
		}
	}
	if len(t.Plan.Endpoints) > 0 {
		if err := t.Plan.StatsPlan().Check(); err != nil {
			return err
		}
	}
	for i, e := range t.Epochs {
		if want := len(t.Plan.Endpoints); len(e.Dropped) == 0 && len(e.D) != want || len(e.Dropped) > 0 && len(e.D) != 0 {
			return fmt.Errorf("epoch %d has figures of %d endpoints, the plan has %d", i+1, len(e.D), want)
		}
		for _, d := range e.D {
			if math.Abs(d) > largestLog {
				return fmt.Errorf("epoch %d: %v is not the logarithm of a ratio of times", i+1, d)
			}
		}
		for _, c := range e.Cells {
			for _, s := range []Side{c.A, c.B} {
				if s.Requests < 0 || s.Failed < 0 {
					return fmt.Errorf("epoch %d: %s %s has a negative count", i+1, c.Mode, c.Phase)
				}
			}
		}
	}
	for _, w := range t.Work {
		if w.Requests < 1 {
			return fmt.Errorf("work of %d requests in %s %s", w.Requests, w.Mode, w.Phase)
		}
		for _, a := range w.Allocations {
			if a.Requests < 1 {
				return fmt.Errorf("allocations of %d requests in %s %s", a.Requests, w.Mode, w.Phase)
			}
		}
	}
	_, err := t.Decide()
	return err
}

// largestLog is more than that of the ratio of the longest and the shortest time that are recorded, 60 s and 1 us.
const largestLog = 20
