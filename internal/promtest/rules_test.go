package promtest_test

import (
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"loadlab/internal/localserver"
	"loadlab/internal/promtest"
	"loadlab/internal/testkit"
)

const rules = "../../otel/prometheus/rules"

// The alerts fire when they should, and not when they should not, on the samples of the tests beside them.
func TestRules(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("promtool")
	if errors.Is(err, exec.ErrNotFound) {
		err = &localserver.MissingError{Program: "promtool", Package: "prometheus", Debian: "prometheus"}
	}
	testkit.Need(t, err, localserver.ErrMissing)
	for command, pattern := range map[string]string{"check": "*.yml", "test": "tests/*.yml"} {
		files, err := filepath.Glob(filepath.Join(rules, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: got %d files, %v", pattern, len(files), err)
		}
		if out, err := exec.CommandContext(t.Context(), program, append([]string{command, "rules"}, files...)...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s rules: %v\n%s", command, err, out)
		}
	}
}

// Every Prometheus of the tests has them, as the lab's own has.
func TestConfigurationHasRules(t *testing.T) {
	t.Parallel()
	c, err := promtest.ReadConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range c.Rules {
		if files, err := filepath.Glob(pattern); err != nil || len(files) == 0 || !filepath.IsAbs(pattern) {
			t.Errorf("%s: got %q, %v; want an absolute pattern with files", pattern, files, err)
		}
	}
	if len(c.Rules) == 0 {
		t.Error("the configuration has no rules")
	}
}
