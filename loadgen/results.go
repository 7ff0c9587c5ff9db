package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/stack"
)

// outcome is where the results of a run go, and how they are reported.
type outcome struct {
	folder string // that a new one is made in
	full   bool   // all of the report is printed
	noHTML bool   // no report.html is written
	live   string // the address of a page that shows the run while it goes on; empty for none
	// concluded gets what a run came to, before it is kept; nil for nobody.
	concluded func(*result.Run)
}

// define defines the flags.
func (o *outcome) define(flags *pflag.FlagSet) {
	flags.StringVar(&o.folder, "out", resultsFolder, "folder for the results")
	flags.BoolVar(&o.noHTML, "no-html", false, "write no report.html beside the results")
	liveFlag(flags, &o.live)
}

// liveFlag defines the flag of a page that shows what goes on.
func liveFlag(flags *pflag.FlagSet, addr *string) {
	flags.StringVar(addr, "live", "", "serve a page here that shows the run while it goes on, such as 127.0.0.1:0")
}

// runAndReport runs a scenario, writes run.json into a new folder in out, and prints the report, also when run.json could not be written.
// The error is the verdict, unless there was nothing to report or a run that passed could not be kept.
func runAndReport(ctx context.Context, env environment, cfg run.Config, out outcome) error {
	if err := writable(out.folder, cfg.Stack.Kind); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchers, err := serveLive(ctx, env, &cfg, out.live, cancel)
	if err != nil {
		return err
	}
	defer watchers.close(ctx)
	r, err := run.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if out.concluded != nil {
		out.concluded(r)
	}
	return conclude(env, r, out, cfg.Grafana.Run(r, time.Now()), watchers)
}

// conclude keeps what a run came to in a new folder, shows it to who looks on, and prints the report. dashboard is the URL of the run's; empty if it has none.
func conclude(env environment, r *result.Run, out outcome, dashboard string, watchers watchers) error {
	path, lost := keep(r, out.folder)
	rendered, err := report.New(r)
	if err != nil {
		return unprinted(err, path)
	}
	draw := sync.OnceValues(func() (page.Drawn, error) { return page.Draw(rendered) }) // for who looks on, and for the file
	watchers.finish(draw)
	fmt.Fprintln(env.stdout)
	if err := printReport(env, rendered, report.Options{Path: path, Grafana: dashboard, Full: out.full}); err != nil {
		return unprinted(err, path)
	}
	if path != "" && !out.noHTML {
		writePage(env, filepath.Join(filepath.Dir(path), pageName), draw)
	}
	if lost != nil {
		fmt.Fprintln(env.stderr, "loadgen:", lostError(lost))
	}
	if err := verdictOf(r); err != nil || lost == nil {
		return err
	}
	return verdict(result.ExitInvalid)
}

// pageName is the name of the page beside a run.json or an ab.json.
const pageName = "report.html"

// writePage writes a page, and where it is. What was measured is not lost if that fails, so that it is no error.
func writePage(env environment, path string, draw func() (page.Drawn, error)) {
	if err := drawTo(path, draw); err != nil {
		fmt.Fprintln(env.stderr, "loadgen: no page:", err)
		return
	}
	fmt.Fprintln(env.stdout, "page      "+path)
}

func drawTo(path string, draw func() (page.Drawn, error)) error {
	drawn, err := draw()
	if err != nil {
		return err
	}
	return os.WriteFile(path, drawn.File, 0o644)
}

// writable makes the folder if it is missing, and reports whether files can be made and filled in it: a run of a minute should not
// fail at its end for a reason that was there at its begin. The error is a usage error,
// with what to do about it on a stack of that kind.
func writable(folder, kind string) error {
	switch err := try(folder); {
	case errors.Is(err, syscall.EMFILE):
		return usageError{limits.Of(err)} // another folder is no help
	case err != nil:
		return usageError{fmt.Errorf("%w (%s)", err, otherwise(kind))}
	}
	return nil
}

// room is what there must be in the folder for the results: a short run's are smaller.
const room = 256 << 10

func try(folder string) (err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("make a folder for the results: %w", err)
	}
	probe, err := os.MkdirTemp(folder, ".probe-")
	if err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(probe)) }()
	if err := os.WriteFile(filepath.Join(probe, "run.json"), make([]byte, room), 0o600); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	return nil
}

// tryFile reports why a file could not be written, for one that is to be written after a run. What it has stays.
func tryFile(path string) error {
	_, missing := os.Lstat(path)
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	err = f.Close()
	if os.IsNotExist(missing) {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// lostError is that results could not be written, whose report could.
func lostError(err error) error {
	return fmt.Errorf("the results are lost, but for the report on standard output: %w", err)
}

// otherwise is what to do about a folder that cannot be written.
func otherwise(kind string) string {
	if kind == stack.Compose {
		return "in its container loadgen is user LOADLAB_UID of group LOADLAB_GID, who must be able to write the host's runs/: make scenario STACK=compose sets them to yours, as " +
			"LOADLAB_UID=$(id -u) LOADLAB_GID=$(id -g) does before docker compose; if runs/ belongs to root, remove it and make it again"
	}
	return "--out names another folder"
}

// keep writes run.json into a new folder in out, and returns its path; empty if that failed.
func keep(r *result.Run, out string) (path string, err error) {
	if r.ID, err = newFolder(out, r.ID); err != nil {
		return "", err
	}
	path = filepath.Join(out, r.ID, "run.json")
	if err := result.Write(path, r); err != nil {
		return "", err
	}
	return path, nil
}

// newFolder makes a folder of that name, with a number after it if the name is taken: two runs may begin in the same second.
func newFolder(parent, name string) (string, error) {
	unique := name
	for n := 2; ; n++ {
		err := os.Mkdir(filepath.Join(parent, unique), 0o755)
		if !errors.Is(err, fs.ErrExist) {
			return unique, err
		}
		unique = fmt.Sprintf("%s-%d", name, n)
	}
}

// unprinted is that a report could not be written; path is where its run.json is, empty if it is nowhere.
func unprinted(err error, path string) error {
	if path == "" {
		return fmt.Errorf("the report could not be written: %w", err)
	}
	return fmt.Errorf("the report could not be written, but %s is there (loadgen report %s renders it): %w", filepath.Base(path), path, err)
}

// printReport prints the report for people. Of the options, Path is where run.json is, and Grafana the URL of its dashboard, empty if they are nowhere; those of the terminal are filled in.
func printReport(env environment, r *report.Report, o report.Options) error {
	o.Width, o.Color = width(env.stdout), colored(env)
	return report.Text(env.stdout, r, o)
}
