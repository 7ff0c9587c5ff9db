package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/redis/go-redis/v9"
	"github.com/uptrace/bun"
	"golang.org/x/sync/errgroup"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/outage"
	"loadlab/app/internal/pagecache"
	"loadlab/app/internal/probe"
	"loadlab/app/internal/redisproc"
	"loadlab/app/internal/relay"
	"loadlab/app/internal/server"
	"loadlab/internal/revision"
	"loadlab/otel/telemetry"
)

// app is the object graph of a running app.
type app struct {
	cfg       config
	log       *slog.Logger
	telemetry *telemetry.Telemetry
	store     *housing.Store
	outages   *outage.Book
	redis     *redis.Client
	cacheName *cacheName
	cache     *pagecache.Cache
	server    *server.Server
	listeners [2]net.Listener // API, lab

	mu      sync.Mutex // guards closers
	closers []func(context.Context) error
}

// start brings everything up but does not serve yet. What it started is closed again if it fails.
func start(ctx context.Context, cfg config, env func(string) string, stderr io.Writer) (*app, error) {
	gin.SetMode(gin.ReleaseMode)
	a := &app{cfg: cfg, log: telemetry.NewLogger(stderr, cfg.logLevel)}
	err := a.build(ctx, env, stderr)
	if err != nil {
		a.close()
		if ctx.Err() != nil {
			return nil, errors.New("interrupted while starting")
		}
		return nil, err
	}
	return a, nil
}

func (a *app) build(ctx context.Context, env func(string) string, stderr io.Writer) error {
	// The ports come first: a port in use should be reported at once, not after a minute of seeding.
	for i, addr := range []string{a.cfg.addr, a.cfg.labAddr} {
		l, err := listen(ctx, addr, [...]string{"--addr", "--lab-addr"}[i])
		if err != nil {
			return err
		}
		a.listeners[i] = l
		a.onClose(func(context.Context) error { return ignoreClosed(l.Close()) })
	}
	var err error
	observed := telemetry.Config{Service: "loadlab-app", Version: revision.Get(), Env: env, Log: a.log}
	if a.cfg.otlpLogs {
		exported, end, err := telemetry.ExportLogs(ctx, observed, a.cfg.logLevel)
		if errors.Is(err, telemetry.ErrNoEndpoint) {
			return usageError{fmt.Errorf("--otlp-logs: %w", err)}
		}
		if err != nil {
			return err
		}
		a.onClose(end)
		a.log = telemetry.NewLogger(stderr, a.cfg.logLevel, exported)
		observed.Log = a.log
	}
	if a.telemetry, err = telemetry.New(ctx, observed); err != nil {
		return err
	}
	a.onClose(a.telemetry.Close)
	registry := probe.NewRegistry(a.telemetry.Registry)
	a.outages = outage.NewBook(a.telemetry.Registry)

	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.openRedis(ctx) })
	group.Go(func() error { return a.openStore(groupCtx) })
	err = group.Wait()
	// Closed in the reverse order: the cache's background work needs both.
	if a.redis != nil {
		a.onClose(func(context.Context) error { return a.redis.Close() })
	}
	if a.store != nil {
		a.onClose(func(context.Context) error { return a.store.Close() })
	}
	if err != nil {
		return err
	}
	a.telemetry.Registry.MustRegister(collectors.NewDBStatsCollector(a.store.DB(), a.store.System()))
	a.cache = pagecache.New(a.redis, a.cfg.cachePrefix, pagecache.Config{Log: a.log, Outages: a.outages}.With(a.cfg.knobs))
	a.onClose(a.cache.Close)
	a.cacheName = &cacheName{client: a.redis, embedded: a.cfg.redisURL == ""}
	info, err := a.info(ctx)
	if err != nil {
		return err
	}
	changes := relay.Start(probe.With(ctx, probe.NewMeter(registry.Mode(api.ModeRelay))), a.store, a.cache, a.telemetry.Tracer)
	a.onClose(changes.Close)
	a.server = server.New(server.Config{
		Store: a.store, Cache: a.cache, Changes: changes, Redis: a.redis, Outages: a.outages, Probe: registry, Telemetry: a.telemetry, Log: a.log, Info: info, CacheName: a.cacheName.get, Slow: a.cfg.slow,
	})
	return nil
}

