// Package gallery drives Chromium through the dashboards of a running Grafana, takes a picture of each, and reports what a reader would stumble over: panels that
// are missing, without data or with an error, and what the browser's console says. It knows Grafana's pages, from version 9.4 on, and of the lab only which panels there
// should be.
package gallery

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/sync/errgroup"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
)

// ErrMissing is the error of Take where there is no Chromium.
var ErrMissing = errors.New("chromium is not installed (Debian: chromium)")

// Options are what is shown, and where the pictures go.
type Options struct {
	Grafana string // its address: http://localhost:3000
	Run     string // the id of a run; "" is the newest that Grafana finds in a dashboard's own time range
	From    string // the time range, as Grafana's addresses have it: milliseconds, or now-1h; "" is each dashboard's own
	To      string // likewise
	Out     string // the folder of the pictures
	Files   []board.File
	MayLack map[string][]string // UID to the titles, with variables, of panels that need no data
	Width   int                 // of a picture in pixels; 0 is 1600
	// Limit is how long a dashboard may take to be drawn; 0 is 30 s. One that is not drawn by then is a problem.
	Limit time.Duration
	Tabs  int // how many dashboards are opened at the same time; 0 is 1
}

// Problem is something that a reader would stumble over.
type Problem struct {
	Dashboard string // UID
	Panel     string // title; "" if it is the page's
	What      string
}

func (p Problem) String() string {
	if p.Panel == "" {
		return p.Dashboard + ": " + p.What
	}
	return p.Dashboard + ": " + p.Panel + ": " + p.What
}

// Take opens each dashboard, writes NAME.png, and calls done with what is wrong with it, in the order of the dashboards. An error is of what prevented that; a dashboard that is broken is none.
func Take(ctx context.Context, o Options, done func(picture string, problems []Problem)) error {
	if o.Width == 0 {
		o.Width = 1600
	}
	if o.Limit == 0 {
		o.Limit = 30 * time.Second
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return fmt.Errorf("make a folder for the pictures: %w", err)
	}
	program, err := find()
	if err != nil {
		return err
	}
	ctx, closeBrowser := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(program), chromedp.NoSandbox)) // the pages are the lab's own, and root has no sandbox
	defer closeBrowser()
	if err := chromedp.Do(ctx); err != nil {
		return fmt.Errorf("start Chromium: %w", err)
	}
	pictures, found := make([]string, len(o.Files)), make([][]Problem, len(o.Files))
	var tabs errgroup.Group
	tabs.SetLimit(max(o.Tabs, 1))
	for i, f := range o.Files {
		pictures[i] = filepath.Join(o.Out, strings.TrimSuffix(f.Name, ".json")+".png")
		tabs.Go(func() (err error) {
			if found[i], err = o.take(ctx, f.Dashboard, pictures[i]); err != nil {
				err = fmt.Errorf("take the picture of %s: %w", f.Dashboard.Title, err)
			}
			return err
		})
	}
	if err := tabs.Wait(); err != nil {
		return err
	}
	for i := range pictures {
		done(pictures[i], found[i])
	}
	return nil
}

// find is the path of the browser.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// take opens a dashboard in a tab of its own.
func (o Options) take(ctx context.Context, d model.Dashboard, picture string) ([]Problem, error) {
	ctx, closeTab := chromedp.NewContext(ctx)
	defer closeTab()
	watch, err := follow(ctx)
	if err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(o.Width), height(d)), chromedp.Navigate(o.address(d.UID))); err != nil {
		return nil, err
	}
	page, settled, err := watch.settle(ctx, o.Limit)
	if err != nil {
		return nil, err
	}
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(picture, data, 0o644); err != nil {
		return nil, fmt.Errorf("write a picture: %w", err)
	}
	problems := judge(d, page, o.MayLack[d.UID])
	if !settled {
		problems = append(problems, Problem{d.UID, "", fmt.Sprintf("not drawn within %s", o.Limit)})
	}
	for _, said := range watch.complaints() {
		problems = append(problems, Problem{d.UID, "", said})
	}
	return problems, nil
}

// address is that of a dashboard without Grafana's menus.
func (o Options) address(uid string) string {
	query := url.Values{"refresh": {""}}
	for name, value := range map[string]string{"var-run": o.Run, "from": o.From, "to": o.To} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return strings.TrimSuffix(o.Grafana, "/") + "/d/" + uid + "?kiosk&" + query.Encode()
}

// height is as many pixels as a dashboard may need: Grafana draws only panels that are within the window. A repeated panel may be of a dozen modes.
func height(d model.Dashboard) int64 {
	const unit, margin, modes = 38, 200, 14
	rows := 0
	for _, p := range d.Flat() {
		rows = max(rows, p.GridPos.Y+p.GridPos.H)
		if p.Repeat != "" {
			rows += p.GridPos.H * (modes/max(p.MaxPerRow, 1) + 1)
		}
	}
	return int64(rows*unit + margin)
}

// judge compares what is on the page with what should be.
func judge(d model.Dashboard, on page, mayLack []string) []Problem {
	var problems []Problem
	add := func(panel, what string) { problems = append(problems, Problem{d.UID, panel, what}) }
	for _, alert := range on.Alerts {
		add("", "an alert: "+alert)
	}
	for _, p := range on.Panels {
		if p.Error != "" {
			add(p.Title, "an error: "+p.Error)
		}
		excused := slices.ContainsFunc(mayLack, func(title string) bool { return is(title, p.Title) })
		if empty(p.Text) && !excused {
			add(p.Title, "no data")
		}
	}
	for _, p := range d.Flat() {
		if !slices.ContainsFunc(on.Panels, func(seen seenPanel) bool { return is(p.Title, seen.Title) }) {
			add(p.Title, "is not on the page")
		}
	}
	return problems
}

// empty reports whether a panel says that it has nothing: in Grafana's words, or in the dashboards'.
func empty(text string) bool {
	return strings.Contains(text, "No data") || strings.HasPrefix(text, "No run") || strings.TrimSpace(text) == board.Nothing
}
