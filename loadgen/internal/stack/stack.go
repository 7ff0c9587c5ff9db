// Package stack brings a lab up and down: the app, and what it needs. The kinds differ only in where the database and the cache are;
// who drives load sees two URLs, and a channel that is closed when the stack breaks.
//
// It knows nothing of scenarios, modes or load.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"loadlab/internal/localserver"
)

// Kinds of stacks.
const (
	Embedded = "embedded" // the app alone: it brings its own SQLite and Redis
	Local    = "local"    // the app on a private PostgreSQL and redis-server
	Remote   = "remote"   // a service that runs already
)

// Kinds are all kinds, the default first.
func Kinds() []string { return []string{Embedded, Local, Remote} }

// Config is what to bring up.
type Config struct {
	Kind string
	// AppBinary is the app's program. Empty: "app" next to this executable.
	AppBinary string
	// AppArgs are flags for the app: "--properties=5000", "--ttl=2s". The stack's own come after them and win.
	AppArgs []string
	// Env is the environment for the app. Its LOADLAB_ variables are left out: what a scenario runs on is what the scenario has.
	Env []string
	// Properties is how many rows the app seeds: more rows may take longer. 0 for the app's default.
	Properties int
	// StartLimit bounds the app's start-up. 0: a minute, and a millisecond a property.
	StartLimit time.Duration
	// StopGrace is how long the app may take to end. 0: somewhat more than it gives its own requests to end.
	StopGrace time.Duration

	// Target and Lab are the URLs of a remote stack's API and lab controls; Lab may be empty.
	Target, Lab string

	// Log gets a line for each thing that is up. nil: no log.
	Log io.Writer
}

const defaultStopGrace = 13 * time.Second

// Stack is a lab that is up. Down must be called.
type Stack struct {
	Kind string
	// API and Lab are base URLs without a slash at their end. Lab is empty if there are no lab controls.
	API, Lab string
	// App, Postgres and Redis are the stack's own processes; nil if it has none such.
	App      *localserver.Process
	Postgres *localserver.Postgres
	Redis    *localserver.Redis

	log    io.Writer
	grace  time.Duration
	folder *localserver.Folder

	watchers sync.WaitGroup
	stopping chan struct{} // closed by Down
	broken   chan struct{} // closed when a process died
	breaks   sync.Once
	err      error // why; set before broken is closed
	stop     sync.Once
	stopErr  error
}

// Up brings a stack up. If it cannot, or ctx ends first, it leaves nothing behind. Errors are a missing program (ErrNoApp,
// localserver.ErrMissing), a process that ended (*localserver.ExitError), a target that does not answer, or the cause of ctx's end.
func Up(ctx context.Context, cfg Config) (*Stack, error) {
	s := &Stack{Kind: cfg.Kind, log: cfg.Log, grace: cfg.StopGrace, stopping: make(chan struct{}), broken: make(chan struct{})}
	if s.log == nil {
		s.log = io.Discard
	}
	if s.grace == 0 {
		s.grace = defaultStopGrace
	}
	var err error
	switch cfg.Kind {
	case Embedded:
		err = s.upOwn(ctx, cfg, false)
	case Local:
		err = s.upOwn(ctx, cfg, true)
	case Remote:
		err = s.upRemote(ctx, cfg)
	default:
		return nil, fmt.Errorf("unknown stack %q: use %s, %s or %s", cfg.Kind, Embedded, Local, Remote)
	}
	if err != nil {
		return nil, errors.Join(err, s.Down(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// upOwn starts everything, servers first. Whatever it has started when it fails is in s.
func (s *Stack) upOwn(ctx context.Context, cfg Config, servers bool) error {
	binary, err := appBinary(cfg.AppBinary)
	if err != nil {
		return err
	}
	if servers {
		if err := localserver.Check(); err != nil {
			return err
		}
	}
	if s.folder, err = localserver.NewFolder(); err != nil {
		return err
	}
	var urls []string
	if servers {
		if err := s.startServers(ctx); err != nil {
			return err
		}
		urls = []string{"--database-url=" + s.Postgres.SocketURL(), "--redis-url=" + s.Redis.URL()}
	}
	if err := s.startApp(ctx, cfg, binary, urls); err != nil {
		return err
	}
	s.watch(s.App)
	if servers {
		s.watch(s.Postgres.Process)
		s.watch(s.Redis.Process)
	}
	return nil
}

// startServers starts both at the same time. When one fails the other's start is interrupted, and its error is only that interrupt.
func (s *Stack) startServers(ctx context.Context) error {
	started := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o := localserver.Options{Folder: s.folder}
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if s.Postgres, err = localserver.StartPostgres(ctx, o); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() {
		var err error
		if s.Redis, err = localserver.StartRedis(ctx, o); err != nil {
			cancel(err)
		}
	})
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s.logf("PostgreSQL %s and Redis %s are up (%s)", s.Postgres.Version, s.Redis.Version, since(started))
	return nil
}

// watch breaks the stack when p ends before Down.
func (s *Stack) watch(p *localserver.Process) {
	s.watchers.Go(func() {
		select {
		case <-s.stopping:
		case <-p.Done():
			s.breaks.Do(func() {
				s.err = p.Err()
				close(s.broken)
			})
		}
	})
}

// Done is closed when a process of the stack has died by itself. A remote stack's is never closed.
func (s *Stack) Done() <-chan struct{} { return s.broken }

// Err returns which process died, and how, once Done is closed; nil before.
func (s *Stack) Err() error {
	select {
	case <-s.broken:
		return s.err
	default:
		return nil
	}
}

// Down ends the app, then Redis, then PostgreSQL, and removes all that they wrote. When ctx ends, or has ended already, it kills what is
// left: a run that was interrupted passes another one than it ran under. Errors are a process that had to be killed and a folder that
// could not be removed; everything has ended in any case. Calling Down again waits for the first call, and returns the same.
func (s *Stack) Down(ctx context.Context) error {
	s.stop.Do(func() {
		close(s.stopping)
		s.watchers.Wait()
		defer context.AfterFunc(ctx, s.kill)()
		var errs []error
		if s.App != nil {
			errs = append(errs, s.App.Stop(s.grace, syscall.SIGTERM))
		}
		if s.Redis != nil {
			errs = append(errs, s.Redis.Stop())
		}
		if s.Postgres != nil {
			errs = append(errs, s.Postgres.Stop())
		}
		if s.folder != nil {
			errs = append(errs, s.folder.Remove())
		}
		s.stopErr = errors.Join(errs...)
	})
	return s.stopErr
}

func (s *Stack) kill() {
	if s.App != nil {
		s.App.Kill()
	}
	if s.Redis != nil {
		s.Redis.Process.Kill()
	}
	if s.Postgres != nil {
		s.Postgres.Process.Kill()
	}
}

func (s *Stack) logf(format string, args ...any) {
	_, _ = fmt.Fprintf(s.log, format+"\n", args...) // a log that is gone is no reason to stop
}

func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }
