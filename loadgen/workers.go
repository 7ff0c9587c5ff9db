package main

import (
	"bytes"
	"cmp"
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
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
	"loadlab/loadgen/internal/shard"
)

const (
	// maxWorkers is how many processes one machine may be asked for.
	maxWorkers = 64
	// maxElsewhere is how many workers a run may wait for: what it costs to lead a hundred was measured.
	maxElsewhere = 1000
)

// minSilence is more than a busy machine lets a process wait.
const minSilence = time.Second

// workersFlags are the flags of who sends the load of a run.
type workersFlags struct {
	n             int
	silence, join time.Duration
	at, secret    string // where others are waited for, and the file that has their secret; empty: this run starts all itself
	uid           string // of worker 0 where others are waited for
}

// defaultJoin is how long workers may take to register.
const defaultJoin = 30 * time.Second

func (f *workersFlags) define(flags *pflag.FlagSet) {
	flags.IntVar(&f.n, "workers", 0, "how many processes send the load, each its share: together they send what one would (default: this one sends it)")
	flags.DurationVar(&f.silence, "worker-timeout", 10*time.Second, "how long a worker may be silent: then the run is invalid")
	flags.DurationVar(&f.join, "worker-join", defaultJoin, "how long workers may take to register")
	flags.StringVar(&f.at, "workers-at", "", "wait here for workers on other machines, such as 0.0.0.0:7946: this run starts worker 0 alone, and loadgen worker starts each other; it goes with --secret")
	flags.StringVar(&f.secret, "secret", "", "`file` with the secret that this run and the workers of --workers-at share")
	flags.StringVar(&f.uid, "uid", "", "id of worker 0 that no other process has (default: drawn)")
	_ = flags.MarkHidden("uid") // it is defined above
}

// check refuses what contradicts itself.
func (f *workersFlags) check() error {
	most := maxWorkers
	if f.at != "" {
		most = maxElsewhere
	}
	switch {
	case f.n < 0 || f.n > most:
		return usageError{fmt.Errorf("--workers is %d: it is from 1 to %d", f.n, most)}
	case f.n == 0 && f.at != "":
		return usageError{errors.New("--workers-at goes with --workers: how many are waited for")}
	case (f.at == "") != (f.secret == ""):
		return usageError{errors.New("--workers-at and --secret go together")}
	case f.silence < minSilence:
		return usageError{fmt.Errorf("--worker-timeout is %s: the least is %s", f.silence, minSilence)}
	case f.join < minSilence:
		return usageError{fmt.Errorf("--worker-join is %s: the least is %s", f.join, minSilence)}
	}
	return nil
}

// workers returns how a run has its load sent by others; the zero value is that it does so itself.
func (f *workersFlags) workers(s *scenario.Scenario, env environment) (w run.Workers, err error) {
	if err := f.check(); err != nil || f.n == 0 {
		return w, err
	}
	self, hash, err := thisProgram()
	if err != nil {
		return w, err
	}
	w = run.Workers{N: f.n, Start: f.n, Addr: "127.0.0.1:0", Program: hash, Secret: shard.NewSecret(), Limits: shard.Limits{Silence: f.silence, Join: f.join}}
	if f.at != "" {
		w.Start, w.Addr = 1, f.at
		if w.Secret, err = readSecret(f.secret); err != nil {
			return w, err
		}
	}
	// The processors are shared: what a worker could use is what its load is held against.
	procs := max(1, runtime.GOMAXPROCS(0)/w.Start)
	w.Launch = func(ctx context.Context, i int, addr string) (run.Process, error) {
		args := []string{commandWorker, "--coordinator", addr, "--index", strconv.Itoa(i), "--secret", shard.SecretFile, "--timeout", f.silence.String(), "--join", f.join.String(), "--uid", f.uid, "--with-parent", s.File}
		return shard.Start(ctx, self, args, append(slices.Clip(env.vars), "GOMAXPROCS="+strconv.Itoa(procs)), w.Secret)
	}
	return w, nil
}

// leastSecret is the shortest secret of a file: one that is not to be guessed has more.
const leastSecret = 16

// readSecret reads the secret of a run.
func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usageError{fmt.Errorf("--secret: %w", err)}
	}
	secret := bytes.TrimSpace(text)
	if len(secret) < leastSecret {
		return nil, usageError{fmt.Errorf("--secret: %s has %d characters: the least is %d (openssl rand -hex 16 makes one)", path, len(secret), leastSecret)}
	}
	return secret, nil
}

// thisProgram returns where this program is, and its hash.
func thisProgram() (path, hash string, err error) {
	if path, err = os.Executable(); err != nil {
		return "", "", fmt.Errorf("find this program: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", "", fmt.Errorf("hash the program: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", "", fmt.Errorf("hash the program: %w", err)
	}
	return path, hex.EncodeToString(h.Sum(nil)), nil
}

// commandWorker is the command of a worker, which a run starts too.
const commandWorker = "worker"

// workerCommand sends a share of the load of a run that waits for it.
func workerCommand(env environment) *cobra.Command {
	var c shard.WorkerConfig
	var secret string
	var withParent bool
	cmd := &cobra.Command{
		Use: commandWorker + " SCENARIO", Short: "Send a share of the load of a run that waits for it (run --workers-at)", Args: arguments(cobra.ExactArgs(1)),
		Long: "Send a share of the load of a run on another machine, which waits for its workers: it was started with --workers-at. Both have the same program, the same scenario with its files, and the same secret.",
		Example: `  loadgen run my.yaml --target http://service --workers 3 --workers-at 0.0.0.0:7946 --secret secret
  loadgen worker my.yaml --coordinator first:7946 --index 1 --secret secret
  loadgen worker my.yaml --coordinator first:7946 --index 2 --secret secret`,
	}
	flags := cmd.Flags()
	flags.StringVar(&c.Addr, "coordinator", "", "host:port of the run")
	flags.IntVar(&c.Index, "index", 0, "which of the workers this is, from 0, which the run starts itself")
	flags.StringVar(&secret, "secret", "", "`file` that has the secret of the run")
	flags.DurationVar(&c.Limits.Silence, "timeout", 0, "how long the run may be silent (default: 10s)")
	flags.DurationVar(&c.Limits.Join, "join", defaultJoin, "how long the run may take to be there")
	flags.StringVar(&c.UID, "uid", "", "what no other process has for an id (default: drawn)")
	flags.BoolVar(&withParent, "with-parent", false, "end when the standard input ends")
	_ = flags.MarkHidden("with-parent") // it is defined above
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if c.Addr == "" || secret == "" {
			return usageError{errors.New("a worker wants --coordinator host:port and --secret FILE of its run")}
		}
		if c.Secret, err = readSecret(secret); err != nil {
			return err
		}
		s, err := scenario.Load(args[0], env.lookup)
		if err != nil {
			return usageError{err}
		}
		if _, c.Program, err = thisProgram(); err != nil {
			return err
		}
		c.UID = cmp.Or(c.UID, string(shard.NewSecret()))
		c.Scenario, c.PID = s.SHA256, os.Getpid()
		if c.Host, err = os.Hostname(); err != nil {
			c.Host = "unknown host"
		}
		ctx, cancel := context.WithCancelCause(cmd.Context())
		defer cancel(nil)
		if withParent {
			go func() { // ends with the process
				_, _ = io.Copy(io.Discard, env.stdin)
				cancel(errors.New("the run is gone"))
			}()
		}
		return run.Work(ctx, s, c)
	}
	return cmd
}
