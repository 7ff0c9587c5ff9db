package otlp_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"loadlab/loadgen/internal/trace"
	"loadlab/loadgen/internal/trace/otlp"
)

// span makes a span whose ids end with a byte each; 0 makes an invalid id.
func span(traceID, id byte, attrs ...*commonpb.KeyValue) *tracepb.Span {
	s := &tracepb.Span{
		TraceId: append(make([]byte, 15), traceID), SpanId: append(make([]byte, 7), id), Name: "SELECT agents", Kind: tracepb.Span_SPAN_KIND_CLIENT,
		StartTimeUnixNano: 1e18, EndTimeUnixNano: 1e18 + 5, Attributes: attrs,
	}
	if id > 1 {
		s.ParentSpanId = append(make([]byte, 7), 1)
	}
	return s
}

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func request(t testing.TB, spans ...*tracepb.Span) []byte {
	t.Helper()
	body, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource:   &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "shop")}},
		ScopeSpans: []*tracepb.ScopeSpans{{Scope: &commonpb.InstrumentationScope{Name: "x"}, Spans: spans}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func decode(body []byte) (spans []otlp.Span, invalid int, err error) {
	invalid, err = otlp.NewDecoder().Decode(body, func(s *otlp.Span) { spans = append(spans, *s) })
	return spans, invalid, err
}

// FuzzDecode compares the decoder with the generated types, on whatever these take.
func FuzzDecode(f *testing.F) {
	linked := span(1, 2, text("db.query.text", "SELECT 1"), &commonpb.KeyValue{Key: "lab.list", Value: &commonpb.AnyValue{
		Value: &commonpb.AnyValue_ArrayValue{ArrayValue: &commonpb.ArrayValue{Values: []*commonpb.AnyValue{text("", "a").GetValue(), text("", "b").GetValue()}}},
	}})
	linked.Links = []*tracepb.Span_Link{{TraceId: bytes.Repeat([]byte{7}, 16), SpanId: bytes.Repeat([]byte{8}, 8)}}
	linked.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: "broken"}
	linked.Events = []*tracepb.Span_Event{{Name: "exception"}, {Name: "waited", TimeUnixNano: 1e18 + 3, Attributes: []*commonpb.KeyValue{text("lab.cache.reason", "x")}}}
	f.Add(request(f, span(1, 1), linked))
	f.Add(request(f, span(0, 1)))
	f.Add([]byte{0x0a, 0xff})
	f.Fuzz(func(t *testing.T, body []byte) {
		got, invalid, err := decode(body)
		if err != nil && !errors.Is(err, otlp.ErrBody) {
			t.Errorf("got error %v", err)
		}
		for i := range got {
			for _, a := range got[i].Attributes {
				if len(a.Value) > trace.MaxText || !utf8.ValidString(a.Value) {
					t.Errorf("attribute %s has %d bytes, %q", a.Name, len(a.Value), a.Value)
				}
			}
		}
		var req collectorpb.ExportTraceServiceRequest
		if proto.Unmarshal(body, &req) != nil {
			return
		}
		if err != nil {
			t.Fatalf("the generated types take it: %v", err)
		}
		var want []otlp.Span
		wantInvalid := convert(&req, func(s *otlp.Span) { want = append(want, *s) })
		for i := range got { // what the decoder bounds is not compared
			got[i].Attributes, got[i].Service = nil, ""
			for j := range got[i].Events {
				got[i].Events[j].Attributes = nil
			}
		}
		for i := range want {
			want[i].Attributes, want[i].Service = nil, ""
			want[i].Name = short(want[i].Name)
			for j := range want[i].Events {
				want[i].Events[j].Attributes, want[i].Events[j].Name = nil, short(want[i].Events[j].Name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || invalid != wantInvalid {
			t.Errorf("%d invalid spans, want %d\n%s", invalid, wantInvalid, diff)
		}
	})
}

// short is a name as the decoder cuts it.
func short(name string) string {
	if len(name) > 256 {
		return strings.ToValidUTF8(name[:256], "\uFFFD")
	}
	return name
}

func TestDecodeBoundsEverySpan(t *testing.T) {
	var attrs []*commonpb.KeyValue
	for range 100 {
		attrs = append(attrs, text("lab.x", strings.Repeat("ü", 5000)))
	}
	s := span(1, 1, attrs...)
	s.Name = strings.Repeat("n", 1000)
	for range 100 {
		s.Links = append(s.Links, &tracepb.Span_Link{TraceId: bytes.Repeat([]byte{7}, 16), SpanId: bytes.Repeat([]byte{8}, 8)})
		s.Events = append(s.Events, &tracepb.Span_Event{Name: s.Name, Attributes: attrs})
	}
	got, _, err := decode(request(t, s))
	if err != nil || len(got) != 1 {
		t.Fatalf("%d spans, %v", len(got), err)
	}
	if g := got[0]; len(g.Attributes) != 32 || len(g.Links) != 16 || len(g.Name) != 256 || len(g.Attributes[0].Value) > trace.MaxText || g.Service != "shop" {
		t.Errorf("%d attributes, %d links, a name of %d bytes", len(g.Attributes), len(g.Links), len(g.Name))
	}
	if e := got[0].Events; len(e) != 64 || len(e[0].Attributes) != 32 || len(e[0].Name) != 256 || len(e[0].Attributes[0].Value) > trace.MaxText {
		t.Errorf("%d events, the first with %d attributes and a name of %d bytes", len(e), len(e[0].Attributes), len(e[0].Name))
	}
}

func TestResourceBehindItsSpans(t *testing.T) {
	spans, err := proto.Marshal(&tracepb.ResourceSpans{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{span(1, 1)}}}})
	if err != nil {
		t.Fatal(err)
	}
	resource, err := proto.Marshal(&tracepb.ResourceSpans{Resource: &resourcepb.Resource{Attributes: []*commonpb.KeyValue{text("service.name", "late")}}})
	if err != nil {
		t.Fatal(err)
	}
	body, err := proto.Marshal(&collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{}}})
	if err != nil {
		t.Fatal(err)
	}
	message := append(spans, resource...)
	body = append(append(body, 0x0a, byte(len(message))), message...)
	got, _, err := decode(body)
	if err != nil || len(got) != 1 || got[0].Service != "late" {
		t.Errorf("got %+v, %v", got, err)
	}
}
