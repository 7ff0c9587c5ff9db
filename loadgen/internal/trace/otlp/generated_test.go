package otlp_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
	"loadlab/otel/signal"
)

// convert is Decode over the generated types, with the same bounds but for those of attributes and names.
func convert(req *collectorpb.ExportTraceServiceRequest, visit func(*otlp.Span)) (invalid int) {
	for _, rs := range req.GetResourceSpans() {
		service := ""
		for _, a := range rs.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = value(a.GetValue())
			}
		}
		for _, ss := range rs.GetScopeSpans() {
			for _, s := range ss.GetSpans() {
				span := convertSpan(s)
				if span.Service = service; span.TraceID == [16]byte{} || span.ID == [8]byte{} {
					invalid++
					continue
				}
				visit(&span)
			}
		}
	}
	return invalid
}

func convertSpan(s *tracepb.Span) otlp.Span {
	kinds := [...]string{"", "internal", "server", "client", "producer", "consumer"}
	span := otlp.Span{
		Name: s.GetName(), Start: int64(min(s.GetStartTimeUnixNano(), 1<<63-1)), End: int64(min(s.GetEndTimeUnixNano(), 1<<63-1)),
		Failed: s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR, Error: trace.Cut(s.GetStatus().GetMessage()),
	}
	if k := int(s.GetKind()); k >= 0 && k < len(kinds) {
		span.Kind = kinds[k]
	}
	copyID(span.TraceID[:], s.GetTraceId())
	copyID(span.ID[:], s.GetSpanId())
	copyID(span.Parent[:], s.GetParentSpanId())
	for _, l := range s.GetLinks() {
		var link otlp.Link
		copyID(link.TraceID[:], l.GetTraceId())
		copyID(link.SpanID[:], l.GetSpanId())
		if link.TraceID != [16]byte{} && link.SpanID != [8]byte{} && len(span.Links) < 16 {
			span.Links = append(span.Links, link)
		}
	}
	for _, e := range s.GetEvents() {
		if len(span.Events) < 64 {
			span.Events = append(span.Events, otlp.Event{
				Name: e.GetName(), At: int64(min(e.GetTimeUnixNano(), 1<<63-1)), Attributes: convertAttributes(e.GetAttributes()),
			})
		}
	}
	span.Attributes = convertAttributes(s.GetAttributes())
	return span
}

func convertAttributes(all []*commonpb.KeyValue) []otlp.Attribute {
	kept := make([]otlp.Attribute, 0, len(all))
	for _, a := range all {
		if name, ok := trace.Kept([]byte(a.GetKey())); ok {
			kept = append(kept, otlp.Attribute{Name: name, Value: value(a.GetValue())})
		}
	}
	return kept
}

func copyID(dst, src []byte) {
	if len(src) == len(dst) {
		copy(dst, src)
	}
}

func value(v *commonpb.AnyValue) string {
	switch v := v.GetValue().(type) {
	case *commonpb.AnyValue_StringValue:
		return trace.Cut(v.StringValue)
	case *commonpb.AnyValue_BoolValue:
		return strconv.FormatBool(v.BoolValue)
	case *commonpb.AnyValue_IntValue:
		return strconv.FormatInt(v.IntValue, 10)
	case *commonpb.AnyValue_DoubleValue:
		return strconv.FormatFloat(v.DoubleValue, 'g', -1, 64)
	case *commonpb.AnyValue_ArrayValue:
		var all []string
		for _, e := range v.ArrayValue.GetValues() {
			all = append(all, value(e))
		}
		return strings.Join(all, ", ")
	}
	return ""
}

// pageSpans is how many spans a naive page has: its own, and one of each of 62 queries.
const pageSpans = 63

