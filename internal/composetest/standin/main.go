// Command standin stands for Jaeger and for Grafana in the test of the compose stack: it listens on its arguments, answers every request with 200, and counts
// the spans that it is sent by the service that they are of. GET /spans returns these counts.
package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

func main() {
	s := &standin{Spans: map[string]int{}}
	ended := make(chan error)
	for _, addr := range os.Args[1:] {
		server := &http.Server{Addr: addr, Handler: s, ReadHeaderTimeout: time.Minute}
		go func() { ended <- server.ListenAndServe() }()
	}
	fmt.Fprintln(os.Stderr, <-ended)
	os.Exit(1)
}

// standin counts spans by service.
type standin struct {
	mu    sync.Mutex // guards Spans
	Spans map[string]int
}

// ServeHTTP implements http.Handler.
func (s *standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case r.URL.Path == "/spans":
		_ = json.NewEncoder(w).Encode(s.Spans)
	case r.Method == http.MethodPost && r.URL.Path == "/v1/traces":
		if err := s.count(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

// count counts the spans of an OTLP request.
func (s *standin) count(r *http.Request) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var export collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(data, &export); err != nil {
		return err
	}
	for _, resource := range export.GetResourceSpans() {
		service := ""
		for _, a := range resource.GetResource().GetAttributes() {
			if a.GetKey() == "service.name" {
				service = a.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			s.Spans[service] += len(scope.GetSpans())
		}
	}
	return nil
}
