// Command pictures makes the pictures of README: of the page of a stored run, in a real Chromium. It is a function of docs/pictures/stampede.json and of the browser.
package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/chromedp/chromedp"

	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

// What is shown: the width of a window, and how much of its page.
const (
	width  = 1180
	height = 1540
	limit  = time.Minute
)

func main() {
	if err := draw(context.Background(), filepath.Join("docs", "pictures")); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// draw makes page.png in a folder, of the run in it.
func draw(ctx context.Context, folder string) error {
	run, err := result.Read(filepath.Join(folder, "stampede.json"))
	if err != nil {
		return err
	}
	r, err := report.New(run)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Write(&b, r, report.Options{}); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp("", "pictures-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	path := filepath.Join(temporary, "report.html")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	ctx, end := chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.NoSandbox))
	defer end()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height), chromedp.Navigate("file://"+path)); err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](`document.documentElement.dataset.ready === "true"`)); err != nil {
		return err
	}
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`scrollTo(0, document.querySelector(".legend").getBoundingClientRect().top - 8), true`)); err != nil {
		return err
	}
	png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "page.png"), png, 0o644)
}
