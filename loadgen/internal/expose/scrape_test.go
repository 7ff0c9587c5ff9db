package expose_test

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"

	"loadlab/loadgen/internal/expose"
	"loadlab/otel/signal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What Prometheus requests: with native histograms the one, without them the other.
const (
	protobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
	openMetrics = "application/openmetrics-text;version=1.0.0"
)

// scrape is what is in one.
type scrape struct {
	values    map[string]float64
	native    map[string]*dto.Histogram
	exemplars map[string]*dto.Exemplar // by bucket
}

// key names a series in a scrape. Those of the generator are of run r1.
func key(name string, pairs ...string) string {
	if (strings.HasPrefix(name, "loadgen_") || name == signal.RunInfo) && !slices.Contains(pairs, signal.LabelRunID) {
		pairs = append(pairs, signal.LabelRunID, "r1")
	}
	var labels []string
	for i := 0; i < len(pairs); i += 2 {
		labels = append(labels, pairs[i]+"="+strconv.Quote(pairs[i+1]))
	}
	slices.Sort(labels)
	return name + "{" + strings.Join(labels, ",") + "}"
}

// of names a series of a mode in a phase. What became of requests has a replica as well, which is empty where there is but one.
func of(name, mode, phase string, pairs ...string) string {
	switch name {
	case signal.LoadScheduled, signal.LoadInFlight, signal.LoadPhase, signal.LoadPhaseStart, signal.LoadFault:
	default:
		if !slices.Contains(pairs, signal.LabelReplica) {
			pairs = append(pairs, signal.LabelReplica, "")
		}
	}
	return key(name, append(pairs, signal.LabelMode, mode, signal.LabelPhase, phase)...)
}

// serve serves the exporter's metrics until the test ends.
func serve(t testing.TB, e *expose.Exporter) (url string, stop func()) {
	t.Helper()
	url, stop, err := e.Serve(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { http.DefaultClient.CloseIdleConnections(); stop() })
	return url, stop
}

// fetch requests the metrics in a format, and returns the body and the format it came in.
func fetch(t testing.TB, url, accept string) (io.ReadCloser, expfmt.Format) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK || resp.Uncompressed {
		t.Fatalf("scrape: %s, compressed: %v", resp.Status, resp.Uncompressed)
	}
	return resp.Body, expfmt.ResponseFormat(resp.Header)
}

// get scrapes once.
func get(t testing.TB, url string) scrape {
	t.Helper()
	body, format := fetch(t, url, protobuf)
	defer body.Close()
	s := scrape{map[string]float64{}, map[string]*dto.Histogram{}, map[string]*dto.Exemplar{}}
	decoder := expfmt.NewDecoder(body, format)
	for {
		var family dto.MetricFamily
		err := decoder.Decode(&family)
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range family.GetMetric() {
			s.add(family.GetName(), m)
		}
	}
}

func (s scrape) add(name string, m *dto.Metric) {
	var labels []string
	for _, l := range m.GetLabel() {
		labels = append(labels, l.GetName(), l.GetValue())
	}
	h := m.GetHistogram()
	switch {
	case m.GetCounter() != nil:
		s.values[key(name, labels...)] = m.GetCounter().GetValue()
	case m.GetGauge() != nil:
		s.values[key(name, labels...)] = m.GetGauge().GetValue()
	case h != nil:
		s.native[key(name, labels...)] = h
		s.values[key(name+"_count", labels...)] = float64(h.GetSampleCount())
		s.values[key(name+"_sum", labels...)] = h.GetSampleSum()
		for _, b := range h.GetBucket() {
			bucket := key(name+"_bucket", append(labels, "le", strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64))...)
			s.values[bucket] = float64(b.GetCumulativeCount())
			if b.GetExemplar() != nil {
				s.exemplars[bucket] = b.GetExemplar()
			}
		}
	}
}

// text scrapes once in OpenMetrics, as a Prometheus without native histograms does.
func text(t testing.TB, url string) string {
	t.Helper()
	body, _ := fetch(t, url, openMetrics)
	defer body.Close()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(data), "# EOF\n") {
		t.Errorf("not OpenMetrics: %.200s", data)
	}
	return string(data)
}
