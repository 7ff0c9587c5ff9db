package board_test

import (
	"context"
	"database/sql"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/uptrace/bun/driver/sqliteshim"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/otel/signal"
	"loadlab/otel/telemetry"
)

// Metrics that are neither the lab's nor of client_golang: Prometheus' own, and Jaeger's.
var others = []string{
	"up", "scrape_duration_seconds", "scrape_samples_scraped", "prometheus_tsdb_exemplar_exemplars_appended_total",
	"otelcol_receiver_accepted_spans", "otelcol_receiver_refused_spans",
}

// nameLabel is how a selector names the metric.
const nameLabel = "__name__"

// Labels that otel/signal does not have.
var otherLabels = []string{"le", "job", "db_name", "quantile", nameLabel}

// values are of the run that the targets of the live test expose.
func values() map[string]string {
	return board.Values("r1", "warm", "ttl", "naive", 4*time.Second, time.Minute)
}

// Every expression parses, asks for metrics that exist by labels that exist, and uses variables that its dashboard has.
func TestExpressions(t *testing.T) {
	t.Parallel()
	metrics, labelNames := known(t)
	p := parser.NewParser(parser.Options{})
	for _, f := range board.All() {
		allowed := values()
		for name := range values() {
			if strings.HasPrefix(name, "__") {
				continue
			}
			if !slices.ContainsFunc(f.Dashboard.Templating.List, func(v model.Variable) bool { return v.Name == name }) {
				delete(allowed, name)
			}
		}
		for _, q := range f.Dashboard.Queries() {
			where := f.Name + ": " + q.Panel + " " + q.RefID
			text, missing := model.Expand(q.Expr, allowed)
			if len(missing) > 0 {
				t.Errorf("%s: the dashboard has no variables %q", where, missing)
			}
			expr, err := p.ParseExpr(text)
			if err != nil {
				t.Errorf("%s: %v\n%s", where, err, text)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				checkNode(t, where, node, metrics, labelNames)
				return nil
			})
		}
	}
}

func checkNode(t *testing.T, where string, node parser.Node, metrics, labelNames []string) {
	t.Helper()
	var names []string
	switch n := node.(type) {
	case *parser.VectorSelector:
		for _, m := range n.LabelMatchers {
			names = append(names, m.Name)
			if m.Name == nameLabel && !slices.ContainsFunc(metrics, m.Matches) {
				t.Errorf("%s: there is no metric %s", where, m.Value)
			}
		}
	case *parser.AggregateExpr:
		names = n.Grouping
	case *parser.BinaryExpr:
		if n.VectorMatching != nil {
			names = n.VectorMatching.MatchingLabels
		}
	}
	for _, name := range names {
		if !slices.Contains(labelNames, name) {
			t.Errorf("%s: there is no label %s", where, name)
		}
	}
}

// known are the metrics, with the series of histograms, and the labels that the lab has.
func known(t *testing.T) (metrics, labelNames []string) {
	t.Helper()
	labelNames = slices.Concat(otherLabels, constants(t, "Label"))
	// Which of the lab's metrics are histograms is not said by their names. That a counter is not asked for its buckets is what the
	// test against a real Prometheus shows.
	for _, name := range slices.Concat(constants(t, ""), others) {
		metrics = append(metrics, name, name+"_bucket", name+"_sum", name+"_count")
	}
	tel, err := telemetry.New(t.Context(), telemetry.Config{Env: func(string) string { return "" }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tel.Close(context.WithoutCancel(t.Context())) })
	db, err := sql.Open(sqliteshim.ShimName, ":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tel.Registry.MustRegister(collectors.NewDBStatsCollector(db, "sqlite"))
	families, err := tel.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		metrics = append(metrics, family.GetName())
		if family.GetType().String() == "HISTOGRAM" {
			metrics = append(metrics, family.GetName()+"_bucket", family.GetName()+"_sum", family.GetName()+"_count")
		}
	}
	return metrics, labelNames
}

// constants are the values of otel/signal's constants whose names begin with prefix; with none, the names of metrics.
func constants(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := goparser.ParseFile(token.NewFileSet(), "../../otel/signal/signal.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	metric := regexp.MustCompile(`^(http_server|db_client|lab|loadgen)_[a-z_]+$`)
	var all []string
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		literal, ok := spec.Values[0].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		value, err := strconv.Unquote(literal.Value)
		if err != nil {
			t.Fatal(err)
		}
		isMetric := metric.MatchString(value) && !strings.HasPrefix(spec.Names[0].Name, "Label")
		if prefix == "" && isMetric || prefix != "" && strings.HasPrefix(spec.Names[0].Name, prefix) {
			all = append(all, value)
		}
		return true
	})
	if len(all) < 10 {
		t.Fatalf("got %q from otel/signal, want more", all)
	}
	return all
}

// Exemplars are drawn at their own value, so they belong where that is on the axis: with quantiles and distributions of the metrics that have some, and
// nowhere else.
func TestExemplars(t *testing.T) {
	t.Parallel()
	sampled := []string{signal.HTTPServerDuration, signal.LoadResponse, signal.LoadService, signal.LoadLag}
	shown := 0
	for _, f := range board.All() {
		for _, q := range f.Dashboard.Queries() {
			has := slices.ContainsFunc(sampled, func(name string) bool { return strings.Contains(q.Expr, name) })
			want := has && !q.Instant && (strings.HasPrefix(q.Expr, "((histogram_quantile(") || q.Format == "heatmap")
			if q.Exemplar != want {
				t.Errorf("%s: %s %s: exemplars %v, want %v", f.Name, q.Panel, q.RefID, q.Exemplar, want)
			}
			if q.Exemplar {
				shown++
			}
		}
	}
	if shown < 8 {
		t.Errorf("got %d queries that show exemplars, want those of every dashboard of requests", shown)
	}
}
