package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"loadlab/loadgen/internal/ab"
)

// errMissed is that of a count that is not what it is to be.
var errMissed = errors.New("a count is not what it is to be")

// kind is one kind of test.
type kind struct {
	name   string
	commit string   // patch that B has; empty for A's build
	args   []string // of loadgen ab
	slow   bool     // B is slower
	busy   bool     // another program keeps a processor busy meanwhile
	runs   int
	cause  []string // one of which is to be named; nil for any
	goal   func(count) string
}

// count is what the tests of a kind came to.
type count struct {
	kind                                    kind
	outcomes                                []outcome
	runs, fail, pass, inconclusive, invalid int
	named                                   int       // of fail, with the right cause
	alarms                                  int       // FAILs of A/A, of all kinds
	took                                    []float64 // seconds of the tests that failed
	spread, finds                           []float64 // as outcomes have them
}

// kinds are all tests, in their order.
func kinds(aa, slow, work, causes int) []kind {
	optimized := []string{"--mode", "optimized", "--phase", "steady"}
	with := func(args ...string) []string { return append(append([]string(nil), optimized...), args...) }
	mode := func(mode, phase string) []string { return []string{"--mode", mode, "--phase", phase} }
	return []kind{
		{name: "A/A, quiet", args: optimized, runs: aa / 2, goal: falseAlarms},
		{name: "A/A, a processor busy", args: optimized, busy: true, runs: aa - aa/2, goal: falseAlarms},
		{name: "+10% of handler time", args: with("--b-arg", "--slow=optimized=+10%"), slow: true, runs: slow, goal: found(0.90, 180)},
		{name: "+20% of handler time", args: with("--b-arg", "--slow=optimized=+20%"), slow: true, runs: slow, goal: found(0.95, 90)},
		{name: "a query for each row (N+1)", commit: "nplus1", args: mode("naive", "steady"), slow: true, runs: work, cause: []string{"properties by id"}, goal: atOnce},
		{name: "15% of CPU in the handler", commit: "cpu", args: optimized, slow: true, runs: causes, cause: []string{"server.verify"}, goal: named},
		{name: "no index", commit: "index", args: optimized, slow: true, runs: causes, cause: []string{ab.SlowerSQL}, goal: named},
		{name: "a pool of two", commit: "pool", args: mode("naive", "pool"), slow: true, runs: causes, cause: []string{ab.PoolWait}, goal: named},
		{name: "a pause in each Redis command", commit: "redis", args: mode("ttl", "steady"), slow: true, runs: causes, cause: []string{ab.SlowerRedis}, goal: named},
		{name: "a collector that runs all the time", commit: "gc", args: optimized, slow: true, runs: causes, cause: []string{ab.GC}, goal: named},
	}
}

func bench(ctx context.Context, args []string, out io.Writer) (err error) {
	flags := flag.NewFlagSet("gates", flag.ContinueOnError)
	aa := flags.Int("aa", 60, "tests of a build with itself, half of them beside a busy processor")
	slow := flags.Int("slow", 30, "tests of +10% and as many of +20%")
	work := flags.Int("work", 10, "tests of an added N+1")
	causes := flags.Int("causes", 5, "tests of each build with a cause to name")
	keep := flags.String("keep", "", "`file` that the tests are added to, a line of JSON each; those it has already are counted and not made again")
	only := flags.String("only", "", "only the kinds whose name has this in it")
	if err := flags.Parse(args); err != nil {
		return err
	}
	older, err := openKept(*keep)
	if err != nil {
		return err
	}
	builds, err := newBuilds(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, builds.close()) }()
	var counts []count
	for _, k := range kinds(*aa, *slow, *work, *causes) {
		if !strings.Contains(k.name, *only) || k.runs == 0 {
			continue
		}
		c, err := builds.count(ctx, k, older, out)
		if c.runs > 0 {
			counts = append(counts, c)
		}
		if err != nil {
			return errors.Join(err, summarize(out, counts))
		}
	}
	return summarize(out, counts)
}

// count runs the tests of a kind that were not made before.
func (b *builds) count(ctx context.Context, k kind, kept kept, out io.Writer) (c count, err error) {
	c.kind = k
	for _, o := range kept.of(k.name) {
		c.add(o)
	}
	if c.runs >= k.runs {
		return c, nil
	}
	program, err := b.program(ctx, k.commit)
	if err != nil {
		return c, err
	}
	if k.busy {
		stop, err := keepBusy(ctx)
		if err != nil {
			return c, err
		}
		defer stop()
	}
	for c.runs < k.runs {
		t, err := b.test(ctx, program, k.args)
		if err != nil {
			return c, err
		}
		d, err := t.Decide()
		if err != nil {
			return c, err
		}
		o := outcomeOf(k.name, t, d)
		c.add(o)
		if err := kept.add(o); err != nil {
			return c, err
		}
		fmt.Fprintf(out, "%s, %d of %d: %s, %.0f s, %d epochs: %s\n", k.name, c.runs, k.runs, o.Verdict, o.Seconds, o.Epochs, strings.Join(append([]string{o.Reason}, o.Causes...), "; "))
	}
	return c, nil
}

// add counts a test.
func (c *count) add(o outcome) {
	c.runs++
	c.outcomes = append(c.outcomes, o)
	switch o.Verdict {
	case ab.Fail:
		c.fail++
		c.took = append(c.took, o.Seconds)
		if o.names(c.kind.cause) {
			c.named++
		}
	case ab.Pass:
		c.pass++
	case ab.Inconclusive:
		c.inconclusive++
	default:
		c.invalid++
	}
	if o.Spread != nil {
		c.spread = append(c.spread, *o.Spread)
	}
	if o.Finds != nil {
		c.finds = append(c.finds, *o.Finds)
	}
}

// scenarioFile and commitsDir are in the tree.
func scenarioFile() string { return filepath.Join("loadgen", "bench", "gates", "gates.yaml") }
func commitsDir() string   { return filepath.Join("loadgen", "bench", "gates", "commits") }

// root is the tree that this runs in.
func root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(filepath.Join(dir, scenarioFile())); err != nil {
		return "", fmt.Errorf("start it from the root of the tree: %w", err)
	}
	return dir, nil
}
