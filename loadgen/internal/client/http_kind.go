package client

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
)

// classify returns how a request ended whose http.Client.Do failed, where no response has been read.
func classify(err error) (measure.Kind, error) {
	if own := limits.Of(err); own != nil {
		return measure.Limit, own
	}
	return kindOf(err), err
}

// shaking returns the error of net/http for a handshake that took too long as the raw transport has it. There is no other mark of it.
func shaking(err error) error {
	if err.Error() == "net/http: TLS handshake timeout" {
		return fmt.Errorf(inTLS+"%w", os.ErrDeadlineExceeded)
	}
	return err
}

// refusesHTTP2 reports whether a server without TLS answered the preface of HTTP/2 in HTTP/1.1, or closed the connection on it. Which of the two
// is seen depends on what is read first, and package http2 has no other mark of either.
func refusesHTTP2(err error) bool {
	text := err.Error()
	return strings.Contains(text, "looked like an HTTP/1.1 header") || strings.Contains(text, "http2: client conn could not be established")
}

func kindOf(err error) measure.Kind {
	var dial *net.OpError
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return measure.Timeout
	case errors.As(err, &dns) || errors.As(err, &cert) || errors.As(err, &record) || isAlert(err),
		errors.Is(err, http.ErrSchemeMismatch), errors.Is(err, errNoHTTP2), errors.Is(err, errProxy), isProxys(err),
		errors.As(err, &dial) && dial.Op == "dial":
		return measure.Refused
	case errors.As(err, &dial), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return measure.Reset
	case strings.Contains(err.Error(), "server closed idle connection"), strings.Contains(err.Error(), "http2: "):
		return measure.Reset // net/http exports neither
	}
	return measure.BadResponse
}

// classifyBody is classify for an error of the Read of a body, of which got bytes had come. A length below 0 was not announced.
func classifyBody(err error, got, length int64) (measure.Kind, error) {
	kind, err := classify(err)
	if kind == measure.Reset && errors.Is(err, io.ErrUnexpectedEOF) {
		return measure.Truncated, cutOff(got, length)
	}
	return kind, err
}

// errProxy is the error of a proxy that does not connect.
var errProxy = errors.New("the proxy does not connect")

// connected returns why a proxy that has answered CONNECT has not connected, or nil.
func connected(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return coded{fmt.Errorf("%w: %w", errProxy, statusError(resp.StatusCode)), fmt.Sprintf("the proxy answers %d", resp.StatusCode)}
}
