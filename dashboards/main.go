// Command dashboards writes the lab's Grafana dashboards as JSON:
//
//	go run ./dashboards
//
// writes dashboards/json, which Grafana loads (docker-compose.yml, grafana/provisioning). Package board has what is in them.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"loadlab/dashboards/board"
)

func main() {
	if err := execute(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// execute writes one file a dashboard and prints its name.
func execute(args []string, stdout io.Writer) error {
	fs := flag.NewFlagSet("dashboards", flag.ContinueOnError)
	out := fs.String("out", filepath.Join("dashboards", "json"), "the `folder` to write to")
	if err := fs.Parse(args); err != nil {
		return err
	}
	for _, f := range board.All() {
		path := filepath.Join(*out, f.Name)
		data, err := f.Dashboard.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("write a dashboard: %w", err)
		}
		fmt.Fprintln(stdout, path)
	}
	return nil
}
