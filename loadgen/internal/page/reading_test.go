package page_test

import (
	"strings"
	"testing"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/law"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/result/resulttest"
	"loadlab/loadgen/internal/unit"
)

// rows reads the table of a chart: by the texts of its first column and its columns' titles.
const rows = `(id => {
  const d = document.getElementById(id).closest("section").querySelector("details.figures");
  d.open = true;
  return new Promise(done => setTimeout(() => {
    const titles = [...d.querySelectorAll("thead th")].map(x => x.textContent), all = {};
    for (const r of d.querySelectorAll("tbody tr")) [...r.children].forEach((c, i) => { all[r.children[0].textContent + " | " + titles[i]] = c.textContent; });
    done(all);
  }, 50));
})`

// TestFiguresAreThoseOfTheRun compares what the charts and tables have with what package figure takes out of the run.
func TestFiguresAreThoseOfTheRun(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	for name, run := range map[string]*result.Run{"stampede": resulttest.Stampede(t), "stale": resulttest.Stale(t)} {
		t.Run(name, func(t *testing.T) {
			f, err := figure.New(run)
			if err != nil {
				t.Fatal(err)
			}
			url, _ := file(t, ofRun(t, run))
			p := b.Open(t, url, browsertest.View{})
			p.Until(ready)
			for _, phase := range f.Phases() {
				browsertest.Eval[bool](p, `(b => { if (b) b.click(); return true; })([...document.querySelectorAll("#percentiles ~ .controls button")].find(b => b.value === "`+phase+`"))`)
				got := browsertest.Eval[map[string]string](p, rows+`("percentiles")`)
				for _, m := range f.Modes() {
					for _, q := range []string{"p50", "p95", "p99"} {
						v, _, err := f.Value(q, m, phase)
						want := unit.Latency(figure.Duration(v))
						if err != nil {
							want = unit.None
						}
						if got[q+" | "+m] != want {
							t.Errorf("%s of %s in %s: got %q, want %q", q, m, phase, got[q+" | "+m], want)
						}
					}
				}
			}
			tables(t, p, run)
			laws(t, p, run)
			stalest(t, p, f)
			p.Quiet()
		})
	}
}

// laws compares the chart of predictions with those of package law.
func laws(t *testing.T, p *browsertest.Page, run *result.Run) {
	t.Helper()
	f, err := figure.New(run)
	if err != nil {
		t.Fatal(err)
	}
	got, n := browsertest.Eval[map[string]string](p, rows+`("predictions")`), 0
	for _, x := range law.Predictions(f) {
		render := map[string]func(float64) string{law.Recomputes: unit.Amount, law.HitRatio: unit.Percent}[x.Figure]
		if render == nil {
			continue
		}
		n++
		row := x.Phase + ", " + x.Mode + ", " + x.Figure + " | "
		want := map[string]string{"measured": render(x.Measured), "agreement": string(x.Agreement)}
		if x.Agreement != law.Unknown {
			want["predicted"], want["from"] = x.Relation+" "+render(x.Predicted), render(x.Least)
		}
		for column, text := range want {
			if got[row+column] != text {
				t.Errorf("%s%s: got %q, want %q", row, column, got[row+column], text)
			}
		}
	}
	if n == 0 {
		t.Error("nothing is predicted")
	}
}

// stalest compares the chart of staleness, where there is one, with the figures of the run.
func stalest(t *testing.T, p *browsertest.Page, f *figure.Figures) {
	t.Helper()
	if !browsertest.Eval[bool](p, `document.getElementById("staleness") !== null`) {
		if s, ok := f.Total("", "").Staleness(); ok && s.Writes > 0 {
			t.Error("prices changed, and there is no chart of staleness")
		}
		return
	}
	got := browsertest.Eval[map[string]string](p, rows+`("staleness")`)
	for _, phase := range f.Phases() {
		for _, m := range f.Modes() {
			most, _, err := f.Value("stale_max", m, phase)
			share, _, serr := f.Value("stale_ratio", m, phase)
			if err != nil || serr != nil {
				continue
			}
			row := phase + ", " + m + " | "
			if text := unit.Latency(figure.Duration(most)); got[row+"stalest read"] != text || got[row+"stale reads"] != unit.Percent(share) {
				t.Errorf("%s: got %q and %q, want %q and %q", row, got[row+"stalest read"], got[row+"stale reads"], text, unit.Percent(share))
			}
		}
	}
}

// tables compares the texts of the report's tables with those of the page.
func tables(t *testing.T, p *browsertest.Page, run *result.Run) {
	t.Helper()
	r, err := report.New(run)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(browsertest.Eval[[]string](p, `[...document.querySelectorAll("section.report table tr")].map(r => [...r.children].map(c => c.textContent.trim()).join("|"))`), "\n")
	n := 0
	var parts []report.Section
	for _, s := range r.Sections {
		parts = append(parts, s.Parts()...)
	}
	for _, s := range parts {
		if s.Data || s.Table == nil {
			continue
		}
		for _, g := range s.Table.Groups {
			for _, row := range g.Rows {
				var cells []string
				for _, c := range row {
					cells = append(cells, strings.TrimSpace(c.Text))
				}
				if n++; !strings.Contains(text, strings.Join(cells, "|")) {
					t.Errorf("section %s: no row %q", s.ID, cells)
				}
			}
		}
	}
	if n == 0 {
		t.Error("the report has no rows")
	}
}
