// Package browsertest is a real Chromium for tests of pages: what a page writes to its console and asks servers for is kept, so that a test can want nothing of either.
package browsertest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/internal/testkit"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// ErrMissing is the error where there is no browser.
var ErrMissing = errors.New("there is no chromium")

// limit bounds a test with a browser.
const limit = 5 * time.Minute

// Browser is a browser that ends with its test.
type Browser struct{ ctx context.Context }

// Start starts a browser. Without one the test is skipped, or fails where CI is set.
func Start(t testing.TB) *Browser {
	t.Helper()
	path, err := find()
	testkit.Need(t, err, ErrMissing)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	ctx, end := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox))
	t.Cleanup(func() {
		end()
		cancel()
	})
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", ErrMissing
}

// View is how a page is looked at. The zero value is a wide window in a light theme.
type View struct {
	Width, Height int64
	Dark          bool
}

// Page is a tab.
type Page struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex // guards all below
	console  []string
	requests []string // but for the document itself
}

// Open opens a page in a tab of its own, which is closed with its test.
func (b *Browser) Open(t testing.TB, url string, v View) *Page {
	t.Helper()
	ctx, end := chromedp.NewContext(b.ctx)
	t.Cleanup(end)
	p := &Page{t: t, ctx: ctx}
	p.do(chromedp.Navigate("about:blank"))
	watch(chromedp.Console(ctx), func(m chromedp.ConsoleMessage) { p.add(&p.console, m.String()) })
	watch(chromedp.Events(ctx, network.RequestWillBeSent), func(e network.EventRequestWillBeSent) {
		if e.Request.URL != url {
			p.add(&p.requests, e.Request.URL)
		}
	})
	_, err := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	_, nerr := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	theme := map[bool]string{false: "light", true: "dark"}[v.Dark]
	_, terr := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}})
	if err := errors.Join(err, nerr, terr); err != nil {
		t.Fatal(err)
	}
	if v.Width == 0 {
		v.Width = 1400
	}
	if v.Height == 0 {
		v.Height = 900
	}
	p.do(chromedp.EmulateViewport(v.Width, v.Height), chromedp.Navigate(url))
	return p
}

// watch calls each with every event, until the tab is closed.
func watch[E any](events func(func(E, error) bool), each func(E)) {
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			each(e)
		}
	}()
}

func (p *Page) add(to *[]string, s string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*to = append(*to, s)
}

func (p *Page) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// Eval returns what an expression of JavaScript is. A promise is waited for.
func Eval[T any](p *Page, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// Until waits until an expression of JavaScript is true.
func (p *Page) Until(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(limit/10))); err != nil {
		p.t.Fatalf("waited for %s: %v; console: %s", expression, err, strings.Join(p.Console(), "\n"))
	}
}

// Keys types keys into what has the focus.
func (p *Page) Keys(keys string) { p.t.Helper(); p.do(chromedp.KeyEvent(keys)) }

// Click clicks on the first element that a selector finds.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(chromedp.CSS(selector)))
}

// Drag drags from one point of the window to another.
func (p *Page) Drag(x1, y1, x2, y2 float64) {
	p.t.Helper()
	p.do(chromedp.DragAndDropXY(x1, y1, x2, y2))
}

// ClickAt clicks on a point of the window.
func (p *Page) ClickAt(x, y float64) { p.t.Helper(); p.do(chromedp.MouseClickXY(x, y)) }

// Reload loads the page again.
func (p *Page) Reload() { p.t.Helper(); p.do(chromedp.Reload()) }

// Picture returns the whole page as a PNG.
func (p *Page) Picture() []byte {
	p.t.Helper()
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		p.t.Fatal(err)
	}
	return png
}

// PDF returns the page as it is printed on A4.
func (p *Page) PDF() []byte {
	p.t.Helper()
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF(chromedp.PDFPaper(chromedp.PaperA4)))
	if err != nil {
		p.t.Fatal(err)
	}
	return pdf
}

// Paper lays the page out as for printing, for what can be seen of that from within: with the rules for print, as wide as a sheet of A4 within its margins, after the event before printing.
func (p *Page) Paper() {
	p.t.Helper()
	if _, err := chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}}); err != nil {
		p.t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(PaperWidth, PaperHeight))
	Eval[bool](p, `dispatchEvent(new Event("beforeprint"))`)
}

// PaperWidth and PaperHeight are those of a sheet of A4 within the margins that Chromium leaves, in pixels of 1/96 inch.
const (
	PaperWidth  = 718
	PaperHeight = 1046
)

// Keep writes a picture of the whole page to the test's artifacts, where they are kept (go test -artifacts).
func (p *Page) Keep(name string) {
	p.t.Helper()
	if f := flag.Lookup("test.artifacts"); f == nil || f.Value.String() != "true" {
		return
	}
	if err := os.WriteFile(p.t.ArtifactDir()+"/"+name+".png", p.Picture(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// Requests are the addresses that the page asked for, but for its own.
func (p *Page) Requests() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.requests...)
}

// Console is what the page wrote to its console.
func (p *Page) Console() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.console...)
}

// Quiet fails the test if the page wrote to its console, or asked for anything.
func (p *Page) Quiet() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.console) > 0 || len(p.requests) > 0 {
		p.t.Errorf("%s", fmt.Sprintf("console: %s\nrequests: %s", strings.Join(p.console, "\n"), strings.Join(p.requests, "\n")))
	}
}
