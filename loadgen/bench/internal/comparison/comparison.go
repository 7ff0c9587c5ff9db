// Package comparison measures the generator itself: what a request costs it, how regular its arrivals are at a server, and how late it
// sends, beside the other generators that the machine has. It knows nothing of scenarios; its subject is client, drive and measure.
//
// # How it measures
//
// Every generator is a process of its own with GOMAXPROCS=1 on one core; the server, the smallest there can be, is this process, on
// another. What a generator reports of itself is not used: its CPU time is the kernel's account of the process, the number of requests and
// the moments of their arrival are the server's. Generators take turns within a round, each round from another one on, and what is
// compared is compared within a round: a machine that slows down for a second slows its neighbours down too. Figures are medians of the
// rounds, with the least and the greatest beside them.
//
// Where there is one core only, or no way to choose it, all share what there is, and the table has a note of it.
package comparison

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"
)

// Config is how long to measure.
type Config struct {
	Rounds      int
	Connections int           // of the closed loops
	Closed      time.Duration // of a closed loop, a round; whole seconds if wrk is there, which has no others
	Open        time.Duration // of an open loop at a constant rate, a round
	Rate        float64       // of it
	Poisson     time.Duration // of the Poisson arrivals, once
	PoissonRate float64
	Small       int // bytes of the bodies
	Large       int
	Pin         bool   // to one core each
	Program     string // that runs Main: the generator's own process is made of it
}

// Default is a run of a minute and a half.
func Default() Config {
	return Config{
		Rounds: 5, Connections: 50, Closed: time.Second, Open: 3 * time.Second, Rate: 1000,
		Poisson: 10 * time.Second, PoissonRate: 100, Small: 200, Large: 48_000, Pin: true,
	}
}

// Main is the program: it measures and prints the table. program is the path it runs from, for it starts itself again as a generator.
func Main(ctx context.Context, program string, args []string, stdout, stderr io.Writer) error {
	if len(args) == 2 && args[0] == driveCommand {
		return driveMain(ctx, args[1], stdout)
	}
	c := Default()
	c.Program = program
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&c.Rounds, "rounds", c.Rounds, "how often each generator is measured")
	flags.IntVar(&c.Connections, "connections", c.Connections, "of the closed loops")
	flags.DurationVar(&c.Closed, "closed", c.Closed, "how long a closed loop lasts, in whole seconds")
	flags.DurationVar(&c.Open, "open", c.Open, "how long an open loop lasts")
	flags.Float64Var(&c.Rate, "rate", c.Rate, "requests a second of the open loop")
	flags.DurationVar(&c.Poisson, "poisson", c.Poisson, "how long Poisson arrivals last")
	flags.Float64Var(&c.PoissonRate, "poisson-rate", c.PoissonRate, "requests a second of them")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := c.validate(flags.Args()); err != nil {
		return err
	}
	results, err := Measure(ctx, c, stderr)
	if err != nil {
		return err
	}
	return results.Write(stdout)
}

func (c *Config) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q", rest[0])
	case c.Rounds < 1 || c.Connections < 1:
		return errors.New("-rounds and -connections must be at least 1")
	case c.Closed < time.Second || c.Closed%time.Second != 0:
		return fmt.Errorf("-closed %v: want whole seconds", c.Closed)
	case c.Open < 2*settling || c.Poisson < 2*settling:
		return fmt.Errorf("-open and -poisson must be at least %v", 2*settling)
	case c.Rate*(c.Open-settling).Seconds() < 10 || c.PoissonRate*c.Poisson.Seconds() < 10:
		return errors.New("-rate and -poisson-rate are too low for their durations")
	}
	return nil
}
