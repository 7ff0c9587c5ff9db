package otlp

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// fromJSON returns an export request that is JSON in protobuf. OTLP's JSON is protobuf's, but for ids, which are hexadecimal. An error is ErrBody.
//
// It costs several times what protobuf does: it is for services whose exporter knows nothing else.
func fromJSON(body []byte) ([]byte, error) {
	var doc any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber() // times have 64 bits
	err := d.Decode(&doc)
	if err == nil {
		body, err = json.Marshal(withBase64(doc))
	}
	var req collectorpb.ExportTraceServiceRequest
	if err == nil {
		err = protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(body, &req)
	}
	if err == nil {
		body, err = proto.Marshal(&req)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBody, err)
	}
	return body, nil
}

// withBase64 replaces the ids in a document, which it changes. An id that is not hexadecimal is left empty: its span is refused, and not the whole request.
func withBase64(doc any) any {
	switch v := doc.(type) {
	case []any:
		for i := range v {
			v[i] = withBase64(v[i])
		}
	case map[string]any:
		for name, value := range v {
			switch name {
			case "traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id":
				text, _ := value.(string)
				id, err := hex.DecodeString(text)
				if err != nil {
					id = nil
				}
				v[name] = base64.StdEncoding.EncodeToString(id)
			default:
				v[name] = withBase64(value)
			}
		}
	}
	return doc
}
