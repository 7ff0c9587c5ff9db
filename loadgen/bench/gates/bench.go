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
	runs, fail, pass, inconclusive, invalid int
	named                                   int       // of fail, with the right cause
	took                                    []float64 // seconds of the tests that failed
	spread                                  []float64 // standard deviation of the first endpoint's logarithms over the epochs, a test each
	finds                                   []float64 // what a test would have found of it
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
	only := flags.String("only", "", "only the kinds whose name has this in it")
	if err := flags.Parse(args); err != nil {
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
		c, err := builds.count(ctx, k, out)
		if c.runs > 0 {
			counts = append(counts, c)
		}
		if err != nil {
			return errors.Join(err, summarize(out, counts))
		}
	}
	return summarize(out, counts)
}

// count runs the tests of a kind.
func (b *builds) count(ctx context.Context, k kind, out io.Writer) (c count, err error) {
	c.kind = k
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
	for run := range k.runs {
		t, err := b.test(ctx, program, k.args)
		if err != nil {
			return c, err
		}
		d, err := t.Decide()
		if err != nil {
			return c, err
		}
		c.add(t, d)
		fmt.Fprintf(out, "%s, %d of %d: %s, %.0f s, %d epochs: %s%s\n", k.name, run+1, k.runs, d.Verdict, t.Took.Seconds(), d.Used, d.Reason, causesOf(t, d))
	}
	return c, nil
}

// add counts a test.
func (c *count) add(t *ab.Test, d ab.Decision) {
	c.runs++
	switch d.Verdict {
	case ab.Fail:
		c.fail++
		c.took = append(c.took, t.Took.Seconds())
		if c.right(t, d) {
			c.named++
		}
	case ab.Pass:
		c.pass++
	case ab.Inconclusive:
		c.inconclusive++
	default:
		c.invalid++
	}
	if len(d.Latency.Findings) > 0 {
		var logs []float64
		for _, e := range t.Epochs {
			if len(e.D) > 0 {
				logs = append(logs, e.D[0])
			}
		}
		c.spread = append(c.spread, deviation(logs))
		c.finds = append(c.finds, d.Latency.Findings[0].Detectable-1)
	}
}

// right reports whether a test names what is behind it.
func (c *count) right(t *ab.Test, d ab.Decision) bool {
	text := causesOf(t, d)
	for _, want := range c.kind.cause {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

// causesOf is all that a test names.
func causesOf(t *ab.Test, d ab.Decision) string {
	var text strings.Builder
	for _, w := range t.Work {
		for _, name := range w.Repeats {
			text.WriteString("; repeats " + name)
		}
	}
	for _, cause := range t.Causes(d) {
		text.WriteString("; " + cause.Endpoint + ": " + cause.Name)
		if cause.Detail != "" {
			text.WriteString(" (" + cause.Detail + ")")
		}
	}
	return text.String()
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
