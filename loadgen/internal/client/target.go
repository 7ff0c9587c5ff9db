package client

import (
	"cmp"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
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
	header http.Header
	replay time.Duration // replayWithin
}

// NewTarget parses a base URL such as "http://127.0.0.1:8000", "https://lab.example/v2" or, of a Unix socket, "unix:///run/app.sock". User and password in it
// become an Authorization header. No error has the password in it.
func NewTarget(baseURL string, opts Options) (*Target, error) {
	u, err := redact.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	if u.Scheme == unixScheme {
		if opts.Socket = u.Path; opts.Socket == "" {
			return nil, fmt.Errorf("target %q: want the path of a socket, unix:///run/app.sock", baseURL)
		}
		u = &url.URL{Scheme: "http", Host: "localhost"}
	}
	if err := usable(u); err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	t := &Target{opts: opts, base: u, header: opts.Header.Clone(), replay: replayWithin}
	if t.header == nil {
		t.header = make(http.Header)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		t.header.Set("Authorization", Basic(u.User.Username(), password))
		u.User = nil
	}
	if u.Host, err = hostInASCII(u); err != nil {
		return nil, fmt.Errorf("target %q: %w", redact.URL(baseURL), err)
	}
	u.Host = addressInFull(u)
	t.host = u.Host
	port := u.Port()
	if port == "" {
		port = DefaultPort(u.Scheme)
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	t.prefix = strings.TrimRight(u.EscapedPath(), "/")
	if u.Scheme == "https" {
		t.tls = opts.tlsConfig(u.Hostname())
	}
	return t, nil
}

// usable returns why requests cannot go to a URL, or nil.
func usable(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("the scheme must be http or https, or unix for a socket")
	}
	if u.Hostname() == "" {
		return errors.New("it names no host: want scheme://host[:port][/path]")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return errors.New("want scheme://host[:port][/path]")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return fmt.Errorf("the port must be from 1 to %d", math.MaxUint16)
		}
	}
	return nil
}

// DefaultPort is the port of a scheme; empty for one that has none.
func DefaultPort(scheme string) string {
	return map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[scheme]
}

// unixScheme is the scheme of a URL that is the path of a Unix socket.
const unixScheme = "unix"

// Basic returns the value of an Authorization header (RFC 7617).
func Basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
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
	case o.Timeout < 0 || o.Redirects < 0 || o.ConnectTimeout < 0:
		return errors.New("negative timeout or redirects")
	case o.Socket != "" && o.Proxy != nil:
		return errors.New("a Unix socket is not reached through a proxy")
	case o.Address != "" && (o.Socket != "" || o.Proxy != nil):
		return errors.New("another address than the URL's does not go with a Unix socket, nor with a proxy: it is one or the other that is connected to")
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
	cfg.InsecureSkipVerify = cfg.InsecureSkipVerify || o.Insecure
	if o.Transport == Raw { // net/http knows the name of each host that it is sent to
		cfg.NextProtos = []string{"http/1.1"}
		cfg.ServerName = cmp.Or(cfg.ServerName, host)
	}
	if o.HTTP2 {
		cfg.VerifyConnection = speaksHTTP2
	}
	return cfg
}

// speaksHTTP2 ends a handshake with a server that did not choose HTTP/2 (RFC 9113, section 3.2).
func speaksHTTP2(s tls.ConnectionState) error {
	switch s.NegotiatedProtocol {
	case "h2":
		return nil
	case "":
		return fmt.Errorf("%w: it chose no protocol (ALPN)", errNoHTTP2)
	}
	return fmt.Errorf("%w: it chose %s (ALPN)", errNoHTTP2, s.NegotiatedProtocol)
}

var errNoHTTP2 = errors.New("the server does not speak HTTP/2")
