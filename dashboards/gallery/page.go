package gallery

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// page is what is seen of a dashboard.
type page struct {
	Panels []seenPanel `json:"panels"`
	Alerts []string    `json:"alerts"`
}

// seenPanel is one panel: its title, what else is written in it, and the error that its corner shows.
type seenPanel struct {
	Title string `json:"title"`
	Text  string `json:"text"`
	Error string `json:"error"`
}

// look returns a page, as JavaScript sees it.
//
//go:embed look.js
var look string

// variable is a variable in a title, which Grafana has replaced by its value.
var variable = regexp.MustCompile(`\\\$\w+`)

// is reports whether a title on the page is that of the dashboard.
func is(want, got string) bool {
	return regexp.MustCompile("^" + variable.ReplaceAllString(regexp.QuoteMeta(want), ".*") + "$").MatchString(strings.TrimSpace(got))
}

// watch follows what a tab fetches and what its console says.
type watch struct {
	mu      sync.Mutex // guards all below
	pending map[network.RequestID]bool
	said    []string
	changed time.Time // when something was fetched last
}

// follow begins to watch the tab of ctx.
func follow(ctx context.Context) (*watch, error) {
	w := &watch{pending: map[network.RequestID]bool{}, changed: time.Now()}
	if err := chromedp.Listen(ctx, w.event); err != nil {
		return nil, err
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		return nil, err
	}
	_, err := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	return w, err
}

func (w *watch) event(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.pending[e.RequestID], w.changed = true, time.Now()
	case *network.EventLoadingFinished:
		delete(w.pending, e.RequestID)
		w.changed = time.Now()
	case *network.EventLoadingFailed:
		delete(w.pending, e.RequestID)
		w.changed = time.Now()
	case *runtime.EventExceptionThrown:
		w.said = append(w.said, "an exception: "+describe(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			w.said = append(w.said, "the console: "+arguments(e.Args))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			w.said = append(w.said, fmt.Sprintf("the console: %s %s", e.Entry.Text, e.Entry.URL))
		}
	}
}

func describe(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Exception.Description
	}
	return e.Text
}

func arguments(args []*runtime.RemoteObject) string {
	var words []string
	for _, a := range args {
		switch {
		case len(a.Value) > 0:
			words = append(words, string(a.Value))
		default:
			words = append(words, a.Description)
		}
	}
	return strings.Join(words, " ")
}

// complaints are what the console said.
func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.said
}

// quiet reports whether nothing has been fetched for some time.
func (w *watch) quiet(now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.pending) == 0 && now.Sub(w.changed) >= quietFor
}

// A page is drawn when it has fetched nothing for quietFor and has looked the same at two looks.
const (
	quietFor  = 1500 * time.Millisecond
	lookEvery = 300 * time.Millisecond
)

// settle waits until the page is drawn, and returns what is seen then; or, after limit, what is seen all the same.
func (w *watch) settle(ctx context.Context, limit time.Duration) (seen page, settled bool, err error) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	over := time.NewTimer(limit)
	defer over.Stop()
	before := ""
	for {
		if seen, err = chromedp.Run(ctx, chromedp.Evaluate[page](look)); err != nil {
			return seen, false, fmt.Errorf("look at the page: %w", err)
		}
		now := fmt.Sprint(seen)
		if len(seen.Panels)+len(seen.Alerts) > 0 && now == before && w.quiet(time.Now()) {
			return seen, true, nil
		}
		before = now
		select {
		case <-ctx.Done():
			return seen, false, ctx.Err()
		case <-over.C:
			return seen, false, nil
		case <-ticker.C:
		}
	}
}
