package redisproc_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"loadlab/app/internal/redisproc"
)

// role makes the test binary play another program: the child, or a parent that gets killed.
const role = "REDISPROC_ROLE"

func TestMain(m *testing.M) {
	ctx := context.Background()
	switch os.Getenv(role) {
	case "child":
		if err := redisproc.Serve(ctx, "127.0.0.1:0", os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	case "parent":
		os.Setenv(role, "child")
		p, err := redisproc.Start(ctx, os.Args[0])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(p.Addr())
		select {}
	case "babbler":
		fmt.Println("good morning")
		os.Exit(0)
	case "mute":
		select {}
	case "stillborn":
		os.Exit(3)
	default:
		os.Exit(m.Run())
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func start(t *testing.T, as string) (*redisproc.Process, error) {
	t.Helper()
	t.Setenv(role, as)
	return redisproc.Start(testContext(t), os.Args[0])
}

func client(t *testing.T, addr string) *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, DisableIdentity: true})
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestProcessServesRedisUntilClosed(t *testing.T) {
	ctx := testContext(t)
	p, err := start(t, "child")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, p.Addr())
	if err := c.Set(ctx, "page", "body", time.Minute).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := c.Get(ctx, "page").Result(); got != "body" || err != nil {
		t.Errorf("got %q, %v, want the body", got, err)
	}
	if p.PID() == os.Getpid() || p.PID() <= 0 {
		t.Errorf("got PID %d, want that of a process of its own", p.PID())
	}
	if err := p.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if err := awaitRefused(ctx, p.Addr()); err != nil {
		t.Error(err)
	}
}

func TestChildsTTLsRun(t *testing.T) {
	ctx := testContext(t)
	p, err := start(t, "child")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c := client(t, p.Addr())
	for key, ttl := range map[string]time.Duration{"page": 100 * time.Millisecond, "other": time.Hour} {
		if err := c.Set(ctx, key, "body", ttl).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for !errors.Is(c.Get(ctx, "page").Err(), redis.Nil) {
		if ctx.Err() != nil {
			t.Fatal("the key did not expire")
		}
	}
	if err := c.Get(ctx, "other").Err(); err != nil {
		t.Errorf("a key with a TTL of an hour: %v", err)
	}
}

// TestClock: keys live as long as their TTLs, in steps of the clock, also when some steps are late.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := miniredis.NewMiniRedis()
		if err := m.Set("page", "body"); err != nil {
			t.Fatal(err)
		}
		m.SetTTL("page", 105*time.Millisecond)
		end := make(chan struct{})
		go redisproc.Run(t.Context(), m, end)
		for _, at := range []struct {
			wait time.Duration
			want bool
		}{{101 * time.Millisecond, true}, {10 * time.Millisecond, false}} {
			time.Sleep(at.wait) //nolint:forbidigo // of the bubble's clock
			synctest.Wait()
			if got := m.Exists("page"); got != at.want {
				t.Errorf("the key exists: got %v, want %v", got, at.want)
			}
		}
		close(end)
	})
}

// TestChildDiesWithItsParent kills a parent by SIGKILL, after which it cannot clean up.
func TestChildDiesWithItsParent(t *testing.T) {
	ctx := testContext(t)
	parent := exec.CommandContext(ctx, os.Args[0])
	parent.Env = append(os.Environ(), role+"=parent")
	parent.Stderr = os.Stderr
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimSpace(line)
	if err := client(t, addr).Ping(ctx).Err(); err != nil {
		t.Fatalf("the child does not answer: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	if err := awaitRefused(ctx, addr); err != nil {
		t.Errorf("the child outlived its parent: %v", err)
	}
}

// awaitRefused waits until nothing listens on addr.
func awaitRefused(ctx context.Context, addr string) error {
	for ctx.Err() == nil {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
		if errors.Is(err, syscall.ECONNREFUSED) {
			return nil
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	return fmt.Errorf("%s still accepts connections", addr)
}

func TestStartErrors(t *testing.T) {
	for _, tc := range []struct{ as, want string }{
		{"babbler", `it told no address but "good morning"`},
		{"stillborn", "it told no address: EOF"},
	} {
		t.Run(tc.as, func(t *testing.T) {
			p, err := start(t, tc.as)
			if err == nil {
				_ = p.Close()
				t.Fatal("got no error")
			}
			if !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %q, want %q in it", err, tc.want)
			}
		})
	}
	t.Run("mute", func(t *testing.T) {
		t.Setenv(role, "mute")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := redisproc.Start(ctx, os.Args[0]); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the end of the context", err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		if _, err := redisproc.Start(testContext(t), "/nonexistent/redis"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v, want that there is no such file", err)
		}
	})
}

func TestServeEnds(t *testing.T) {
	t.Run("with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(testContext(t))
		stdin, _ := io.Pipe()
		stdout, written := io.Pipe()
		ended := make(chan error, 1)
		go func() { ended <- redisproc.Serve(ctx, "127.0.0.1:0", stdin, written) }()
		if _, err := bufio.NewReader(stdout).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
	t.Run("with its input", func(t *testing.T) {
		var stdout bytes.Buffer
		if err := redisproc.Serve(testContext(t), "127.0.0.1:0", strings.NewReader(""), &stdout); err != nil {
			t.Errorf("got %v, want nil", err)
		}
		if _, port, err := net.SplitHostPort(strings.TrimSpace(stdout.String())); err != nil || port == "0" {
			t.Errorf("wrote %q, want an address with a port", stdout.String())
		}
	})
	t.Run("when the port is taken", func(t *testing.T) {
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		err = redisproc.Serve(testContext(t), taken.Addr().String(), strings.NewReader(""), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "start the embedded Redis") {
			t.Errorf("got %v, want that it could not start", err)
		}
	})
}
