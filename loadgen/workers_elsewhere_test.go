package main

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/result"
)

// authority is what a server's certificate is verified by.
func authority(s *httptest.Server) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
}

const few = "why: x\nmodes: {a: GET /}\nrounds: 1\nphases: [{name: p, requests: 30}]\ngates: [errors() == 0]\n"

// TestWorkersConnect checks that workers connect as their run was told to: where to, whom they trust, and as whom they come.
func TestWorkersConnect(t *testing.T) {
	workplace(t)
	write(t, "few.yaml", few)
	var arrived atomic.Int64
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); name != "me" || password != "s3cr3t" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		arrived.Add(1)
	}))
	t.Cleanup(server.Close)
	write(t, "ca.pem", authority(server))
	addr := server.Listener.Addr().String()
	c := newChild(t, "run", "./few.yaml", "--target", "https://example.com", "--connect-to", "example.com:443:"+addr, "--connect-timeout", "9", "--workers", "2", "--cacert", "ca.pem",
		"--user", "me:s3cr3t", "--allow-limited") // its certificate is of that name
	if err := c.Run(); err != nil || arrived.Load() != 30 {
		t.Errorf("%d requests arrived, want 30: %v\n%s\n%s", arrived.Load(), err, c.stdout, c.stderr)
	}
}

// TestWorkersElsewhere checks a run that waits for a worker that somebody else starts, before the run is there; and one who comes with another secret is no worker.
func TestWorkersElsewhere(t *testing.T) {
	workplace(t)
	write(t, "few.yaml", few)
	write(t, "secret", "0123456789abcdef\n")
	write(t, "other", "fedcba9876543210\n")
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived.Add(1) }))
	t.Cleanup(server.Close)
	at := testkit.FreeAddr(t)
	worker := newChild(t, "worker", "./few.yaml", "--coordinator", at, "--index", "1", "--secret", "secret")
	worker.start(t)
	c := newChild(t, "run", "./few.yaml", "--target", server.URL, "--workers", "2", "--workers-at", at, "--secret", "secret", "--allow-limited")
	if err := c.Run(); err != nil || arrived.Load() != 30 {
		t.Errorf("%d requests arrived, want 30: %v\n%s\n%s", arrived.Load(), err, c.stdout, c.stderr)
	}
	if err := worker.Wait(); err != nil {
		t.Errorf("worker: %v\n%s", err, worker.stderr)
	}

	stranger := newChild(t, "worker", "./few.yaml", "--coordinator", at, "--index", "1", "--secret", "other")
	stranger.start(t)
	alone := newChild(t, "run", "./few.yaml", "--target", server.URL, "--workers", "2", "--workers-at", at, "--secret", "secret", "--worker-join", "2s")
	_ = alone.Run() // the exit code says more
	_ = stranger.Wait()
	const missing = "INVALID  few: worker 1 has not registered within 2s; connections without the secret of the run: 1"
	if code := alone.ProcessState.ExitCode(); code != result.ExitInvalid || !strings.Contains(alone.stdout.String(), missing) || arrived.Load() != 30 {
		t.Errorf("exit code %d, %d requests:\n%s\n%s", code, arrived.Load(), alone.stdout, alone.stderr)
	}
	if !strings.Contains(stranger.stderr.String(), "the other end has not the secret of this run") && !strings.Contains(stranger.stderr.String(), "tls: ") {
		t.Errorf("stranger: %s", stranger.stderr)
	}
}
