package e2e_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"loadlab/dashboards/board"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
)

// dataSources is a provisioning file.
type dataSources struct {
	APIVersion  int `yaml:"apiVersion"`
	DataSources []struct {
		Name      string     `yaml:"name"`
		UID       string     `yaml:"uid"`
		Type      string     `yaml:"type"`
		Access    string     `yaml:"access"`
		URL       string     `yaml:"url"`
		IsDefault bool       `yaml:"isDefault"`
		Editable  bool       `yaml:"editable"`
		JSON      sourceData `yaml:"jsonData"`
	} `yaml:"datasources"`
}

type sourceData struct {
	HTTPMethod        string `yaml:"httpMethod"`
	PrometheusType    string `yaml:"prometheusType"`
	PrometheusVersion string `yaml:"prometheusVersion"`
	TimeInterval      string `yaml:"timeInterval"`
	Exemplars         []struct {
		Name  string `yaml:"name"`
		UID   string `yaml:"datasourceUid"`
		URL   string `yaml:"url"`
		Label string `yaml:"urlDisplayLabel"`
	} `yaml:"exemplarTraceIdDestinations"`
	TracesToMetrics struct {
		UID   string `yaml:"datasourceUid"`
		Start string `yaml:"spanStartTimeShift"`
		End   string `yaml:"spanEndTimeShift"`
		Tags  []struct {
			Key   string `yaml:"key"`
			Value string `yaml:"value"`
		} `yaml:"tags"`
		Queries []struct {
			Name  string `yaml:"name"`
			Query string `yaml:"query"`
		} `yaml:"queries"`
	} `yaml:"tracesToMetrics"`
}

func TestDataSources(t *testing.T) {
	t.Parallel()
	var c dataSources
	strictly(t, "grafana/provisioning/datasources/loadlab.yaml", &c)
	if len(c.DataSources) != 2 {
		t.Fatalf("got %d data sources, want 2", len(c.DataSources))
	}
	prometheus, jaeger := c.DataSources[0], c.DataSources[1]
	if prometheus.UID != board.UIDPrometheus || prometheus.Type != "prometheus" || !prometheus.IsDefault ||
		prometheus.URL != "http://prometheus:9090" {
		t.Errorf("got %+v, want the Prometheus that the dashboards ask", prometheus)
	}
	if jaeger.UID != board.UIDJaeger || jaeger.Type != "jaeger" || jaeger.URL != "http://jaeger:16686" {
		t.Errorf("got %+v, want Jaeger", jaeger)
	}
	scrapes, err := promtest.ReadConfig(prometheusFile)
	if err != nil {
		t.Fatal(err)
	}
	if prometheus.JSON.TimeInterval != scrapes.Global.ScrapeInterval {
		t.Errorf("got interval %s, want that of the scrapes, %s", prometheus.JSON.TimeInterval, scrapes.Global.ScrapeInterval)
	}
	image := compose(t).Services["prometheus"].Image
	if !strings.HasSuffix(image, ":v"+prometheus.JSON.PrometheusVersion) {
		t.Errorf("got version %s, want that of %s", prometheus.JSON.PrometheusVersion, image)
	}
	links := prometheus.JSON.Exemplars
	if len(links) != 2 || links[0].UID != jaeger.UID || links[1].URL != "${LOADLAB_JAEGER_URL}/trace/$${__value.raw}" ||
		links[0].Name != "trace_id" || links[1].Name != "trace_id" {
		t.Errorf("got exemplar links %+v, want one to the data source and one to Jaeger's own page", links)
	}
	if compose(t).Services["grafana"].Environment["LOADLAB_JAEGER_URL"] == nil {
		t.Error("Grafana is not told where Jaeger is")
	}
	back := jaeger.JSON.TracesToMetrics
	if back.UID != prometheus.UID || len(back.Tags) != 1 || back.Tags[0].Key != "lab.mode" {
		t.Errorf("got %+v, want a way back from a span to the metrics of its mode", back)
	}
	for _, q := range back.Queries {
		if _, err := parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(q.Query, "$$__tags", back.Tags[0].Value+`="ttl"`)); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
	}
}

func TestDashboardProvider(t *testing.T) {
	t.Parallel()
	var c struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name            string `yaml:"name"`
			OrgID           int    `yaml:"orgId"`
			Folder          string `yaml:"folder"`
			FolderUID       string `yaml:"folderUid"`
			Type            string `yaml:"type"`
			DisableDeletion bool   `yaml:"disableDeletion"`
			AllowUIUpdates  bool   `yaml:"allowUiUpdates"`
			Interval        int    `yaml:"updateIntervalSeconds"`
			Options         struct {
				Path string `yaml:"path"`
			} `yaml:"options"`
		} `yaml:"providers"`
	}
	strictly(t, "grafana/provisioning/dashboards/loadlab.yaml", &c)
	if len(c.Providers) != 1 || c.Providers[0].Type != "file" || c.Providers[0].AllowUIUpdates || !c.Providers[0].DisableDeletion {
		t.Fatalf("got %+v, want one that reads files and lets nobody change them", c.Providers)
	}
	var mounted string
	for _, v := range compose(t).Services["grafana"].Volumes {
		if v.Target == c.Providers[0].Options.Path {
			mounted = v.Source
		}
	}
	want := filepath.Join(testkit.Root(t), "dashboards", "json")
	if mounted != want {
		t.Errorf("%s is %q, want %s", c.Providers[0].Options.Path, mounted, want)
	}
}
