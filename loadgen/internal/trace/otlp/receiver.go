package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// tracesPath is the path of spans in OTLP/HTTP.
const tracesPath = "/v1/traces"

// Defaults and limits of a Receiver.
const (
	DefaultMaxBody = 8 << 20
	atOnce         = 4 // requests whose body is read at once; others wait
	bodyTimeout    = 10 * time.Second
	protobufType   = "application/x-protobuf"
	jsonType       = "application/json"
)

// ReceiverConfig is where spans are received and where they go.
type ReceiverConfig struct {
	Addr    string     // where to listen; empty for a free port of the loopback interface
	Sink    Sink       // takes every span
	Forward *Forwarder // is sent every request too; nil for none
	MaxBody int64      // bytes of a request, unpacked; 0 is DefaultMaxBody
}

// Receiver is an OTLP/HTTP endpoint for spans in protobuf or JSON, packed by gzip or not.
type Receiver struct {
	cfg      ReceiverConfig
	listener net.Listener
	server   *http.Server
	serving  sync.WaitGroup
	readers  chan *reader // that are free

	refused, invalid atomic.Int64          // requests, and spans of those that were not refused
	refusal          atomic.Pointer[error] // the first
}

// reader is what one request at a time is read with.
type reader struct {
	packed  gzip.Reader
	body    bytes.Buffer
	decoder *Decoder
}

// Receive starts a Receiver. The caller closes it.
func Receive(ctx context.Context, cfg ReceiverConfig) (*Receiver, error) {
	if cfg.Addr == "" {
		cfg.Addr = "127.0.0.1:0"
	}
	if cfg.MaxBody == 0 {
		cfg.MaxBody = DefaultMaxBody
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("receive spans: %w", err)
	}
	r := &Receiver{cfg: cfg, listener: listener, readers: make(chan *reader, atOnce)}
	for range atOnce {
		r.readers <- &reader{decoder: NewDecoder()}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+tracesPath, r.serve)
	r.server = &http.Server{
		Handler: mux, ReadHeaderTimeout: bodyTimeout, ReadTimeout: bodyTimeout, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // a sender gets its error, and the terminal is in use
	}
	r.serving.Go(func() { _ = r.server.Serve(listener) }) // it ends with http.ErrServerClosed
	return r, nil
}

// Endpoint is the base URL, for OTEL_EXPORTER_OTLP_ENDPOINT.
func (r *Receiver) Endpoint() string { return "http://" + r.listener.Addr().String() }

// Env are the variables that make a program send its spans here.
func (r *Receiver) Env() []string {
	return []string{
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT=" + r.Endpoint(),
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=" + r.Endpoint() + tracesPath, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf",
	}
}

// Lost returns an error if requests were refused, or spans that have no valid id, and nil otherwise.
func (r *Receiver) Lost() error {
	var lost []error
	if n := r.refused.Load(); n > 0 {
		lost = append(lost, fmt.Errorf("%d export requests were refused: %w", n, *r.refusal.Load()))
	}
	if n := r.invalid.Load(); n > 0 {
		lost = append(lost, fmt.Errorf("%d spans were refused: they have no valid id", n))
	}
	return errors.Join(lost...)
}

// Close ends the Receiver once the requests under way are answered, or ctx ends. It does not close the Forwarder.
func (r *Receiver) Close(ctx context.Context) error {
	err := r.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, r.server.Close())
	}
	r.serving.Wait()
	return err
}

// serve answers an export request.
func (r *Receiver) serve(w http.ResponseWriter, req *http.Request) {
	var read *reader
	select {
	case read = <-r.readers:
		defer func() { r.readers <- read }()
	case <-req.Context().Done():
		return
	}
	invalid, status, err := r.take(read, req)
	if err != nil {
		r.refusal.CompareAndSwap(nil, &err)
		r.refused.Add(1)
		http.Error(w, err.Error(), status)
		return
	}
	var answer collectorpb.ExportTraceServiceResponse
	if invalid > 0 {
		answer.PartialSuccess = &collectorpb.ExportTracePartialSuccess{RejectedSpans: int64(invalid), ErrorMessage: "spans without a valid id"}
	}
	media, marshal := protobufType, proto.Marshal
	if strings.HasPrefix(req.Header.Get("Content-Type"), jsonType) {
		media, marshal = jsonType, protojson.Marshal
	}
	body, err := marshal(&answer)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", media)
	_, _ = w.Write(body) // a sender that has gone does not read it
}

// take reads a request and hands its spans on. An error is the sender's, and status is the response's.
func (r *Receiver) take(read *reader, req *http.Request) (invalid, status int, err error) {
	media, _, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	if err != nil || media != protobufType && media != jsonType {
		return 0, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Type must be %s or %s", protobufType, jsonType)
	}
	body, status, err := read.unpack(req.Body, req.Header.Get("Content-Encoding"), r.cfg.MaxBody)
	if err != nil {
		return 0, status, err
	}
	if media == jsonType {
		if body, err = fromJSON(body); err != nil {
			return 0, http.StatusBadRequest, err
		}
	}
	spans := 0
	invalid, err = read.decoder.Decode(body, func(s *Span) {
		spans++
		r.cfg.Sink.Add(s)
	})
	if err != nil {
		return 0, http.StatusBadRequest, err
	}
	r.invalid.Add(int64(invalid))
	if r.cfg.Forward != nil {
		r.cfg.Forward.Send(bytes.Clone(body), spans)
	}
	return invalid, http.StatusOK, nil
}

var errTooLarge = errors.New("the request is too large")

// unpack reads a body, which is valid until the next call.
func (read *reader) unpack(body io.Reader, encoding string, limit int64) (b []byte, status int, err error) {
	if read.body.Cap() > 1<<20 {
		read.body = bytes.Buffer{} // one large request should not cost its memory for good
	}
	read.body.Reset()
	src := io.LimitReader(body, limit+1)
	switch encoding {
	case "", "identity":
	case "gzip":
		if err := read.packed.Reset(src); err != nil {
			return nil, http.StatusBadRequest, fmt.Errorf("unpack the request: %w", err)
		}
		src = io.LimitReader(&read.packed, limit+1)
	default:
		return nil, http.StatusUnsupportedMediaType, fmt.Errorf("Content-Encoding %q is neither gzip nor identity", encoding)
	}
	n, err := read.body.ReadFrom(src)
	if n > limit {
		return nil, http.StatusRequestEntityTooLarge, fmt.Errorf("%w: more than %d bytes", errTooLarge, limit)
	}
	if err != nil {
		return nil, http.StatusBadRequest, fmt.Errorf("read the request: %w", err)
	}
	return read.body.Bytes(), http.StatusOK, nil
}
