package e2e_test

import (
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/otel/signal"
)

// Names of the services that send spans.
const (
	appService       = "loadlab-app"
	generatorService = "loadgen"
)

// received is what came of one trace.
type received struct {
	requests, servers int    // the generator's spans of a request, and the app's of serving it
	phase             string // as the generator's span says
	mode              string // as the app's does
	told              int    // SQL queries, as the app's span says
	queries           int    // spans of SQL queries
}

// sink is an OTLP/HTTP endpoint that remembers what became of every trace.
type sink struct {
	url string

	mu     sync.Mutex // guards traces and bad
	traces map[string]*received
	bad    []error
}

func newSink(t *testing.T) *sink {
	t.Helper()
	s := &sink{traces: map[string]*received{}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var export collectorpb.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &export)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.bad = append(s.bad, err)
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, resource := range export.ResourceSpans {
			service := attributes(resource.GetResource().GetAttributes())["service.name"]
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					s.take(service, span)
				}
			}
		}
	}))
	t.Cleanup(srv.Close)
	s.url = srv.URL
	return s
}

func (s *sink) take(service string, span *tracepb.Span) {
	id := hex.EncodeToString(span.TraceId)
	r := s.traces[id]
	if r == nil {
		r = &received{}
		s.traces[id] = r
	}
	attrs := attributes(span.Attributes)
	switch {
	case service == generatorService && span.Kind == tracepb.Span_SPAN_KIND_CLIENT:
		r.requests++
		r.phase = attrs["lab.phase"]
	case service == appService && span.Kind == tracepb.Span_SPAN_KIND_SERVER:
		r.servers++
		r.mode = attrs[signal.AttrMode]
		r.told, _ = strconv.Atoi(attrs[signal.AttrSQLQueries]) // what is no number is not the right one
	case service == appService && isSQL(attrs):
		r.queries++
	}
}

// isSQL is whether the span of those attributes is an SQL query.
func isSQL(attrs map[string]string) bool {
	system := attrs[signal.AttrDBSystem]
	return system != "" && system != "redis"
}

func attributes(list []*commonpb.KeyValue) map[string]string {
	all := make(map[string]string, len(list))
	for _, a := range list {
		switch v := a.Value.GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			all[a.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			all[a.Key] = strconv.FormatInt(v.IntValue, 10)
		}
	}
	return all
}
