package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// TestRedirectsAreFollowedWhenAskedFor also shows that the flag chooses the transport that can.
func TestRedirectsAreFollowedWhenAskedFor(t *testing.T) {
	var arrived atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/from", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/to", http.StatusFound) })
	mux.HandleFunc("/to", func(http.ResponseWriter, *http.Request) { arrived.Add(1) })
	server := httptest.NewServer(mux)
	defer server.Close()
	for _, test := range []struct {
		flags   string
		arrived int64
	}{{"", 0}, {"--redirects 1", 3}} {
		arrived.Store(0)
		var out bytes.Buffer
		args := append([]string{"hit", server.URL + "/from", "-n", "3", "--allow-limited"}, strings.Fields(test.flags)...)
		if err := execute(t.Context(), args, environment{stdout: &out, stderr: &out}); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		if arrived.Load() != test.arrived {
			t.Errorf("hit %s: %d requests arrived, want %d", test.flags, arrived.Load(), test.arrived)
		}
	}
}

// A target is taken without a scheme, as hit takes one.
func TestRunAgainstAHostAndPort(t *testing.T) {
	workplace(t)
	write(t, "small.yaml", "why: x\nmodes: {a: GET /}\nrounds: 1\nphases: [{name: p, requests: 3}]\n")
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(server.Close)
	r := loadgen(t, "run", "./small.yaml", "--target", strings.TrimPrefix(server.URL, "http://"), "--allow-limited")
	if r.code != 0 || arrived.Load() != 3 {
		t.Errorf("%d requests arrived, want 3: %s", arrived.Load(), r)
	}
}

func TestBadConnectFlagsAreUsageErrors(t *testing.T) {
	for _, flags := range []string{"--proxy http://p:1/path", "--proxy http://u:s3cret@p:x", "--cert none.pem", "--key none.pem", "--cacert none.pem", "--user me", "-x h:1 --unix-socket /s", "--transport carrier-pigeon", "--transport raw --http2", "--redirects -1"} {
		var out bytes.Buffer
		args := append([]string{"hit", "http://127.0.0.1:1/", "-n", "1"}, strings.Fields(flags)...)
		err := execute(t.Context(), args, environment{stdout: &out, stderr: &out})
		if exitCode(err) != exitUsage {
			t.Errorf("%s: exit code %d (%v), want %d", flags, exitCode(err), err, exitUsage)
		}
		if errors.As(err, new(verdict)) {
			t.Errorf("%s: a request was made", flags)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: got %v, want one line without the password", flags, err)
		}
	}
}
