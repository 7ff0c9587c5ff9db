package stack

import (
	"context"
	"fmt"

	"loadlab/internal/localserver"
	"loadlab/loadgen/internal/world"
)

// server is what can be done to a server of the stack's own.
type server struct {
	process *localserver.Process
	save    func(ctx context.Context) error            // before a kill, so that its data are kept
	restart func(ctx context.Context, keep bool) error // where it was
}

// server returns one of world.Database and world.Redis.
func (s *Stack) server(name string) (server, error) {
	redis := s.RedisProcess()
	none := func(context.Context) error { return nil }
	switch {
	case name == world.Database && s.Postgres != nil:
		return server{s.Postgres.Process, none, func(ctx context.Context, _ bool) error { return s.Postgres.Restart(ctx) }}, nil
	case name == world.Redis && s.realRedis != nil:
		return server{redis, s.realRedis.Save, s.realRedis.Restart}, nil
	case name == world.Redis && redis != nil:
		return server{redis, none, func(ctx context.Context, _ bool) error { return s.restartEmbedded(ctx) }}, nil
	}
	return server{}, fmt.Errorf("the stack has no process of its own for the server %s", name)
}

// KillServer kills a server (world.Database or world.Redis), and returns the number of its process when that has ended. With keep its data are saved
// first: PostgreSQL's always are, and those of an embedded Redis never.
func (s *Stack) KillServer(ctx context.Context, name string, keep bool) (pid int, err error) {
	server, err := s.server(name)
	if err != nil {
		return 0, err
	}
	if keep {
		if err := server.save(ctx); err != nil {
			return 0, err
		}
	}
	s.mu.Lock()
	s.down[server.process] = true
	s.mu.Unlock()
	pid = server.process.PID()
	server.process.Kill()
	return pid, nil
}

// StartServer starts a server that KillServer has killed, where it was, and returns the number of its process when it answers.
func (s *Stack) StartServer(ctx context.Context, name string, keep bool) (pid int, err error) {
	before, err := s.server(name)
	if err != nil {
		return 0, err
	}
	if err := before.restart(ctx, keep); err != nil {
		return 0, err
	}
	now, err := s.server(name)
	if err != nil {
		return 0, err
	}
	s.mu.Lock()
	delete(s.down, before.process)
	s.mu.Unlock()
	s.watch(now.process)
	return now.process.PID(), nil
}

// FreezeServer stops a server with all its processes, and returns how many there are. thaw lets them go on.
func (s *Stack) FreezeServer(ctx context.Context, name string) (thaw func(), processes int, err error) {
	server, err := s.server(name)
	if err != nil {
		return nil, 0, err
	}
	frozen, err := server.process.Freeze(ctx)
	if err != nil {
		return nil, 0, err
	}
	return frozen.Thaw, len(frozen.PIDs()), nil
}
