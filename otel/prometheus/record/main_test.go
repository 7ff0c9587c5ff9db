package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What Prometheus has is written as promtool reads it: one value a step, without the labels of who was scraped.
func TestRecord(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := r.FormValue("query") + " " + r.FormValue("start") + " " + r.FormValue("end") + " " + r.FormValue("step"); got != "x 10 25 5" {
			t.Errorf("asked for %q", got)
		}
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[
			{"metric":{"__name__":"x_total","mode":"ttl","job":"app","instance":"a:1"},"values":[[10,"1"],[20,"3.5"]]},
			{"metric":{"__name__":"a_total"},"values":[[25,"7"]]}]}}`)
	}))
	defer s.Close()
	var out strings.Builder
	if err := run(t.Context(), []string{"-prometheus", s.URL + "/", "-from", "10", "-to", "25", "-match", "x"}, &out); err != nil {
		t.Fatal(err)
	}
	want := `    interval: 5s
    input_series:
      - series: 'a_total{}'
        values: _ _ _ 7
      - series: 'x_total{mode="ttl"}'
        values: 1 _ 3.5 _
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestRecordNothing(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","data":{"resultType":"matrix","result":[]}}`)
	}))
	defer s.Close()
	for _, args := range [][]string{
		{"-prometheus", s.URL, "-from", "10", "-to", "25"},
		{"-from", "25", "-to", "10"},
		{"-from", "10", "-to", "25", "-step", "1ms"},
	} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
}
