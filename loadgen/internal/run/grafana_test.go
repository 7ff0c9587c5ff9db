package run_test

import (
	"strings"
	"testing"
	"time"

	"loadlab/dashboards/board"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

// The URL of a run is that of Mode comparison, with the run chosen and its time as the range.
func TestGrafanaRun(t *testing.T) {
	t.Parallel()
	r := &result.Run{ID: "20261129-010140-a b&c", Started: time.UnixMilli(1_000_000)}
	const prefix = "/d/" + board.UIDModes + "?from=998000&to="
	for base, want := range map[string]string{"": "", "http://localhost:3000": "http://localhost:3000" + prefix, "https://x.example/grafana/": "https://x.example/grafana" + prefix} {
		g, err := run.ParseGrafana(base)
		if err != nil {
			t.Fatal(err)
		}
		const chosen = "&var-run=20261129-010140-a+b%26c"
		for end, to := range map[time.Time]string{{}: "now", time.UnixMilli(1_030_000): "1032000"} {
			got := g.Run(r, end)
			if want == "" && got != "" || want != "" && got != want+to+chosen {
				t.Errorf("%s until %s: got %s", base, to, got)
			}
		}
	}
	for _, bad := range []string{"localhost:3000", "ftp://x", "http://", "http://x?y=1", "http://x#y", "::"} {
		if _, err := run.ParseGrafana(bad); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v, want an error of one line", bad, err)
		}
		if _, err := run.ParseJaeger(bad); err == nil || !strings.Contains(err.Error(), "Jaeger") {
			t.Errorf("%q: got %v, want an error that names Jaeger", bad, err)
		}
	}
}
