package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"loadlab/loadgen/internal/limits"
	"loadlab/loadgen/internal/measure"
)

// coded is an error with the word for it that tells it apart from others of its kind.
type coded struct {
	error

	code string
}

func (e coded) Unwrap() error { return e.error }

// statusError is the error of a status that was not expected.
func statusError(status int) error {
	text := http.StatusText(status)
	if status >= 300 && status < 400 {
		text += ", which is a redirect"
	}
	return errors.New(strings.TrimSpace(fmt.Sprintf("status %d %s", status, text)))
}

// codeOf returns the word for why a call failed, one of few: what differs from call to call, such as a port, is in none. It is empty where the kind, or
// the status, has it all.
func codeOf(out *measure.Outcome, err error) string {
	if c := (coded{}); errors.As(err, &c) {
		return c.code
	}
	switch out.Kind {
	case measure.Timeout:
		return waiting(out, err)
	case measure.Unsent:
		if errors.Is(err, errStopped) || errors.Is(err, context.Canceled) {
			return measure.Ended
		}
		return measure.TooLate
	case measure.Refused, measure.Reset:
		return network(err)
	case measure.BadResponse:
		return cmp.Or(network(err), framing(err))
	case measure.Limit:
		if own := limits.Of(err); own != nil {
			return own.Resource
		}
	default: // the kind, or the status, has it all
	}
	return ""
}

// waiting is what a call that timed out was waiting for.
func waiting(out *measure.Outcome, err error) string {
	switch {
	case strings.HasPrefix(err.Error(), inTLS):
		return "in the TLS handshake"
	case errors.As(err, new(*net.DNSError)):
		return "name resolution"
	case out.Sent.IsZero():
		return "connecting"
	case out.Status == 0:
		return "waiting for the response"
	}
	return "reading the response"
}

// network is the word for an error of the network, of TLS, or of net/http.
func network(err error) string {
	if code := certificate(err); code != "" {
		return code
	}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var op *net.OpError
	var errno syscall.Errno
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host"
	case errors.As(err, &dns):
		return "name resolution"
	case errors.Is(err, errNoHTTP2):
		return errNoHTTP2.Error()
	case errors.As(err, &record), errors.Is(err, http.ErrSchemeMismatch):
		return "the server does not speak TLS"
	case errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error"): // crypto/tls has no other mark of an alert
		return "TLS alert: " + strings.TrimPrefix(op.Err.Error(), "tls: ")
	case errors.As(err, &errno):
		return errno.Error()
	case isProxys(err):
		return "proxy"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "closed by the server"
	case strings.HasPrefix(err.Error(), inTLS):
		return "TLS"
	}
	return ""
}

// isProxys reports whether err is of a connection through a proxy that could not be made.
func isProxys(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && (op.Op == "proxyconnect" || strings.HasPrefix(op.Op, "socks"))
}

// inTLS begins the error of a handshake.
const inTLS = "TLS: "

// certificate is the word for a certificate that is refused; empty if none was.
func certificate(err error) string {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "certificate of another host"
	case errors.As(err, &authority):
		return "certificate of an unknown authority"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		return "certificate not valid yet"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "certificate expired"
	case errors.As(err, &invalid), errors.As(err, new(*tls.CertificateVerificationError)):
		return "certificate not valid"
	}
	return ""
}

// withoutURL returns the error of net/http without the request's URL, which may have secrets in it.
func withoutURL(err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
