package redact_test

import (
	"errors"
	"strings"
	"testing"

	"loadlab/internal/redact"
)

func TestURL(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8000/a?page=2":                    "http://127.0.0.1:8000/a?page=2",
		"http://me:s3cret@127.0.0.1/":                       "http://me:xxxxx@127.0.0.1/",
		"http://me@127.0.0.1/":                              "http://me@127.0.0.1/",
		"redis://:s3/cret@127.0.0.1:9":                      "redis://xxxxx@127.0.0.1:9",
		"redis://:s3@cret@127.0.0.1:9 ":                     "redis://xxxxx@127.0.0.1:9 ",
		"postgres://lab@db/lab?sslmode=off&password=s3cret": "postgres://lab@db/lab?sslmode=off&password=xxxxx",
		"https://api/?access_token=s3cret&q=x":              "https://api/?access_token=xxxxx&q=x",
		"/a%2Fb?q=é{{x}}&page=2":                            "/a%2Fb?q=é{{x}}&page=2",
		"/?api_key=s3cret&X-Amz-Signature=s3cret&monkey=1":  "/?api_key=xxxxx&X-Amz-Signature=xxxxx&monkey=1",
		"s3cret@host:%zz":                                   "xxxxx@host:%zz",
		"":                                                  "",
	} {
		if got := redact.URL(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

func TestErrorsShowNoSecret(t *testing.T) {
	for address, want := range map[string]string{
		"redis://:s3/cret@127.0.0.1:9": redact.ErrCredentials.Error(),
		"http://me:s3cret%zz@host/":    redact.ErrCredentials.Error(),
		"http://host:port/":            `invalid port ":port" after host`,
	} {
		if _, err := redact.Parse(address); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
	// What reads a URL may refuse more of it than its form.
	for text, want := range map[string]string{"unknown option foo": "unknown option foo", "bad s3cret": redact.ErrCredentials.Error()} {
		if err := redact.Error("redis://:s3cret@host/?foo=1", errors.New(text)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
	if u, err := redact.Parse("http://me:s3cret@host/"); err != nil || u.Host != "host" {
		t.Errorf("got %v, %v", u, err)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("/x", "127.0.0.1:9")
	f.Fuzz(func(t *testing.T, password, rest string) {
		const secret = "s3cretS3CRET"
		address := "http://u:" + secret + password + "@" + rest
		if got := redact.URL(address); strings.Contains(got, secret) {
			t.Errorf("%q shows the password: %q", address, got)
		}
	})
}
