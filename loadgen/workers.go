package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/shard"
)

// maxWorkers is how many processes one machine may be asked for.
const maxWorkers = 64

// minSilence is more than a busy machine lets a process wait.
const minSilence = time.Second

// workers returns how a run has n processes of this program send its load; 0 is that it does so itself.
func workers(n int, silence time.Duration, s *scenario.Scenario, env environment) (run.Workers, error) {
	if n == 0 {
		return run.Workers{}, nil
	}
	if n < 0 || n > maxWorkers {
		return run.Workers{}, usageError{fmt.Errorf("--workers is %d: it is from 1 to %d", n, maxWorkers)}
	}
	if silence < minSilence {
		return run.Workers{}, usageError{fmt.Errorf("--worker-timeout is %s: the least is %s", silence, minSilence)}
	}
	self, err := os.Executable()
	if err != nil {
		return run.Workers{}, fmt.Errorf("find this program: %w", err)
	}
	hash, err := programHash(self)
	if err != nil {
		return run.Workers{}, err
	}
	// The processors are shared: what a worker could use is what its load is held against.
	procs := max(1, runtime.GOMAXPROCS(0)/n)
	w := run.Workers{N: n, Addr: "127.0.0.1:0", Program: hash, Secret: shard.NewSecret(), Limits: shard.Limits{Silence: silence}}
	w.Launch = func(ctx context.Context, i int, addr string) (run.Process, error) {
		args := []string{"worker", "--coordinator", addr, "--index", strconv.Itoa(i), "--secret", shard.SecretFile, "--timeout", silence.String(), s.File}
		return shard.Start(ctx, self, args, append(slices.Clip(env.vars), "GOMAXPROCS="+strconv.Itoa(procs)), w.Secret)
	}
	return w, nil
}

// programHash is the hash of a program.
func programHash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash the program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("hash the program: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// workerCommand sends a share of the load of a run that has started it.
func workerCommand(env environment) *cobra.Command {
	var c shard.WorkerConfig
	var secret string
	cmd := &cobra.Command{
		Use: "worker SCENARIO", Short: "Send a share of the load of a run (run --workers starts it)", Hidden: true, Args: arguments(cobra.ExactArgs(1)),
	}
	flags := cmd.Flags()
	flags.StringVar(&c.Addr, "coordinator", "", "host:port of the run")
	flags.IntVar(&c.Index, "index", 0, "which of the workers this is, from 0")
	flags.StringVar(&secret, "secret", "", "file that has the secret of the run")
	flags.DurationVar(&c.Limits.Silence, "timeout", 0, "how long the run may be silent")
	flags.StringVar(&c.UID, "uid", "", "what no other process has for an id (default: drawn)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := os.ReadFile(secret)
		if err != nil {
			return usageError{fmt.Errorf("--secret: %w", err)}
		}
		if c.Secret = []byte(strings.TrimSpace(string(text))); len(c.Secret) == 0 {
			return usageError{errors.New("--secret: the file is empty")}
		}
		s, err := scenario.Load(args[0], env.lookup)
		if err != nil {
			return usageError{err}
		}
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		if c.Program, err = programHash(self); err != nil {
			return err
		}
		if c.UID == "" {
			c.UID = string(shard.NewSecret())
		}
		c.Scenario, c.PID = s.SHA256, os.Getpid()
		if c.Host, err = os.Hostname(); err != nil {
			c.Host = "unknown host"
		}
		return run.Work(cmd.Context(), s, c)
	}
	return cmd
}
