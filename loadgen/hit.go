package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/stack"
)

// hitFlags are the flags of hit.
type hitFlags struct {
	method, body, rate, arrivals string
	headers                      []string
	users, requests              int
	length, think, timeout       time.Duration
	seed                         uint64
	limited                      bool
	connect                      connectFlags
}

func hitCommand(env environment) *cobra.Command {
	var f hitFlags
	cmd := &cobra.Command{
		Use: "hit URL", Short: "Drive one request at any URL, without a scenario", Args: arguments(cobra.ExactArgs(1)),
		Example: `  loadgen hit http://localhost:8000/api/properties/cached/ --rate 200/s --for 10s
  loadgen hit http://localhost:8000/api/properties/live/naive/ -c 50 --for 8s`,
	}
	flags := cmd.Flags()
	flags.StringVar(&f.rate, "rate", "", "open load: so many requests a second, whatever the server does: 200/s, 50/s..500/s")
	flags.StringVar(&f.arrivals, "arrivals", "poisson", "of an open load: poisson or constant")
	flags.IntVarP(&f.users, "users", "c", 0, "closed load: so many users that wait for each response (default 1)")
	flags.IntVarP(&f.requests, "requests", "n", 0, "closed load: end after so many requests")
	flags.DurationVar(&f.length, "for", 0, "how long (default 10s, unless --requests ends it)")
	flags.DurationVar(&f.think, "think", 0, "closed load: how long a user waits before its next request")
	flags.DurationVar(&f.timeout, "timeout", scenario.DefaultTimeout, "of a request, from when it was due")
	flags.StringVarP(&f.method, "method", "X", "GET", "HTTP method")
	flags.StringVarP(&f.body, "data", "d", "", "body of the request")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "header of the request, as in 'Accept: text/html'; may be repeated")
	flags.Uint64Var(&f.seed, "seed", 1, "seed of the arrivals")
	f.connect.define(flags)
	flags.BoolVar(&f.limited, "allow-limited", false, "exit 0 also when the generator was the bottleneck")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, target, err := f.scenario(args[0])
		if err != nil {
			return usageError{err}
		}
		options, err := f.connect.options()
		if err != nil {
			return err
		}
		return hit(cmd.Context(), env, run.Config{
			Scenario: s, Seed: f.seed, Client: options, AllowLimited: f.limited, Progress: newProgress(env),
			Stack: stack.Config{Kind: stack.Remote, Target: target},
		})
	}
	return cmd
}

// scenario is the scenario that the flags describe, and the target's URL.
func (f hitFlags) scenario(address string) (*scenario.Scenario, string, error) {
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, "", fmt.Errorf("the URL cannot be read: %w", err)
	}
	if f.rate != "" && (f.users != 0 || f.requests != 0 || f.think != 0) {
		return nil, "", errors.New("--rate is an open load, --users, --requests and --think are a closed one: choose one")
	}
	if f.length == 0 && f.requests == 0 {
		f.length = defaultLength
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	s, err := scenario.Parse("hit", []byte(f.yaml(path)))
	if es := (scenario.Errors)(nil); errors.As(err, &es) {
		var said []string // places in a file that nobody wrote help nobody
		for _, e := range es {
			said = append(said, e.Msg)
		}
		err = errors.New(strings.Join(said, "; "))
	}
	if err != nil {
		return nil, "", err
	}
	s.Why = s.Modes[0].Method + " " + path + ", " + s.Phases[0].Describe()
	s.Modes[0].Body = f.body
	return s, (&url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}).String(), nil
}

const defaultLength = 10 * time.Second

// yaml writes the scenario as a file would, so that hit means what a scenario means and refuses what one refuses.
func (f hitFlags) yaml(path string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "name: hit\nwhy: one request\nrounds: 1\ntimeout: %s\n", f.timeout)
	fmt.Fprintf(&b, "modes:\n  hit:\n    request: %q\n    expect: [%s]\n", f.method+" "+path, successes)
	if len(f.headers) > 0 {
		fmt.Fprint(&b, "    headers:\n")
		for _, h := range f.headers {
			name, value, _ := strings.Cut(h, ":")
			fmt.Fprintf(&b, "      %q: %q\n", strings.TrimSpace(name), strings.TrimSpace(value))
		}
	}
	fmt.Fprintf(&b, "phases:\n  - {name: hit, %s}\n", f.load())
	return b.String()
}

// successes are the statuses that hit takes for no failure: those of RFC 9110 that say so, or redirect.
const successes = "200, 201, 202, 203, 204, 205, 206, 300, 301, 302, 303, 304, 307, 308"

// load is the phase's shape.
func (f hitFlags) load() string {
	parts := []string{}
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if f.rate != "" {
		add("rate: %q", f.rate)
		add("arrivals: %q", f.arrivals)
	} else {
		add("users: %d", cmp.Or(f.users, 1))
		if f.requests != 0 {
			add("requests: %d", f.requests)
		}
		if f.think != 0 {
			add("think: %s", f.think)
		}
	}
	if f.length != 0 {
		add("for: %s", f.length)
	}
	return strings.Join(parts, ", ")
}

// hit runs the one phase, prints the report, and ends it with a line that other programs can read.
func hit(ctx context.Context, env environment, cfg run.Config) error {
	r, err := run.Run(ctx, cfg)
	if err != nil {
		return err
	}
	fmt.Fprintln(env.stdout)
	if err := printReport(env, r, ""); err != nil {
		return err
	}
	if len(r.Cells) > 0 {
		fmt.Fprintf(env.stdout, "\n%s\n", summary(r))
	}
	return verdictOf(r)
}

// summary is one line that other programs can read: "300 requests p50=1.2ms p90=1.5ms p95=2ms p99=3ms", 0s for what was not measured.
// A line before it names the quantiles that are of too few requests.
func summary(r *result.Run) string {
	line, doubtful := fmt.Sprintf("%d requests", r.Cells[0].Ledger.Scheduled), []string(nil)
	figures, err := figure.New(r)
	if err != nil {
		return line
	}
	for _, name := range []string{"p50", "p90", "p95", "p99"} {
		text := brief(0)
		value, _, err := figures.Value(name, "", "")
		switch {
		case errors.Is(err, figure.ErrTooFewSamples), errors.Is(err, figure.ErrAtBound):
			doubtful = append(doubtful, name)
			fallthrough
		case err == nil:
			text = brief(time.Duration(value * float64(time.Millisecond)))
		}
		line += " " + name + "=" + text
	}
	if len(doubtful) > 0 {
		line = "At least (too few requests, or beyond what is recorded): " + strings.Join(doubtful, ", ") + "\n\n" + line
	}
	return line
}

// brief renders a duration without a space, as time.ParseDuration reads it.
func brief(d time.Duration) string { return d.Round(time.Microsecond).String() }
