package ping

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
)

// redisAt is where a Redis is, and who asks.
type redisAt struct {
	network, address string
	tls              bool
	auth             []string // the command; nil without a password
}

// parseRedis reads redis://[USER:PASSWORD@]HOST[:PORT][/DB], the same with rediss:// for TLS, and unix://[USER:PASSWORD@]/PATH. Its error does not
// show the URL, which may have a password in it.
func parseRedis(text string) (at redisAt, err error) {
	u, err := url.Parse(text)
	if err != nil {
		return at, errors.New("the URL cannot be read: want redis://HOST:PORT or unix:///PATH")
	}
	switch u.Scheme {
	case "redis", "rediss":
		host, port := u.Hostname(), u.Port()
		if host == "" {
			host = "localhost"
		}
		if port == "" {
			port = "6379"
		}
		at = redisAt{network: "tcp", address: net.JoinHostPort(host, port), tls: u.Scheme == "rediss"}
	case "unix":
		if u.Path == "" || u.Host != "" {
			return at, errors.New("the URL has no path: want unix:///PATH")
		}
		at = redisAt{network: "unix", address: u.Path}
	default:
		return at, fmt.Errorf("the URL's scheme is %q: want redis, rediss or unix", u.Scheme)
	}
	if password, ok := u.User.Password(); ok {
		at.auth = []string{"AUTH", password}
		if name := u.User.Username(); name != "" {
			at.auth = []string{"AUTH", name, password}
		}
	}
	return at, nil
}

// dial connects.
func (at redisAt) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	if at.tls {
		return (&tls.Dialer{NetDialer: &d}).DialContext(ctx, at.network, at.address)
	}
	return d.DialContext(ctx, at.network, at.address)
}
