package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// A generator that is stopped for a while has not measured the target, and does not judge it.
func TestAFrozenGeneratorIsLimited(t *testing.T) {
	workplace(t)
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(server.Close)
	c := newChild(t, "hit", server.URL, "--rate", "100/s", "--for", "2s")
	c.start(t)
	testkit.Eventually(t, "requests arrive", func() bool { return arrived.Load() > 10 })
	if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	const frozen = 800 * time.Millisecond // longer than a generator may stand still
	thaw, cancel := context.WithTimeout(t.Context(), frozen)
	defer cancel()
	<-thaw.Done()
	r := c.signal(t, syscall.SIGCONT)
	if r.code != result.ExitInvalid || !strings.Contains(r.stdout, "GENERATOR-LIMITED  hit: not judged") || !strings.Contains(r.stdout, "the generator stood still for ") {
		t.Error(r)
	}
}
