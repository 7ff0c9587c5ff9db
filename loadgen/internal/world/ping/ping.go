// Package ping measures how far away a server is: round trips of the smallest question that it answers, one after the other on one connection, as
// the app's client makes them. What it measures is the wire with all that delays it, the server's own answer, and the wake-ups of whoever asks:
// the distance that a query pays, not the one that was asked for.
//
// It measures from where it runs. A link's own process would not see its own delays.
package ping

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Enough is how many pings have a 99th percentile, with something beyond it: a fifth of a second at a distance of a millisecond.
const Enough = 200

// warmup is how many pings go before those that are measured: the first ones of a connection find every cache cold.
const warmup = 5

// Redis returns how long each of n PINGs took at the server of a URL (redis://, rediss:// or unix://, as the app takes it).
func Redis(ctx context.Context, url string, n int) ([]time.Duration, error) {
	at, err := parseRedis(url)
	if err != nil {
		return nil, fmt.Errorf("ping Redis: %w", err)
	}
	conn, err := at.dial(ctx)
	if err != nil {
		return nil, fmt.Errorf("ping Redis: %w", err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	in := bufio.NewReader(conn)
	if at.auth != nil {
		if err := ask(conn, in, command(at.auth...), "+OK"); err != nil {
			return nil, fmt.Errorf("ping Redis: AUTH: %w", cause(ctx, err))
		}
	}
	question := command("PING")
	took, err := measure(n, func() error { return ask(conn, in, question, "+PONG") })
	if err != nil {
		return nil, fmt.Errorf("ping Redis: %w", cause(ctx, err))
	}
	return took, nil
}

// ask sends one command and reads its answer, which must be the line want.
func ask(conn net.Conn, in *bufio.Reader, command []byte, want string) error {
	if _, err := conn.Write(command); err != nil {
		return err
	}
	line, err := in.ReadSlice('\n')
	if err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	if got := strings.TrimRight(string(line), "\r\n"); got != want {
		return fmt.Errorf("the server answered %q, want %q", got, want)
	}
	return nil
}

// command is a command in RESP.
func command(words ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(words))
	for _, w := range words {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b
}

// Postgres returns how long each of n empty queries took at the server of a URL (postgres://, as the app takes it).
func Postgres(ctx context.Context, url string, n int) ([]time.Duration, error) {
	conn, err := pgconn.Connect(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("ping PostgreSQL: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// The context that a query takes is watched by a goroutine that starts and stops with it: one deadline for all costs nothing.
	defer context.AfterFunc(ctx, func() { _ = conn.Conn().SetDeadline(time.Unix(1, 0)) })()
	took, err := measure(n, func() error {
		_, err := conn.Exec(context.Background(), ";").ReadAll() // ctx is watched above
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ping PostgreSQL: %w", cause(ctx, err))
	}
	return took, nil
}

// cause returns why ctx ended, if it has: the error is of a deadline that nobody set.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// measure returns how long each of n calls took.
func measure(n int, once func() error) ([]time.Duration, error) {
	took := make([]time.Duration, 0, n)
	for i := range warmup + n {
		begun := time.Now()
		if err := once(); err != nil {
			return nil, err
		}
		if i >= warmup {
			took = append(took, time.Since(begun))
		}
	}
	return took, nil
}

// Summary is what pings say of a distance.
type Summary struct {
	N      int
	Min    time.Duration
	Median time.Duration
	P99    time.Duration // 0 of fewer than 100 pings, which have none
}

// Summarize orders took and returns its summary. Percentiles are nearest ranks.
func Summarize(took []time.Duration) Summary {
	n := len(took)
	if n == 0 {
		return Summary{}
	}
	slices.Sort(took)
	s := Summary{N: n, Min: took[0], Median: took[(n-1)/2]}
	if n >= 100 {
		s.P99 = took[(99*n+99)/100-1]
	}
	return s
}
