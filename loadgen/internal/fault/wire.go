package fault

import (
	"context"
	"fmt"
	"strings"
	"time"

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
		count{e.Connections, "struck %d connections"}, count{e.Refused, "was refused %d times when it tried to connect itself"}, count{e.Resets, "reset %d connections"},
		count{e.Held, "held back %d bytes"}, count{e.Dropped, "dropped %d bytes"}, count{e.Delayed, "delayed %d answers"},
	)}, nil
}

// count is a number and what it counts.
type count struct {
	n    int64
	text string
}

// counts lists the counts that are not 0.
func counts(all ...count) string {
	var parts []string
	for _, c := range all {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf(c.text, c.n))
		}
	}
	if len(parts) == 0 {
		return "saw nothing of it"
	}
	return strings.Join(parts, ", ")
}

// seconds renders how long something took.
func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
