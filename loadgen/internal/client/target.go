package client

import (
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"loadlab/internal/redact"
)

// Target is the server that requests go to. It is immutable and shared by all callers.
type Target struct {
	opts   Options
	base   *url.URL // scheme, host and path prefix
	host   string   // the Host header
	addr   string   // host:port
	prefix string   // of every path, without a slash at its end
	tls    *tls.Config
	header map[string]string
	replay time.Duration // replayWithin
}

// NewTarget parses a base URL such as "http://127.0.0.1:8000" or "https://lab.example/v2". User and password in it become an
// Authorization header.
func NewTarget(baseURL string, opts Options) (*Target, error) {
	u, err := redact.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("target %q: the scheme must be http or https", u.Redacted())
	}
	if u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("target %q: want scheme://host[:port][/path]", u.Redacted())
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, fmt.Errorf("target %q: the port must be from 1 to %d", u.Redacted(), math.MaxUint16)
		}
	}
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	t := &Target{opts: opts, base: u, host: u.Host, header: maps.Clone(opts.Header), replay: replayWithin}
	if t.header == nil {
		t.header = make(map[string]string)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
		u.User = nil
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	t.prefix = strings.TrimRight(u.EscapedPath(), "/")
	if u.Scheme == "https" {
		t.tls = opts.tlsConfig(u.Hostname())
	}
	return t, nil
}

// complete fills in the defaults and rejects what contradicts itself.
func (o *Options) complete() error {
	if o.Transport == "" {
		o.Transport = Raw
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	switch {
	case o.Transport != Raw && o.Transport != NetHTTP:
		return fmt.Errorf("unknown transport %q: want %q or %q", o.Transport, Raw, NetHTTP)
	case o.Timeout < 0 || o.Redirects < 0:
		return errors.New("negative timeout or redirects")
	case o.Transport == Raw && (o.HTTP2 || o.Proxy != nil || o.Redirects > 0):
		return fmt.Errorf("HTTP/2, proxies and redirects need the transport %q", NetHTTP)
	}
	return nil
}

func (o *Options) tlsConfig(host string) *tls.Config {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if o.TLS != nil {
		cfg = o.TLS.Clone()
	}
	if cfg.ServerName == "" {
		cfg.ServerName = host
	}
	cfg.InsecureSkipVerify = cfg.InsecureSkipVerify || o.Insecure
	if o.Transport == Raw {
		cfg.NextProtos = []string{"http/1.1"}
	}
	return cfg
}
