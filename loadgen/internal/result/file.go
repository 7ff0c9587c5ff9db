package result

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"loadlab/app/api"
)

// ErrSchema is what a run.json of an unknown schema version is refused with.
var ErrSchema = errors.New("unreadable schema version")

// Write writes run to path as run.json. A reader sees the old file or the whole new one, never a half: it is written beside path and
// renamed.
func Write(path string, run *Run) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	data, err := json.MarshalIndent(run, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".run-*.json")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // fails once it is renamed
	_, err = f.Write(append(data, '\n'))
	// CreateTemp's 0600 would hide a report from whoever did not make it, as in a CI that collects artifacts under another user.
	err = errors.Join(err, f.Chmod(0o644), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// Read reads a run.json. The error is ErrSchema if this program does not read its schema version.
func Read(path string) (*Run, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read run: %w", err)
	}
	run, err := Parse(data)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return run, nil
}

// Parse reads the contents of a run.json and checks that they hang together: what Parse accepts, and whose histograms can be read, every
// rendering can render.
func Parse(data []byte) (*Run, error) {
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, fmt.Errorf("not a run.json: %w", err)
	}
	switch {
	case head.Schema == nil:
		return nil, fmt.Errorf("%w: not a run.json: it has no schema version", ErrSchema)
	case *head.Schema < oldest || *head.Schema > SchemaVersion:
		return nil, fmt.Errorf("%w: it is schema %d, this loadgen reads schema %d to %d: use the loadgen that wrote it",
			ErrSchema, *head.Schema, oldest, SchemaVersion)
	}
	run := new(Run)
	if err := json.Unmarshal(data, run); err != nil {
		return nil, fmt.Errorf("not a run.json: %w", err)
	}
	run.upgrade()
	if err := run.check(); err != nil {
		return nil, err
	}
	return run, nil
}

// oldest is the oldest schema version that Parse reads.
const oldest = 1

// upgrade turns a run of an older schema into one of today's.
func (r *Run) upgrade() {
	if r.Schema < 2 {
		for _, c := range r.Cells {
			for old, name := range map[api.Counter]api.Counter{"sql": api.CountSQL, "redis": api.CountRedis} {
				if n, ok := c.Server.Counters[old]; ok {
					c.Server.Counters[name] = n
					delete(c.Server.Counters, old)
				}
			}
		}
	}
	for i := range r.Cells {
		r.Cells[i].upgrade()
	}
	r.Schema = SchemaVersion
}

// upgrade makes failures of the first errors. Nothing is known of when they happened.
func (c *Cell) upgrade() {
	if len(c.Failures) == 0 {
		for _, kind := range slices.Sorted(maps.Keys(c.Ledger.Failed)) {
			if n := c.Ledger.Failed[kind]; n > 0 {
				c.Failures = append(c.Failures, Failure{Kind: kind, Count: n, Example: c.Errors[kind]})
			}
		}
	}
	c.Errors = nil
	for _, part := range []*Cell{c.Inside, c.Outside} {
		if part != nil {
			part.upgrade()
		}
	}
}

// check reports the first thing in the run that contradicts another.
func (r *Run) check() error {
	modes, phases := map[string]bool{}, map[string]bool{}
	for _, m := range r.Modes {
		if m.Name == "" || modes[m.Name] {
			return fmt.Errorf("mode %q is without a name or there twice", m.Name)
		}
		modes[m.Name] = true
	}
	for _, p := range r.Phases {
		if p.Name == "" || phases[p.Name] {
			return fmt.Errorf("phase %q is without a name or there twice", p.Name)
		}
		phases[p.Name] = true
	}
	for i, c := range r.Cells {
		switch {
		case !modes[c.Mode]:
			return fmt.Errorf("cell %d is of an unknown mode %q", i, c.Mode)
		case !phases[c.Phase]:
			return fmt.Errorf("cell %d is of an unknown phase %q", i, c.Phase)
		case c.Took < 0 || c.Ledger.Scheduled < 0 || c.Ledger.Completed < 0 || c.Ledger.Errors() < 0:
			return fmt.Errorf("cell %d (%s, %s, round %d) has a negative count or time", i, c.Mode, c.Phase, c.Round)
		}
	}
	return nil
}
