// Package e2e_test holds the lab's telemetry against the lab's own report: a short scenario runs once, with a real Prometheus that scrapes
// it and an OTLP endpoint that takes every span, and then the dashboards, the histograms, the exemplars and the traces must all say what
// run.json says.
package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if err := os.RemoveAll(programs); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		os.Exit(code)
	}))
}

// programs is the folder of both programs once a test has needed them; TestMain removes it.
var programs string

// built returns that folder. The programs are built once for all tests: to link them takes longer than most of the tests.
var built = sync.OnceValues(func() (string, error) {
	var err error
	if programs, err = os.MkdirTemp("", "e2e-test-"); err != nil {
		return "", err
	}
	if out, err := exec.Command("go", "build", "-buildvcs=false", "-o", programs, "loadlab/app", "loadlab/loadgen").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return programs, nil
})

// limit is how long all of it may take: building the programs from nothing is most of that.
const limit = 3 * time.Minute

func TestTelemetry(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs the programs")
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	l, err := newLab(ctx, t)
	testkit.Need(t, err, localserver.ErrMissing)
	t.Run("run", l.testRun)
	t.Run("phases", l.testPhases)
	t.Run("dashboards", l.testDashboards)
	t.Run("generator's histograms", l.testGenerator)
	t.Run("app's histograms", l.testApp)
	t.Run("exemplars", l.testExemplars)
	t.Run("spans", l.testSpans)
	t.Run("kept traces", l.testKeptTraces)
}
