// Package stack brings a lab up and down: one app or several, and the database and the cache that they share. The kinds differ only in where
// the database and the cache are; who drives load sees two URLs an app, and a channel that is closed when the stack breaks.
//
// It knows nothing of scenarios, modes or load.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/world/link/control"
)

// Kinds of stacks.
const (
	Embedded = "embedded" // nothing but the app's program, which has SQLite and a Redis in it
	Local    = "local"    // on a private PostgreSQL and redis-server
	Compose  = "compose"  // what docker-compose.yml has brought up, seen from within its network
	Remote   = "remote"   // a service that runs already
)

// Kinds are all kinds, the default first.
func Kinds() []string { return []string{Embedded, Local, Compose, Remote} }

// Own reports whether a stack of that kind is brought up, and down again. Any other runs already, and outlives the run.
func Own(kind string) bool { return kind == Embedded || kind == Local }

// Config is what to bring up.
type Config struct {
	Kind string
	// AppBinary is the app's program. Empty: "app" next to this executable.
	AppBinary string
	// Replicas is how many apps there are, behind one database and one Redis. 0: one. A stack that runs already has as many as Targets.
	Replicas int
	// AppArgs are flags for the app: "--properties=5000", "--ttl=2s". The stack's own come after them and win.
	AppArgs []string
	// Env is the environment for the app. Its LOADLAB_ variables are left out: what a scenario runs on is what the scenario has.
	Env []string
	// Properties is how many rows the app seeds: more rows may take longer. 0 for the app's default.
	Properties int
	// StartLimit bounds the app's start-up. 0: a minute, and a millisecond a property.
	StartLimit time.Duration
	// StopGrace is how long the app may take to end. 0: somewhat more than it gives its own requests to end, and LameDuck.
	StopGrace time.Duration
	// LameDuck is how long an app serves on when it is to end.
	LameDuck time.Duration

	// Targets and Labs are the URLs of the replicas of a stack that runs already: their APIs, and in the same order their lab controls; Labs may be empty.
	// OnCompose sets them for the stack compose.
	Targets, Labs []string
	// FindLabs has the lab controls of Targets looked for where Labs is empty, at the port that they have by default.
	FindLabs bool
	// Reach makes a connection to a target as its requests will: through a proxy, say, or to a socket. nil dials the URL's host.
	Reach func(ctx context.Context, target string) error

	// Links are the servers that a link shall stand before, of world.Database and world.Redis. SQLite has no wire: an embedded stack has no link to its database.
	Links []string
	// LinkCommand is the program of links and its arguments. Empty: this program's command "link".
	LinkCommand []string
	// LinksAddr is where the links of a stack that runs already are controlled: host:port, tcp:host:port or unix:path. Empty: it has none.
	LinksAddr string

	// Log gets a line for each thing that is up. nil: no log.
	Log io.Writer
}

const defaultStopGrace = 13 * time.Second

// Stack is a lab that is up. Down must be called.
type Stack struct {
	Kind string
	// APIs and Labs are base URLs by replica, without a slash at their end. Labs is empty if there are no lab controls.
	APIs, Labs []string
	// DatabaseURL and RedisAddr (host:port) are where the apps find their servers; empty of a stack that ran already.
	DatabaseURL, RedisAddr string
	// Postgres is the stack's own; nil if it has none.
	Postgres *localserver.Postgres
	// Links controls the links between the apps and their servers; nil if there are none.
	Links *control.Client

	links *localserver.Process
	redis *localserver.Process
	// realRedis is the redis-server whose process redis is; nil of an embedded one, which embedded starts at an address.
	realRedis *localserver.Redis
	embedded  func(ctx context.Context, addr string) error
	ownRedis  string // where the embedded one listens, before any link
	apps      appConfig
	mu        sync.Mutex // guards log, and what changes of replicas and servers while the stack is up
	replicas  []*replica
	down      map[*localserver.Process]bool // servers whose end is a part of the run

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
	s := &Stack{Kind: cfg.Kind, log: cfg.Log, grace: cfg.StopGrace, stopping: make(chan struct{}), broken: make(chan struct{}),
		down: map[*localserver.Process]bool{}}
	if s.log == nil {
		s.log = io.Discard
	}
	if s.grace == 0 {
		s.grace = defaultStopGrace + cfg.LameDuck
	}
	var err error
	switch {
	case !slices.Contains(Kinds(), cfg.Kind):
		return nil, fmt.Errorf("unknown stack %q: use %s", cfg.Kind, strings.Join(Kinds(), ", "))
	case Own(cfg.Kind):
		err = s.upOwn(ctx, cfg)
	default:
		err = s.upRemote(ctx, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, s.Down(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// watch breaks the stack when p ends before Down, unless that was planned.
func (s *Stack) watch(p *localserver.Process) {
	done := p.Done() // of its present run: a process may be started again
	s.watchers.Go(func() {
		select {
		case <-s.stopping:
		case <-done:
			if s.planned(p) {
				return
			}
			s.breaks.Do(func() {
				s.err = p.Err()
				close(s.broken)
			})
		}
	})
}

// Done is closed when a process of the stack has died by itself. That of a stack that ran already is never closed.
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

// Down ends the apps, all at once, then the links, Redis and PostgreSQL, and removes all that they wrote. When ctx ends, or has ended already, it kills what is
// left: a run that was interrupted passes another one than it ran under. Errors are a process that had to be killed and a folder that
// could not be removed; everything has ended in any case. Calling Down again waits for the first call, and returns the same.
func (s *Stack) Down(ctx context.Context) error {
	s.stop.Do(func() {
		close(s.stopping)
		s.watchers.Wait()
		defer context.AfterFunc(ctx, s.kill)()
		var errs []error
		errs = append(errs, s.stopApps())
		if s.Links != nil {
			s.Links.Close()
		}
		if s.links != nil {
			errs = append(errs, s.links.Stop(redisGrace, syscall.SIGTERM))
		}
		if redis := s.RedisProcess(); redis != nil {
			errs = append(errs, redis.Stop(redisGrace, syscall.SIGTERM))
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
	for _, app := range s.Apps() {
		app.Kill()
	}
	if s.links != nil {
		s.links.Kill()
	}
	if redis := s.RedisProcess(); redis != nil {
		redis.Kill()
	}
	if s.Postgres != nil {
		s.Postgres.Process.Kill()
	}
}

func (s *Stack) logf(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = fmt.Fprintf(s.log, format+"\n", args...) // a log that is gone is no reason to stop
}

func since(t time.Time) time.Duration { return time.Since(t).Round(10 * time.Millisecond) }
