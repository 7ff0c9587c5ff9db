package main

import (
	"context"
	"errors"
	"fmt"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/run"
)

// testSelf shows that a gate is alive on this machine: it fails a B that is slowed down, and it does not fail a B that is A. Exit code 0 is both; 1 that
// it did the contrary, 3 that noise hid what was injected, 4 that it could not be judged.
func testSelf(ctx context.Context, env environment, cfg run.ABConfig, inject string, out outcome) error {
	slow, err := run.SlowFlags(cfg, inject)
	if err != nil {
		return err
	}
	slower := cfg
	slower.Arms[1].Args = append(append([]string(nil), cfg.Arms[1].Args...), slow...)
	found, err := compareArms(ctx, env, slower, out)
	if !judged(err) {
		return err
	}
	same, err := compareArms(ctx, env, cfg, out)
	if !judged(err) {
		return err
	}
	word, text, code := aliveness(found, same)
	fmt.Fprintf(env.stdout, "\n%s  B slowed down by %s: %s. The same build twice: %s. %s\n", word, inject, found, same, text)
	if code != result.ExitPass {
		return verdict(code)
	}
	return nil
}

// judged reports whether a test came to a verdict that the other half of a self-test may follow.
func judged(err error) bool {
	var v verdict
	return err == nil || errors.As(err, &v) && v != result.ExitInvalid && v != result.ExitInterrupted
}

// aliveness judges both halves of a self-test by their verdicts.
func aliveness(slowed, same string) (word, text string, code int) {
	switch {
	case same == ab.Fail:
		return "DEAD", "A gate that fails what has not changed is of no use.", result.ExitFail
	case slowed == ab.Fail:
		return "ALIVE", "The gate finds what is slower, and does not cry wolf.", result.ExitPass
	case slowed == ab.Pass:
		return "DEAD", "A gate that passes what is slower is of no use.", result.ExitFail
	}
	return "UNKNOWN", "This machine is too noisy to find so little in so few epochs: see the column finds.", result.ExitInconclusive
}
