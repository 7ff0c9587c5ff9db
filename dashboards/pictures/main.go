// Command pictures opens every dashboard of a running Grafana in Chromium and writes a picture of each:
//
//	go run ./dashboards/pictures -grafana http://localhost:3000 -run 20261128-190649-stampede -out pictures
//
// It exits with 1 if a panel is missing, has no data or an error, or if the browser's console has an error. Without -run, dashboards show the newest run of their
// own time range.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"loadlab/dashboards/board"
	"loadlab/dashboards/gallery"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := execute(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to stop
	}
}

// errProblems is the error of a Grafana that was not as it should be.
var errProblems = errors.New("not every dashboard is as it should be")

func execute(ctx context.Context, args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("pictures", flag.ContinueOnError)
	o := gallery.Options{Files: board.All(), MayLack: board.MayLack()}
	fs.StringVar(&o.Grafana, "grafana", "http://localhost:3000", "the `address` of Grafana")
	fs.StringVar(&o.Run, "run", "", "the `id` of a run; the newest of the time range if empty")
	fs.StringVar(&o.From, "from", "", "the begin of the `time` range, as Grafana has it: milliseconds, or now-1h")
	fs.StringVar(&o.To, "to", "", "its end, likewise `time`")
	fs.StringVar(&o.Out, "out", "pictures", "the `folder` to write to")
	fs.DurationVar(&o.Limit, "limit", 0, "how `long` a dashboard may take to be drawn (default 30s)")
	if err := fs.Parse(args); err != nil {
		return err
	}
	found := false
	err := gallery.Take(ctx, o, func(picture string, problems []gallery.Problem) {
		fmt.Fprintln(stdout, picture)
		for _, p := range problems {
			found = true
			fmt.Fprintln(stdout, "  ", p)
		}
	})
	if err == nil && found {
		err = errProblems
	}
	return err
}
