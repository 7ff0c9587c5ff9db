package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// config is everything that can be set from outside.
type config struct {
	addr, labAddr         string
	databaseURL, redisURL string
	properties            int
	index                 bool
	ttl, grace, lockTTL   time.Duration
	beta                  float64
	redisBudget           time.Duration
	computeTimeout        time.Duration
	cachePrefix           string
	dbConns               int
	dbTimeout             time.Duration
	logSQL                bool
	logLevel              slog.Level
	readyFile             string
	drain                 time.Duration
}

// usageError is an error of the command line or the environment.
type usageError struct{ error }

// envPrefix begins the name of every flag's environment variable: --redis-url is LOADLAB_REDIS_URL.
const envPrefix = "LOADLAB_"

func envName(flagName string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flagName, "-", "_"))
}

// parseFlags reads the command line, and the environment for what it leaves open.
func parseFlags(args []string, env func(string) string, stderr io.Writer) (config, error) {
	cfg := config{}
	fs := flag.NewFlagSet("app", flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	define(fs, &cfg)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			usage(stderr, fs)
			return cfg, err
		}
		return cfg, usageError{fmt.Errorf("%w (app -h lists the flags)", err)}
	}
	if fs.NArg() > 0 {
		return cfg, usageError{fmt.Errorf("unexpected argument %q (app -h lists the flags)", fs.Arg(0))}
	}
	set := map[string]bool{}
	fs.Visit(func(f *flag.Flag) { set[f.Name] = true })
	var failed error
	fs.VisitAll(func(f *flag.Flag) {
		value := env(envName(f.Name))
		if set[f.Name] || value == "" || failed != nil {
			return
		}
		if err := fs.Set(f.Name, value); err != nil {
			failed = usageError{fmt.Errorf("%s=%q: %w", envName(f.Name), value, err)}
		}
	})
	if failed != nil {
		return cfg, failed
	}
	return cfg, cfg.check()
}

func define(fs *flag.FlagSet, cfg *config) {
	fs.StringVar(&cfg.addr, "addr", ":8000", "`address` of the API")
	fs.StringVar(&cfg.labAddr, "lab-addr", "127.0.0.1:8001", "`address` of the lab controls, /metrics and /debug/pprof: no authentication")
	fs.StringVar(&cfg.databaseURL, "database-url", "", "postgres://... or sqlite:PATH; empty: SQLite in a temporary file")
	fs.StringVar(&cfg.redisURL, "redis-url", "", "redis://...; empty: an embedded one, in a process of its own")
	fs.IntVar(&cfg.properties, "properties", 5000, "how many `rows` the database is seeded with")
	fs.BoolVar(&cfg.index, "index", false, "index properties by (created_at DESC, id DESC)")
	fs.DurationVar(&cfg.ttl, "ttl", time.Minute, "how long a cached page is fresh")
	fs.DurationVar(&cfg.grace, "grace", time.Minute, "how long after that swr may serve it while it is refreshed")
	fs.DurationVar(&cfg.lockTTL, "lock-ttl", 5*time.Second, "how long a recompute may hold its lock, and others wait for it")
	fs.Float64Var(&cfg.beta, "beta", 1, "eagerness of early recomputation (XFetch); above 1 is earlier")
	fs.DurationVar(&cfg.redisBudget, "redis-budget", 250*time.Millisecond, "all the time that Redis may cost one request")
	fs.DurationVar(&cfg.computeTimeout, "compute-timeout", 30*time.Second, "the longest that a recompute may take")
	fs.StringVar(&cfg.cachePrefix, "cache-prefix", "loadlab", "what the names of all Redis keys begin with")
	fs.IntVar(&cfg.dbConns, "db-conns", 20, "connections in the database pool")
	fs.DurationVar(&cfg.dbTimeout, "db-timeout", 10*time.Second, "the longest that a query may take")
	fs.BoolVar(&cfg.logSQL, "log-sql", false, "log every SQL statement")
	fs.TextVar(&cfg.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	fs.StringVar(&cfg.readyFile, "ready-file", "", "write the addresses to this `file` as JSON once the app serves")
	fs.DurationVar(&cfg.drain, "drain", 10*time.Second, "how long requests that run at SIGTERM may take to end")
}

// check refuses what cannot work.
func (c config) check() error {
	for _, d := range []struct {
		name  string
		value time.Duration
		least time.Duration
	}{
		{"ttl", c.ttl, time.Millisecond}, {"grace", c.grace, 0}, {"lock-ttl", c.lockTTL, time.Millisecond},
		{"redis-budget", c.redisBudget, time.Millisecond}, {"compute-timeout", c.computeTimeout, time.Millisecond},
		{"db-timeout", c.dbTimeout, time.Millisecond}, {"drain", c.drain, 0},
	} {
		if d.value < d.least {
			return usageError{fmt.Errorf("--%s is %s: the least is %s", d.name, d.value, d.least)}
		}
	}
	switch {
	case c.properties < 1:
		return usageError{fmt.Errorf("--properties is %d: the least is 1", c.properties)}
	case c.dbConns < 1:
		return usageError{fmt.Errorf("--db-conns is %d: the least is 1", c.dbConns)}
	case c.beta <= 0:
		return usageError{fmt.Errorf("--beta is %g: it must be above 0", c.beta)}
	}
	return nil
}

// usage lists the flags with their environment variables.
func usage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprint(w, "app serves the housing portal, and the lab controls on a port of their own.\n\n",
		"  go run ./app                  SQLite and an embedded Redis, seeded, on ports 8000 and 8001\n",
		"  app --database-url postgres://lab@localhost/lab --redis-url redis://localhost:6379\n\n",
		"Every flag has an environment variable. Traces are exported if OTEL_EXPORTER_OTLP_ENDPOINT is set.\n\n")
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		byDefault := ""
		if f.DefValue != "" {
			byDefault = " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(w, "  --%s %s\n        %s%s  [%s]\n", f.Name, value, text, byDefault, envName(f.Name))
	})
}
