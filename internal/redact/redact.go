// Package redact takes secrets out of URLs that are shown: in messages, logs and reports. Both programs use it. It knows nothing of what a URL is for.
package redact

import (
	"errors"
	"net/url"
	"strings"
)

// hidden stands for a secret.
const hidden = "xxxxx"

// URL returns address without its password, and without the values of query parameters that are secrets by their names. What is before the host of an address that is no
// URL is left out as a whole.
func URL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return cut(address)
	}
	if u.User == nil && u.RawQuery == "" {
		return address
	}
	if query := withoutSecrets(u.RawQuery); query != u.RawQuery {
		u.RawQuery = query
	}
	if _, ok := u.User.Password(); !ok {
		return u.String()
	}
	return u.Redacted()
}

// cut leaves out what is between the scheme and the last @.
func cut(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	} else {
		scheme += "://"
	}
	i := strings.LastIndexByte(rest, '@')
	if i < 0 {
		return address
	}
	return scheme + hidden + rest[i:]
}

// withoutSecrets replaces the values of parameters of a query, and leaves the rest as it is written.
func withoutSecrets(query string) string {
	parts := strings.Split(query, "&")
	for i, part := range parts {
		name, _, ok := strings.Cut(part, "=")
		if lower := strings.ToLower(name); ok && (strings.Contains(lower, "pass") || strings.Contains(lower, "secret") || strings.Contains(lower, "token")) {
			parts[i] = name + "=" + hidden
		}
	}
	return strings.Join(parts, "&")
}

// ErrCredentials is why an address with a password cannot be read. The error of package url has a part of the password in it.
var ErrCredentials = errors.New("it is no URL: in a user's name and a password, each of / ? # @ and % is written as %2F %3F %23 %40 and %25")

// Parse is url.Parse with errors that show no secret.
func Parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	return u, Error(address, err)
}

// Error returns the error of reading an address without the address: it is what is wrong with it, or ErrCredentials if that may show a secret. It is nil for nil.
// Of an address that is a URL, what else is wrong is shown unless the user's password is in it.
func Error(address string, err error) error {
	if err == nil {
		return nil
	}
	if u, bad := url.Parse(address); bad == nil {
		if password, _ := u.User.Password(); password == "" || !strings.Contains(err.Error(), password) {
			return err
		}
	}
	if strings.Contains(address, "@") {
		return ErrCredentials
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}
