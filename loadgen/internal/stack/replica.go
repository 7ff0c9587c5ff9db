package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"

	"loadlab/app/api"
	"loadlab/internal/localserver"
)

// replica is one app of a stack of the run's own. It keeps its addresses when its process is replaced.
type replica struct {
	name     string // of its process
	shown    string // to people
	api, lab string // host:port

	// Guarded by the stack's mu.
	process *localserver.Process
	planned bool // the end of process is a part of the run
}

// startApps starts n apps. The first is alone until it serves: it makes the schema and the data, which the others then find.
func (s *Stack) startApps(ctx context.Context, n int) error {
	for i := range n {
		r := &replica{name: "app", shown: "the app"}
		if n > 1 {
			r.name += "-" + strconv.Itoa(i+1)
			r.shown = r.name
		}
		s.replicas = append(s.replicas, r)
	}
	const free = "127.0.0.1:0"
	if err := s.serve(ctx, s.replicas[0], free, free); err != nil {
		return err
	}
	starting, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, r := range s.replicas[1:] {
		wg.Go(func() {
			if err := s.serve(starting, r, free, free); err != nil {
				cancel(err) // the first error is the cause
			}
		})
	}
	wg.Wait()
	if err := context.Cause(starting); err != nil {
		return err
	}
	for _, r := range s.replicas {
		s.APIs, s.Labs = append(s.APIs, "http://"+r.api), append(s.Labs, "http://"+r.lab)
		s.watch(r.process)
	}
	return nil
}

// Apps are the processes of the stack's own apps, by replica. One that was ended by TermApp or KillApp is its last until StartApp.
func (s *Stack) Apps() []*localserver.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*localserver.Process
	for _, r := range s.replicas {
		if r.process != nil {
			all = append(all, r.process)
		}
	}
	return all
}

// TermApp ends replica i (from 0) as an orchestrator does: with SIGTERM, upon which it drains. It returns when the process has ended, with what
// the app had counted by then; the error is that it had to be killed, or did not end well.
func (s *Stack) TermApp(ctx context.Context, i int) (last api.Counters, err error) {
	p, err := s.plan(i)
	if err != nil {
		return last, err
	}
	defer context.AfterFunc(ctx, p.Kill)()
	if err := p.Stop(s.grace, syscall.SIGTERM); err != nil {
		return last, err
	}
	if err := p.Wait(ctx); err != nil {
		return last, err
	}
	text, err := os.ReadFile(s.finalFile(s.replicas[i]))
	if err == nil {
		err = json.Unmarshal(text, &last)
	}
	if err != nil {
		return last, fmt.Errorf("read what %s had counted when it ended: %w", s.replicas[i].name, err)
	}
	return last, nil
}

// finalFile is where an app writes what it has counted when it ends.
func (s *Stack) finalFile(r *replica) string {
	return filepath.Join(s.folder.Path(), r.name+"-final.json")
}

// KillApp kills replica i (from 0), and returns when the process has ended.
func (s *Stack) KillApp(_ context.Context, i int) error {
	p, err := s.plan(i)
	if err != nil {
		return err
	}
	p.Kill()
	return nil
}

// StartApp starts replica i (from 0) again, which TermApp or KillApp has ended, at the addresses that it had. It returns when the app serves.
func (s *Stack) StartApp(ctx context.Context, i int) error {
	r, err := s.replica(i)
	if err != nil {
		return err
	}
	s.mu.Lock()
	planned := r.planned
	s.mu.Unlock()
	if !planned {
		return fmt.Errorf("%s runs: it cannot be started again", r.name)
	}
	if err := s.serve(ctx, r, r.api, r.lab); err != nil {
		return err
	}
	s.watch(r.process)
	return nil
}

func (s *Stack) replica(i int) (*replica, error) {
	if i < 0 || i >= len(s.replicas) {
		return nil, fmt.Errorf("there is no replica %d of the stack's own: it has %d", i, len(s.replicas))
	}
	return s.replicas[i], nil
}

// plan makes the end of a replica's process a part of the run, and returns the process.
func (s *Stack) plan(i int) (*localserver.Process, error) {
	r, err := s.replica(i)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.planned {
		return nil, fmt.Errorf("%s has been ended already", r.name)
	}
	r.planned = true
	return r.process, nil
}

// planned reports whether the end of p is a part of the run.
func (s *Stack) planned(p *localserver.Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.down[p] || slices.ContainsFunc(s.replicas, func(r *replica) bool { return r.process == p && r.planned })
}

// stopApps ends all apps at once.
func (s *Stack) stopApps() error {
	apps := s.Apps()
	errs := make([]error, len(apps))
	var wg sync.WaitGroup
	for i, app := range apps {
		wg.Go(func() { errs[i] = app.Stop(s.grace, syscall.SIGTERM) })
	}
	wg.Wait()
	return errors.Join(errs...)
}
