package control

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"loadlab/loadgen/internal/world/link"
)

// UsageError is an error in what was asked for.
type UsageError struct{ error }

// Unwrap returns the error itself.
func (e UsageError) Unwrap() error { return e.error }

// options is the command line.
type options struct {
	links          []link.Config
	control, check link.Addr
	readyFile      string
	withParent     bool
}

// parseFlags reads the command line. Its error is a UsageError, or flag.ErrHelp after the help has been written.
func parseFlags(args []string, stdout io.Writer) (o options, err error) {
	var one link.Config
	var wire link.Wire
	var seed uint64
	var texts []string
	flags := flag.NewFlagSet("link", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	address := func(a *link.Addr, name, usage string) {
		flags.Func(name, usage+": tcp:HOST:PORT or unix:PATH", func(s string) error { return a.UnmarshalText([]byte(s)) })
	}
	flags.Func("link", "a link, `NAME=LISTEN,TO[,rtt=1ms][,jitter=100us][,bandwidth=1000000]`; may be given again for one more", func(s string) error {
		texts = append(texts, s)
		return nil
	})
	address(&one.Listen, "listen", "of a single link: where clients connect")
	address(&one.To, "to", "of a single link: the server")
	flags.DurationVar(&wire.RTT, "rtt", 0, "of a round trip, where a link does not say it")
	flags.DurationVar(&wire.Jitter, "jitter", 0, "the most that is added to the delay of a direction")
	flags.Int64Var(&wire.Bandwidth, "bandwidth", 0, "bytes a second, of each direction of a connection; 0 is no limit")
	flags.Uint64Var(&seed, "seed", uint64(time.Now().UnixNano()), "of the jitter, and of which connections a fault's share is") //nolint:gosec // a seed
	address(&o.control, "control", "serve the API of wires and faults there; it has no authentication")
	flags.StringVar(&o.readyFile, "ready-file", "", "write the addresses to this `file` as JSON once the links listen")
	flags.BoolVar(&o.withParent, "with-parent", false, "end when the standard input ends")
	address(&o.check, "check", "only ask the links controlled there whether they live, and exit")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(stdout)
			flags.Usage()
			return o, err
		}
		return o, UsageError{err}
	}
	if flags.NArg() > 0 {
		return o, UsageError{fmt.Errorf("link takes flags only, not %q", flags.Arg(0))}
	}
	if o.check.Network != "" {
		return o, nil
	}
	if len(texts) == 0 {
		one.Wire = wire
		o.links = []link.Config{one}
	}
	for _, s := range texts {
		c, err := link.ParseConfig(s, wire)
		if err != nil {
			return o, UsageError{err}
		}
		o.links = append(o.links, c)
	}
	if len(texts) > 0 && (one.Listen.Network != "" || one.To.Network != "") {
		return o, UsageError{errors.New("--listen and --to are of a single link: give either them or --link")}
	}
	return o, o.complete(seed)
}

// complete gives each link its seed, and refuses two of one name.
func (o *options) complete(seed uint64) error {
	seen := map[string]bool{}
	for i := range o.links {
		c := &o.links[i]
		c.Seed = seed + uint64(i) //nolint:gosec // small
		if err := c.Validate(); err != nil {
			return UsageError{err}
		}
		if seen[c.Name] {
			return UsageError{fmt.Errorf("there are two links %q: give each a name of its own", c.Name)}
		}
		seen[c.Name] = true
	}
	return nil
}
