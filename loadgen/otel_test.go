package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"loadlab/internal/testkit"
	"loadlab/loadgen/internal/trace"
)

// A Node service of two processes, instrumented by OpenTelemetry's own SDK, sends its spans to the run by each protocol: a trace has both, and N+1 queries by the
// old semantic conventions and by the new.
func TestTracesOfANodeService(t *testing.T) {
	service, err := filepath.Abs("../.cache/otel")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if _, serr := os.Stat(filepath.Join(service, "node_modules")); err != nil || serr != nil {
		t.Skip("SKIPPED, NOT TESTED: make otel-check installs what a Node service needs")
	}
	workplace(t)
	write(t, "orders.yaml", "why: what a page of orders costs\nmodes: {orders: GET /orders}\nrounds: 1\nphases: [{name: steady, rate: 20/s, for: 1s}]\n")
	for _, protocol := range []string{"http/protobuf", "http/json"} {
		listen, front, stock := testkit.FreeAddr(t), testkit.FreeAddr(t), testkit.FreeAddr(t)
		for _, args := range [][]string{{"stock", port(stock)}, {"front", port(front), port(stock)}} {
			startNode(t, node, service, args, "OTEL_SERVICE_NAME="+args[0], "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+listen, "OTEL_EXPORTER_OTLP_PROTOCOL="+protocol,
				"OTEL_EXPORTER_OTLP_COMPRESSION=gzip", "OTEL_TRACES_SAMPLER=parentbased_always_off", "OTEL_BSP_SCHEDULE_DELAY=200", "OTEL_METRICS_EXPORTER=none", "OTEL_LOGS_EXPORTER=none")
		}
		r := loadgen(t, "run", "./orders.yaml", "--target", front, "--otlp-listen", listen, "--otlp-wait", "2s", "--allow-limited")
		if said := strings.Join(strings.Fields(r.stdout), " "); r.code != 0 || !strings.Contains(said, "customers by id x 6, stock by article_id x 4: 10 of 11 queries") || strings.Contains(said, "spans") {
			t.Fatalf("%s: %s", protocol, r)
		}
		runs, paths := results(t)
		var services []string
		for _, s := range runs[len(runs)-1].Traces[0].Spans {
			services = append(services, s.Service)
		}
		slices.Sort(services)
		if services = slices.Compact(services); !slices.Equal(services, []string{"front", trace.Service, "stock"}) {
			t.Errorf("%s: the slowest trace has spans of %v", protocol, services)
		}
		if r := loadgen(t, "trace", paths[len(paths)-1]); r.code != 0 || !strings.Contains(r.stdout, "SELECT x 6") || !strings.Contains(r.stdout, "pg.query:SELECT shop x 4") {
			t.Errorf("%s: %s", protocol, r)
		}
	}
}

// startNode starts a process of the service, and waits until it serves. It ends with the test.
func startNode(t *testing.T, node, service string, args []string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), node, append([]string{filepath.Join(service, "orders.js")}, args...)...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "ready\n" {
		t.Fatalf("%v: got %q, %v", args, line, err)
	}
}

func port(addr string) string { return addr[strings.LastIndexByte(addr, ':')+1:] }
