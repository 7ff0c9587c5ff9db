package fault

import (
	"context"
	"fmt"
	"strings"
	"time"

	"loadlab/loadgen/internal/unit"
	"loadlab/loadgen/internal/world"
	"loadlab/loadgen/internal/world/link"
	"loadlab/loadgen/internal/world/link/control"
)

// standsFor is what a wire, or a driver in its place, does for a server that is killed or stopped.
func standsFor(kind string) string {
	switch kind {
	case "kill":
		return "refuse"
	case "stop":
		return "hang"
	}
	return kind
}

// Wire does faults by the links in the servers' paths.
type Wire struct{ Links *control.Client }

// Begin implements Doer.
func (w Wire) Begin(ctx context.Context, f world.Fault, s world.Settings) (Running, error) {
	lf := link.Fault{Kind: standsFor(f.Kind), Share: s.Share, Delay: s.Delay}
	if _, err := w.Links.Begin(ctx, f.Server, lf); err != nil {
		return nil, err
	}
	return wired{w.Links, f.Server}, nil
}

type wired struct {
	links  *control.Client
	server string
}

// End implements Running.
func (w wired) End(ctx context.Context) (Seen, error) {
	e, err := w.links.End(ctx, w.server)
	if err != nil {
		return Seen{}, err
	}
	return Seen{Effect: !e.Nothing(), Text: "the link " + counts(
		count{"struck", e.Connections, "connection"}, count{"was refused its own connections", e.Refused, "time"}, count{"reset", e.Resets, "connection"},
		count{"held back", e.Held, "byte"}, count{"dropped", e.Dropped, "byte"}, count{"delayed", e.Delayed, "answer"},
	)}, nil
}

// count is what was done, and to how many of what.
type count struct {
	did  string
	n    int64
	what string // one of them
}

// counts lists the counts that are not 0.
func counts(all ...count) string {
	var parts []string
	for _, c := range all {
		if c.n > 0 {
			parts = append(parts, c.did+" "+unit.Counted(c.n, c.what))
		}
	}
	if len(parts) == 0 {
		return "saw nothing of it"
	}
	return strings.Join(parts, ", ")
}

// seconds renders how long something took.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
