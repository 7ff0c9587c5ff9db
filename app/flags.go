package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"

	"loadlab/app/api"
	"loadlab/app/internal/server"
	"loadlab/internal/spell"
)

// config is everything that can be set from outside: the knobs, and where things are and what is logged.
type config struct {
	knobs                 api.Config // every one of them
	addr, labAddr         string
	databaseURL, redisURL string
	cachePrefix           string
	logSQL, otlpLogs      bool
	logLevel              slog.Level
	readyFile, finalFile  string
	slow                  server.Slow
}

// usageError is an error of the command line or the environment.
type usageError struct{ error }

// knobFlag is the flag of a knob. It takes any text: parseFlags reads it when it is known where it came from.
type knobFlag struct {
	knob  api.Knob
	knobs api.Config
}

// String implements flag.Value.
func (f *knobFlag) String() string { return f.knobs[f.knob.Name] }

// Set implements flag.Value.
func (f *knobFlag) Set(text string) error {
	f.knobs[f.knob.Name] = text
	return nil
}

// IsBoolFlag lets the flag of a boolean stand without a value.
func (f *knobFlag) IsBoolFlag() bool { return f.knob.Kind == api.KindBoolean }

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
		value := env(api.EnvName(f.Name))
		if set[f.Name] || value == "" || failed != nil {
			return
		}
		if err := fs.Set(f.Name, value); err != nil {
			failed = usageError{fmt.Errorf("%s=%q: %w", api.EnvName(f.Name), value, err)}
		}
	})
	if failed != nil {
		return cfg, failed
	}
	for _, k := range api.Knobs() {
		source := "--" + k.Flag()
		if !set[k.Flag()] && env(k.Env()) != "" {
			source = k.Env()
		}
		value, err := k.Parse(source, cfg.knobs[k.Name])
		if err != nil {
			return cfg, usageError{err}
		}
		cfg.knobs[k.Name] = value
	}
	return cfg, nil
}

// misspelt returns a warning for each variable of the environment that is probably a slip of one of the app's. Others that begin alike are those of Docker Compose.
func misspelt(environ []string) []string {
	fs := flag.NewFlagSet("app", flag.ContinueOnError)
	define(fs, &config{})
	var read []string
	fs.VisitAll(func(f *flag.Flag) { read = append(read, api.EnvName(f.Name)) })
	return spell.Variables(environ, api.EnvPrefix, read, nil)
}

func define(fs *flag.FlagSet, cfg *config) {
	fs.StringVar(&cfg.addr, "addr", ":8000", "`address` of the API")
	fs.StringVar(&cfg.labAddr, "lab-addr", "127.0.0.1:"+api.LabPort, "`address` of the lab controls, /metrics and /debug/pprof: no authentication")
	fs.StringVar(&cfg.databaseURL, "database-url", "", "postgres://... or sqlite:PATH; empty: SQLite in a temporary file")
	fs.StringVar(&cfg.redisURL, "redis-url", "", "redis://...; empty: an embedded one, in a process of its own")
	fs.StringVar(&cfg.cachePrefix, "cache-prefix", "loadlab", "what the names of all Redis keys begin with")
	fs.BoolVar(&cfg.logSQL, "log-sql", false, "log every SQL statement")
	fs.BoolVar(&cfg.otlpLogs, "otlp-logs", false, "send log records by OTLP too, with their traces, to OTEL_EXPORTER_OTLP_ENDPOINT")
	fs.TextVar(&cfg.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	fs.StringVar(&cfg.readyFile, "ready-file", "", "write the addresses to this `file` as JSON once the app serves")
	fs.StringVar(&cfg.finalFile, "final-file", "", "write the counters to this `file` as JSON, as /lab/counters has them, when the app ends")
	cfg.slow = server.Slow{}
	fs.Var(cfg.slow, "slow", "`mode=+20%`: its handler waits for that much of its own time before it answers; several with commas between. For tests of what finds slow handlers")
	cfg.knobs = api.Defaults()
	for _, k := range api.Knobs() {
		fs.Var(&knobFlag{k, cfg.knobs}, k.Flag(), k.Doc)
	}
}

// usage lists the flags with their environment variables.
func usage(w io.Writer, fs *flag.FlagSet) {
	fmt.Fprint(w, "app serves the housing portal, and the lab controls on a port of their own.\n\n",
		"  go run ./app                  SQLite and an embedded Redis, seeded, on ports 8000 and 8001\n",
		"  app --database-url postgres://lab@localhost/lab --redis-url redis://localhost:6379\n\n",
		"--version prints the version. Every flag has an environment variable. Traces are exported if OTEL_EXPORTER_OTLP_ENDPOINT is set.\n\n")
	fs.VisitAll(func(f *flag.Flag) {
		value, text := flag.UnquoteUsage(f)
		byDefault := ""
		if f.DefValue != "" {
			byDefault = " (default " + f.DefValue + ")"
		}
		if k, ok := f.Value.(*knobFlag); ok && k.knob.Kind != api.KindBoolean {
			value = string(k.knob.Kind)
			if k.knob.Kind.Choices() == nil {
				byDefault = fmt.Sprintf(" (default %s, from %s to %s)", f.DefValue, k.knob.Least, k.knob.Most)
			}
		}
		fmt.Fprintf(w, "  --%s %s\n        %s%s  [%s]\n", f.Name, value, text, byDefault, api.EnvName(f.Name))
	})
}