// listen opens a port. The error has what to do if the port is taken.
func listen(ctx context.Context, addr, flagName string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %s is in use: stop what listens there, or choose another with %s (or %s)", addr, flagName, api.EnvName(strings.TrimLeft(flagName, "-")))
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flagName, err)
	}
	return l, nil
}

// openRedis connects to the Redis that was named, or starts the embedded one. A named one that does not answer is only logged: the app
// can serve without it, and that it can is one of the things the lab shows.
func (a *app) openRedis(ctx context.Context) error {
	url := a.cfg.redisURL
	if url == "" {
		executable, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find the app's own binary: %w", err)
		}
		process, err := redisproc.Start(ctx, executable, api.CommandRedis)
		if err != nil {
			return fmt.Errorf("start the embedded Redis: %w", err)
		}
		a.onClose(func(context.Context) error { return process.Close() })
		url = "redis://" + process.Addr()
	}
	options, err := pagecache.Options(url, a.cfg.knobs.Duration("redis_budget"))
	if err != nil {
		return usageError{fmt.Errorf("--redis-url: %w", err)}
	}
	redis.SetLogger(redisLog{a.log})
	a.redis = redis.NewClient(options)
	a.redis.AddHook(&probe.RedisHook{Tracer: a.telemetry.Tracer})
	if err := a.redis.Ping(ctx).Err(); err != nil {
		a.log.WarnContext(ctx, "Redis does not answer: pages are computed until it does", "error", err)
	}
	return nil
}

// redisLog takes what go-redis logs on its own: a line for every dial that is refused, which during an outage is one for every request.
type redisLog struct{ log *slog.Logger }

// Printf logs at level debug.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis: "+fmt.Sprintf(format, v...))
}

// openStore opens the database, migrates and seeds it.
func (a *app) openStore(ctx context.Context) error {
	url := a.cfg.databaseURL
	if url == "" {
		dir, err := os.MkdirTemp("", "loadlab-app-")
		if err != nil {
			return fmt.Errorf("make a folder for SQLite: %w", err)
		}
		a.onClose(func(context.Context) error { return os.RemoveAll(dir) })
		url = "sqlite:" + filepath.Join(dir, "portal.db")
	}
	hook := &probe.SQLHook{Tracer: a.telemetry.Tracer}
	if a.cfg.logSQL {
		hook.Log = a.log
	}
	store, err := housing.Open(ctx, url, housing.Options{
		Connections: a.cfg.knobs.Count("db_conns"), Timeout: a.cfg.knobs.Duration("db_timeout"), Index: a.cfg.knobs.Boolean("index"),
		SQLiteRTT: a.cfg.knobs.Duration("sqlite_rtt"), SQLiteJitter: a.cfg.knobs.Duration("sqlite_jitter"), Outages: a.outages, Log: a.log,
		Hook: func(system string) bun.QueryHook {
			hook.System = system
			return hook
		},
	})
	if err != nil {
		return err
	}
	a.store = store
	started, properties := time.Now(), a.cfg.knobs.Count("properties")
	err = store.Seed(ctx, properties, func(done int) {
		a.log.InfoContext(ctx, "seeding", "properties", done, "of", properties)
	})
	if err != nil {
		return fmt.Errorf("seed the database: %w", err)
	}
	a.log.DebugContext(ctx, "seeded", "properties", properties, "took", time.Since(started).String())
	return nil
}

// onClose adds to what close does; Redis and the database start concurrently.
func (a *app) onClose(f func(context.Context) error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closers = append(a.closers, f)
}

// closeTimeout bounds the closing of what is left when nothing is served any more.
const closeTimeout = 5 * time.Second

// close closes everything in the reverse order of its start.
func (a *app) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	for i := len(a.closers) - 1; i >= 0; i-- {
		if err := a.closers[i](ctx); err != nil {
			a.log.Warn("close", "error", err)
		}
	}
	a.closers = nil
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
