// Package redact takes secrets out of URLs that are shown: in messages, logs and reports. Both programs use it. It knows nothing of what a URL is for.
package redact

import (
	"errors"
	"net/url"
	"slices"
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
	_, password := u.User.Password()
	query := withoutSecrets(u.RawQuery)
	if !password && query == u.RawQuery {
		return address
	}
	u.RawQuery = query
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
		if ok && isSecret(strings.ToLower(name)) {
			parts[i] = name + "=" + hidden
		}
	}
	return strings.Join(parts, "&")
}

// isSecret reports whether a parameter of that name, in lower case, is for those who know its value.
func isSecret(name string) bool {
	switch name {
	case "key", "sig", "auth":
		return true
	}
	return slices.ContainsFunc([]string{"pass", "secret", "token", "apikey", "api_key", "api-key", "access_key", "signature"}, func(part string) bool { return strings.Contains(name, part) })
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
