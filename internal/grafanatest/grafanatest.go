// Package grafanatest draws dashboards by the parts of Grafana that npm has: its transformations, field settings and components, of each version that the dashboards
// are for. .ci/grafana makes a script of each. What a data source and the panels that are part of Grafana's own program do is not in it.
package grafanatest

import (
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/model"
	"loadlab/internal/browsertest"
	"loadlab/internal/palette"
	"loadlab/internal/promtest"
)

//go:embed page.js
var page string

// folder is that of .ci/grafana.
var folder = flag.String("grafana", "", "draw the dashboards by the parts of Grafana in this folder, which .ci/grafana fills") //nolint:gochecknoglobals // flags of a test binary are globals

// Version is a version of Grafana's parts.
type Version struct {
	Name   string // 13.1.0
	script string
}

// Versions are those that there are. Without the flag -grafana the test is skipped.
func Versions(t testing.TB) []Version {
	t.Helper()
	if *folder == "" {
		t.Skip("make test-grafana draws the dashboards")
	}
	scripts, err := filepath.Glob(filepath.Join(*folder, "*.js"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("there is no script in %s: .ci/grafana makes them (%v)", *folder, err)
	}
	all := make([]Version, len(scripts))
	for i, script := range scripts {
		all[i] = Version{Name: strings.TrimSuffix(filepath.Base(script), ".js"), script: script}
	}
	return all
}

// Asked is a panel with what its queries returned.
type Asked struct {
	Panel   model.Panel `json:"panel"`
	Results []Result    `json:"results"`
}

// Result is what one query returned.
type Result struct {
	RefID  string   `json:"refId"`
	Series []Series `json:"series"`
}

// Series is a series by its labels: pairs of a time in milliseconds and a value.
type Series struct {
	Labels map[string]string `json:"labels"`
	Points [][2]float64      `json:"points"`
}

// of makes a result of what Prometheus returned.
func of(refID string, series []promtest.Series) Result {
	r := Result{RefID: refID, Series: make([]Series, len(series))}
	for i, s := range series {
		r.Series[i].Labels = s.Labels
		for _, p := range s.Points {
			r.Series[i].Points = append(r.Series[i].Points, [2]float64{float64(p.Time.UnixMilli()), p.Value})
		}
	}
	return r
}

// Dashboard is what is drawn: panels over a time range, with the values of the variables.
type Dashboard struct {
	Asked     []Asked
	Variables map[string]string
	From, To  time.Time
	Width     int64
	Dark      bool
}

// Ask asks all that the panels of a dashboard ask.
func Ask(d model.Dashboard, ask func(model.Target) []promtest.Series) []Asked {
	var all []Asked
	for _, p := range d.Flat() {
		asked := Asked{Panel: p, Results: []Result{}}
		for _, q := range p.Targets {
			asked.Results = append(asked.Results, of(q.RefID, ask(q)))
		}
		all = append(all, asked)
	}
	return all
}

// With is the dashboard with copies of the series of one value of a label, as those of others.
func (d Dashboard) With(label, value string, others ...string) Dashboard {
	d.Asked = slices.Clone(d.Asked)
	for i, a := range d.Asked {
		d.Asked[i].Results = slices.Clone(a.Results)
		for j, r := range a.Results {
			for _, s := range r.Series {
				if s.Labels[label] != value {
					continue
				}
				for _, other := range others {
					labels := maps.Clone(s.Labels)
					labels[label] = other
					r.Series = append(r.Series, Series{Labels: labels, Points: s.Points})
				}
			}
			d.Asked[i].Results[j] = r
		}
	}
	return d
}

// Empty is the dashboard of a lab in which nothing has run.
func (d Dashboard) Empty() Dashboard {
	d.Asked = slices.Clone(d.Asked)
	for i := range d.Asked {
		d.Asked[i].Results = []Result{}
	}
	return d
}

// Shown is what a panel shows.
type Shown struct {
	Type   string   `json:"type"`
	Title  string   `json:"title"` // with the values of variables
	Error  string   `json:"error"`
	Fields []Field  `json:"fields"` // of graphs and tables
	Cells  []Cell   `json:"cells"`  // of single values and bars
	Cut    []string `json:"cut"`    // texts that have no room
	Series int      `json:"-"`      // that its queries returned
	Text   string   `json:"text"`   // as a component drew it
	Drawn  bool     `json:"drawn"`  // by a component
}

// Field is a series or a column after all transformations and settings.
type Field struct {
	Name   string    `json:"name"`
	Type   string    `json:"type"`
	Unit   string    `json:"unit"`
	Hidden bool      `json:"hidden"`
	Color  string    `json:"color"` // fixed, or empty
	Dash   []float64 `json:"dash"`
	Texts  []string  `json:"texts"`  // as they are written, of tables and bar charts
	Colors []string  `json:"colors"` // of the texts of a table
	Links  []string  `json:"links"`  // of the first row of a table
	Count  int       `json:"count"`  // values
}

// Cell is a value with its name.
type Cell struct {
	Name  string `json:"name"`
	Text  string `json:"text"`
	Color string `json:"color"`
}

// Check fails the test for what is wrong with a panel whatever it is about: an error, nothing where there is data, a text without room, a mode in a style that is not its own.
func (s Shown) Check(t testing.TB) {
	t.Helper()
	if s.Error != "" {
		t.Errorf("%s: %s", s.Title, s.Error)
	}
	if len(s.Cut) > 0 {
		t.Errorf("%s: there is no room for %q", s.Title, s.Cut)
	}
	if s.Series > 0 && !s.Drawn && slices.Contains([]string{model.TypeStat, model.TypeBarGauge, model.TypeTable, model.TypeTimeSeries}, s.Type) {
		t.Errorf("%s is empty", s.Title)
	}
	for _, f := range s.Fields {
		if s.Type == model.TypeTable && (f.Name == "Time" || strings.HasPrefix(f.Name, "Value")) {
			t.Errorf("%s has a column %s", s.Title, f.Name)
		}
		if style, ok := known(f.Name); ok && s.Type != model.TypeTable && (f.Color != style.Color || s.Type == model.TypeTimeSeries && !slices.Equal(f.Dash, style.Dash.Pattern())) {
			t.Errorf("%s: %s is %s %v, want %+v", s.Title, f.Name, f.Color, f.Dash, style)
		}
	}
	for _, c := range s.Cells {
		if style, ok := known(c.Name); ok && s.Type == model.TypeBarGauge && !strings.EqualFold(c.Color, style.Color) {
			t.Errorf("%s: %s is %s, want %s", s.Title, c.Name, c.Color, style.Color)
		}
	}
}

func known(mode string) (palette.Style, bool) {
	i := slices.IndexFunc(palette.Known(), func(m palette.Mode) bool { return m.Name == mode })
	if i < 0 {
		return palette.Style{}, false
	}
	return palette.Known()[i].Style, true
}

// Draw draws a dashboard, and returns what its panels show, and the page to look at.
func (v Version) Draw(t testing.TB, b *browsertest.Browser, d Dashboard) ([]Shown, *browsertest.Page) {
	t.Helper()
	input, err := json.Marshal(map[string]any{
		"asked": d.Asked, "variables": d.Variables, "from": d.From.UnixMilli(), "to": d.To.UnixMilli(), "width": d.Width,
	})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>dashboard</title><body><script src="parts.js"></script><script src="page.js"></script>`)
	})
	mux.HandleFunc("/page.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		fmt.Fprint(w, page)
	})
	mux.HandleFunc("/parts.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, v.script) })
	mux.HandleFunc("/input.json", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(input) })
	mux.HandleFunc("/public/", func(w http.ResponseWriter, _ *http.Request) { // icons, which are of Grafana's own program
		w.Header().Set("Content-Type", "image/svg+xml")
		fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	})
	mux.Handle("/public/fonts/inter/", http.StripPrefix("/public/fonts/inter", http.FileServer(http.Dir(filepath.Join(filepath.Dir(v.script), "fonts")))))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := b.Open(t, server.URL+"/", browsertest.View{Width: d.Width, Dark: d.Dark})
	tab.Until("!!globalThis.draw")
	shown := browsertest.Eval[[]Shown](tab, `fetch("input.json").then(r => r.json()).then(draw)`)
	for i, a := range d.Asked {
		for _, r := range a.Results {
			shown[i].Series += len(r.Series)
		}
	}
	return shown, tab
}
