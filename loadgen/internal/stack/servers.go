package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"loadlab/app/api"
	"loadlab/internal/localserver"
)

// redisGrace is how long Redis may take to end before it is killed.
const redisGrace = 5 * time.Second

// upOwn starts everything, servers first. Whatever it has started when it fails is in s.
func (s *Stack) upOwn(ctx context.Context, cfg Config) error {
	binary, err := appBinary(cfg.AppBinary)
	if err != nil {
		return err
	}
	if cfg.Kind == Local {
		if err := localserver.Check(); err != nil {
			return err
		}
	}
	if s.folder, err = localserver.NewFolder(); err != nil {
		return err
	}
	tmp, err := s.folder.Mkdir("tmp")
	if err != nil {
		return err
	}
	env := appEnv(cfg.Env, tmp)
	if cfg.Kind == Local {
		err = s.startServers(ctx)
	} else {
		err = s.embedServers(ctx, binary, env)
	}
	if err != nil {
		return err
	}
	if err := s.startLinks(ctx, cfg, env); err != nil {
		return err
	}
	s.apps = s.newAppConfig(cfg, binary, env)
	if err := s.startApps(ctx, max(cfg.Replicas, 1)); err != nil {
		return err
	}
	s.watch(s.RedisProcess())
	if s.links != nil {
		s.watch(s.links)
	}
	if s.Postgres != nil {
		s.watch(s.Postgres.Process)
	}
	return nil
}

// RedisProcess is the Redis of a stack of the run's own; nil if the stack has none.
func (s *Stack) RedisProcess() *localserver.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redis
}

// startServers starts both at the same time. When one fails the other's start is interrupted, and its error is only that interrupt.
func (s *Stack) startServers(ctx context.Context) error {
	started := time.Now()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	o := localserver.Options{Folder: s.folder}
	var redis *localserver.Redis
	var wg sync.WaitGroup
	wg.Go(func() {
		var err error
		if s.Postgres, err = localserver.StartPostgres(ctx, o); err != nil {
			cancel(err)
		}
	})
	wg.Go(func() {
		var err error
		if redis, err = localserver.StartRedis(ctx, o); err != nil {
			cancel(err)
			return
		}
		s.realRedis, s.redis, s.RedisAddr = redis, redis.Process, redis.Addr()
	})
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	s.DatabaseURL = s.Postgres.SocketURL()
	s.logf("PostgreSQL %s and Redis %s are up (%s)", s.Postgres.Version, redis.Version, since(started))
	return nil
}

// embedServers names a SQLite file, and starts the Redis that is in the app's program.
func (s *Stack) embedServers(ctx context.Context, binary string, env []string) error {
	dir, err := s.folder.Mkdir("sqlite")
	if err != nil {
		return err
	}
	s.DatabaseURL = "sqlite:" + filepath.Join(dir, "portal.db")
	s.embedded = func(ctx context.Context, addr string) error { return s.embedRedis(ctx, binary, env, addr) }
	if err := s.embedded(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	s.RedisAddr = s.ownRedis
	return nil
}

// embedRedis starts the Redis that is in the app's program, at an address.
func (s *Stack) embedRedis(ctx context.Context, binary string, env []string, addr string) error {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), binary, api.CommandRedis, addr)
	cmd.Env = env
	redis, err := s.startChild(ctx, "redis", cmd, func(p *localserver.Process) (err error) {
		s.ownRedis, err = firstAddress(p.Tail(1 << 10))
		return err
	})
	if err != nil {
		return fmt.Errorf("start the embedded Redis: %w", err)
	}
	s.mu.Lock()
	s.redis = redis
	s.mu.Unlock()
	return nil
}

// startChild starts a program that ends when its standard input does, and returns when it is ready. If it does not become so, it has ended.
func (s *Stack) startChild(ctx context.Context, name string, cmd *exec.Cmd, ready func(*localserver.Process) error) (*localserver.Process, error) {
	if _, err := cmd.StdinPipe(); err != nil { // cmd holds it open
		return nil, err
	}
	p, err := s.folder.Start(name, cmd)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.Await(ctx, readyEvery, func(context.Context) error { return ready(p) }); err != nil {
		p.Kill()
		return nil, err
	}
	return p, nil
}

// restartEmbedded starts the embedded Redis again, empty, at the address that it had.
func (s *Stack) restartEmbedded(ctx context.Context) error { return s.embedded(ctx, s.ownRedis) }

// firstAddress is the host:port that is the first line of what the embedded Redis writes.
func firstAddress(output string) (string, error) {
	line, _, _ := strings.Cut(output, "\n")
	if line == "" {
		return "", errors.New("it has not written its address yet")
	}
	if _, _, err := net.SplitHostPort(line); err != nil {
		return "", fmt.Errorf("its first line is not its address: %q", line)
	}
	return line, nil
}