// export is what the app sends of so many naive pages when everything is traced.
func export(t testing.TB, pages int) []byte {
	t.Helper()
	tables := map[string]string{
		"agents":    `SELECT "agent"."id", "agent"."name", "agent"."email", "agent"."phone", "agent"."license_number", "agent"."office_id" FROM "agents" AS "agent" WHERE ("agent"."id" = %d)`,
		"offices":   `SELECT "office"."id", "office"."name", "office"."address", "office"."phone", "office"."website" FROM "offices" AS "office" WHERE ("office"."id" = %d)`,
		"locations": `SELECT "location"."id", "location"."city", "location"."state", "location"."zip_code", "location"."latitude", "location"."longitude" FROM "locations" AS "location" WHERE ("location"."id" = %d)`,
	}
	var spans []*tracepb.Span
	for page := range pages {
		query := func(table, text string) {
			s := span(byte(page+1), byte(len(spans)%pageSpans+2), queryAttributes(table, text)...)
			s.Name = "SELECT " + table
			spans = append(spans, s)
		}
		query("properties", `SELECT count(*) FROM "properties" AS "property"`)
		query("properties", `SELECT "property"."id", "property"."title", "property"."price", "property"."agent_id", "property"."location_id" FROM "properties" AS "property" ORDER BY "property"."id" LIMIT 20`)
		for i := range 20 {
			for _, table := range []string{"agents", "offices", "locations"} {
				query(table, fmt.Sprintf(tables[table], (page*20+i)*37%5000))
			}
		}
		server := span(byte(page+1), 1, text(signal.AttrHTTPMethod, "GET"), text(signal.AttrHTTPRoute, "/api/properties/live/naive/"),
			text(signal.AttrURLPath, "/api/properties/live/naive/"), text(signal.AttrMode, "live/naive"), number(signal.AttrHTTPStatus, 200),
			number(signal.AttrSQLQueries, 62), text(signal.AttrSQLRepeated, "SELECT agents x 20, SELECT offices x 20, SELECT locations x 20"))
		server.Name, server.Kind = "GET /api/properties/live/naive/", tracepb.Span_SPAN_KIND_SERVER
		spans = append(spans, server)
	}
	return request(t, spans...)
}

func queryAttributes(table, query string) []*commonpb.KeyValue {
	return []*commonpb.KeyValue{
		text(signal.AttrDBSystem, "postgresql"), text(signal.AttrDBOperation, "SELECT"), text(signal.AttrDBCollection, table),
		text(signal.AttrDBQueryText, query), text(signal.AttrDBSummary, "SELECT "+table),
	}
}

func number(key string, n int64) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: n}}}
}

// TestDecodeIsTheGeneratedTypes compares the decoder with the generated types on what the app sends, attributes included.
func TestDecodeIsTheGeneratedTypes(t *testing.T) {
	body := export(t, 2)
	got, _, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	var want []otlp.Span
	if _, err := generated(body, func(s *otlp.Span) { want = append(want, *s) }); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || len(got) != 2*pageSpans {
		t.Errorf("%d spans (-generated +decoded):\n%s", len(got), diff)
	}
}

func generated(body []byte, visit func(*otlp.Span)) (invalid int, err error) {
	var req collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &req); err != nil {
		return 0, err
	}
	return convert(&req, visit), nil
}

// BenchmarkDecode reads exports of eight naive pages, about as many spans as the app sends at once, with the decoder and with the
// generated types; unpacking is the same for both.
func BenchmarkDecode(b *testing.B) {
	const pages = 8
	body := export(b, pages)
	packed := packed(b, body)
	d := otlp.NewDecoder()
	var unpacked bytes.Buffer
	var reader gzip.Reader
	for name, decode := range map[string]func([]byte, func(*otlp.Span)) (int, error){
		"decoder": d.Decode, "generated": generated, "unpack": func([]byte, func(*otlp.Span)) (int, error) {
			unpacked.Reset()
			if err := reader.Reset(bytes.NewReader(packed)); err != nil {
				return 0, err
			}
			_, err := unpacked.ReadFrom(&reader)
			return 0, err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var spans []otlp.Span // as a sink keeps them
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			for b.Loop() {
				spans = slices.Delete(spans, 0, len(spans))
				if _, err := decode(body, func(s *otlp.Span) { spans = append(spans, *s) }); err != nil {
					b.Fatal(err)
				}
			}
			runtime.ReadMemStats(&after)
			n := float64(b.N) * pages * pageSpans
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/n, "ns/span")
			b.ReportMetric(float64(after.Mallocs-before.Mallocs)/n, "allocs/span")
			b.ReportMetric(float64(after.TotalAlloc-before.TotalAlloc)/n, "B/span")
		})
	}
}
