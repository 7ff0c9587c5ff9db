package gallery_test

import (
	"bytes"
	"fmt"
	"html"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/dashboards/gallery"
	"loadlab/dashboards/model"
	"loadlab/internal/testkit"
)

// The pages are made by hand, with the marks that Grafana's have: a panel's title and the sign of its error have others in version 9 than in later ones.
const (
	healthy = `<section data-testid="data-testid Panel header %s"><h2>%[1]s</h2><canvas width="300" height="80"></canvas><span>ttl</span></section>`
	old     = `<div class="panel-container"><div data-testid="data-testid Panel header %s"><h2>%[1]s</h2></div><span>ttl</span></div>`
)

func panelWith(title, body string) string {
	return fmt.Sprintf(`<section data-testid="data-testid Panel header %s"><h2>%[1]s</h2>%s</section>`, title, body)
}

// dashboardOf is a dashboard of two panels.
func dashboardOf(uid string) board.File {
	return board.File{Name: uid + ".json", Dashboard: model.Dashboard{UID: uid, Title: uid, Panels: []model.Panel{
		{Type: model.TypeStat, Title: "Best in $phase", GridPos: model.GridPos{W: 24, H: 4}},
		{Type: model.TypeTimeSeries, Title: "p99", GridPos: model.GridPos{W: 24, H: 8, Y: 4}},
	}}}
}

// page has a place of the grid for each panel, and a script.
func page(script string, panels ...string) string {
	const begin, end = `<div class="react-grid-item">`, `</div>`
	return "<!doctype html><body>" + begin + strings.Join(panels, end+begin) + end + "<script>" + script + "</script>"
}

// What Chromium sees of pages that have one symptom each.
func TestTake(t *testing.T) {
	t.Parallel()
	best, p99 := fmt.Sprintf(healthy, "Best in expiry"), fmt.Sprintf(healthy, "p99")
	pages := []struct{ uid, page, want string }{
		{"fine", page("", best, p99), ""},
		{"nine", page("", fmt.Sprintf(old, "Best in expiry"), fmt.Sprintf(old, "p99")), ""},
		{"late", page(`setTimeout(async () => { await fetch("/slow"); document.body.insertAdjacentHTML("beforeend", `+"`<div class=react-grid-item>"+p99+"</div>`"+`) }, 500)`, best), ""},
		{"nodata", page("", best, panelWith("p99", "<div>No data</div>")), "nodata: p99: no data"},
		{"dash", page("", best, panelWith("p99", "<div>"+board.Nothing+"</div>")), "dash: p99: no data"},
		{"allowed", page("", panelWith("Best in expiry", board.Nothing), p99), ""},
		{"norun", page("", panelWith("Best in expiry", "No run in this time range. Type: make"), p99), "norun: Best in expiry: no data"},
		{"corner", page("", best, panelWith("p99", `<button data-testid="data-testid Panel status error" aria-label="parse error"></button>x`)), "corner: p99: an error: parse error"},
		{"nineerror", page("", best, panelWith("p99", `<div class="panel-info-corner panel-info-corner--error"></div>x`)), "nineerror: p99: an error: marked in its corner"},
		{"plugin", page("", best, panelWith("p99", "Panel plugin not found: trend")), "plugin: p99: an error: Panel plugin not found: trend"},
		{"missing", page("", best), "missing: p99: is not on the page"},
		{"alert", page("", best, p99) + `<div role="alert">Templating: bad query</div>`, "alert: an alert: Templating: bad query"},
		{"console", page(`console.error("it broke", 7)`, best, p99), `console: the console: "it broke" 7`},
		{"exception", page(`throw new Error("thrown")`, best, p99), "exception: an exception: Error: thrown\n"},
		{"refused", page(`fetch("/refused")`, best, p99), "refused: the console: Failed to load resource: the server responded with a status of 400 (Bad Request) "},
		{"endless", page(`setInterval(() => fetch("/fast"), 100)`, best, p99), "endless: not drawn within 10s"},
		{"blank", "<!doctype html><body>", "blank: Best in $phase: is not on the page\nblank: p99: is not on the page\nblank: not drawn within 10s"},
	}
	asked := make(chan string, 2)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch uid := strings.TrimPrefix(r.URL.Path, "/d/"); uid {
		case "/refused":
			w.WriteHeader(http.StatusBadRequest)
		case "/slow", "/fast", "/favicon.ico":
		default:
			i := slices.IndexFunc(pages, func(p struct{ uid, page, want string }) bool { return p.uid == uid })
			if uid == "fine" {
				asked <- r.URL.RawQuery
			}
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, pages[i].page)
		}
	}))
	t.Cleanup(srv.Close)
	o := gallery.Options{Grafana: srv.URL + "/", Run: "r1", From: "1", To: "2", Out: t.TempDir(), Limit: 10 * time.Second, Tabs: 8, MayLack: map[string][]string{"allowed": {"Best in $phase"}}}
	for _, p := range pages {
		o.Files = append(o.Files, dashboardOf(p.uid))
	}
	i := 0
	err := gallery.Take(t.Context(), o, func(picture string, problems []gallery.Problem) {
		var got []string
		for _, p := range problems {
			got = append(got, p.String())
		}
		want := pages[i].want
		if text := strings.Join(got, "\n"); text != want && (want == "" || !strings.HasPrefix(text, want)) {
			t.Errorf("%s: got %q, want %q", html.EscapeString(pages[i].uid), text, want)
		}
		if picture != filepath.Join(o.Out, pages[i].uid+".png") {
			t.Errorf("got the picture %s", picture)
		}
		i++
	})
	testkit.Need(t, err, gallery.ErrMissing)
	if got := <-asked; got != "kiosk&from=1&refresh=&to=2&var-run=r1" {
		t.Errorf("asked for %s", got)
	}
	data, err := os.ReadFile(filepath.Join(o.Out, "fine.png"))
	if err != nil {
		t.Fatal(err)
	}
	if size, err := png.DecodeConfig(bytes.NewReader(data)); err != nil || size.Width != 1600 || size.Height != 12*38+200 {
		t.Errorf("got a picture of %v, %v", size, err)
	}
}
