package model_test

import (
	"encoding/json"
	"strings"
	"testing"

	"loadlab/dashboards/model"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	values := map[string]string{"mode": "ttl", "__range": "60s", "mo": "x"}
	got, missing := model.Expand(`rate(x{mode=~"$mode", n="$1", m="${mode:queryparam}", y="$mo"}[$__range]) + $other + ${other}`, values)
	want := `rate(x{mode=~"ttl", n="$1", m="ttl", y="x"}[60s]) + $other + ${other}`
	if got != want || len(missing) != 1 || missing[0] != "other" {
		t.Errorf("got %s, missing %q; want %s, missing other", got, missing, want)
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	d := model.Dashboard{UID: "x", Panels: []model.Panel{{Targets: []model.Target{{Expr: "a > b"}}}}}
	data, err := d.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), `"a > b"`) {
		t.Errorf("want expressions as they are written: %s", data)
	}
	var back model.Dashboard
	if err := json.Unmarshal(data, &back); err != nil || back.UID != "x" || back.ID != nil || back.Panels[0].Targets[0].Expr != "a > b" {
		t.Errorf("got %+v, %v; want what was written", back, err)
	}
}

// Panels inside a collapsed row are panels too, and annotations and variables ask as well.
func TestQueries(t *testing.T) {
	t.Parallel()
	target := func(expr string) []model.Target { return []model.Target{{RefID: "A", Expr: expr}} }
	d := model.Dashboard{
		Panels: []model.Panel{
			{Type: model.TypeStat, Title: "open", Targets: target("a")},
			{Type: model.TypeRow, Title: "row", Panels: []model.Panel{{Type: model.TypeStat, Title: "inside", Targets: target("b")}}},
		},
		Annotations: model.Annotations{List: []model.Annotation{{Name: "built in"}, {Name: "own", Target: &model.AnnotationQuery{Expr: "c"}}}},
		Templating: model.Templating{List: []model.Variable{
			{Name: "values", Definition: `label_values(d{x="1, 2"}, y)`}, {Name: "result", Definition: "query_result(max(e))"}, {Name: "none"},
		}},
	}
	var got []string
	for _, q := range d.Queries() {
		got = append(got, q.Panel+"="+q.Expr)
	}
	if want := "open=a inside=b annotation own=c variable values=last_over_time(d{x=\"1, 2\"}[$__range]) variable result=max(e)"; strings.Join(got, " ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
}
