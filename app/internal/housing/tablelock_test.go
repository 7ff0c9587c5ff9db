package housing_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
)

// await looks until the lock is as it shall be.
func await(t *testing.T, s *housing.Store, what string, f func(api.LockSeen) bool) api.LockSeen {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		seen, err := s.TableLock()
		if err != nil {
			t.Fatal(err)
		}
		if f(seen) {
			return seen
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: not within half a minute: %+v", what, seen)
		}
	}
}

// While the table is locked its readers wait and are counted; unlocked they go on.
func TestTableLock(t *testing.T) {
	s := seeded(t, postgresURL(t), 30, housing.Options{Connections: 4})
	if seen, err := s.UnlockTable(t.Context()); err != nil || seen != (api.LockSeen{}) {
		t.Errorf("without a lock: got %+v, %v", seen, err)
	}
	seen, err := s.LockTable(t.Context(), time.Minute)
	if err != nil || !seen.Held || seen.Since.IsZero() || seen.For != api.Duration(time.Minute) {
		t.Fatalf("got %+v, %v", seen, err)
	}
	if _, err := s.LockTable(t.Context(), time.Minute); !errors.Is(err, housing.ErrLocked) {
		t.Errorf("a second lock: got %v, want %v", err, housing.ErrLocked)
	}
	const readers = 3
	var wg sync.WaitGroup
	for range readers {
		wg.Go(func() {
			if _, err := s.Property(t.Context(), 1); err != nil {
				t.Error(err)
			}
		})
	}
	await(t, s, "all readers wait", func(l api.LockSeen) bool { return l.Waiting == readers })
	seen, err = s.UnlockTable(t.Context())
	if err != nil || seen.Held || seen.Ended.Before(seen.Since) || seen.Waiting != 0 || seen.MaxWaiting != readers || seen.Waited != readers || seen.Error != "" {
		t.Errorf("unlocked: got %+v, %v, want that %d waited", seen, err, readers)
	}
	wg.Wait()
	if again, err := s.UnlockTable(t.Context()); err != nil || again != seen {
		t.Errorf("a second unlock: got %+v, %v, want the same", again, err)
	}
	if _, err := s.Property(t.Context(), 1); err != nil {
		t.Error(err)
	}
}

func TestTableLockEndsByItself(t *testing.T) {
	s := seeded(t, postgresURL(t), 30, housing.Options{})
	if _, err := s.LockTable(t.Context(), 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Property(t.Context(), 1); err != nil {
		t.Error(err)
	}
	seen := await(t, s, "ended", func(l api.LockSeen) bool { return !l.Held })
	if seen.Ended.Sub(seen.Since) < 100*time.Millisecond || seen.Error != "" {
		t.Errorf("got %+v, want an end after 100ms", seen)
	}
	if _, err := s.LockTable(t.Context(), time.Minute); err != nil { // which Close ends
		t.Error(err)
	}
}

// A lock whose transaction is gone is not held, and says why.
func TestTableLockThatIsLost(t *testing.T) {
	s := seeded(t, postgresURL(t), 30, housing.Options{})
	if _, err := s.LockTable(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if !scan[bool](t, s, `SELECT bool_and(pg_terminate_backend(pid)) FROM pg_locks WHERE relation = 'properties'::regclass AND mode = 'AccessExclusiveLock'`) {
		t.Fatal("nothing was terminated")
	}
	seen := await(t, s, "lost", func(l api.LockSeen) bool { return !l.Held })
	if !strings.Contains(seen.Error, "has ended the transaction") || strings.Contains(seen.Error, "\n") {
		t.Errorf("got %+v, want one line with how it ended", seen)
	}
}

// Whoever gives up before the lock is granted leaves nothing that waits for it.
func TestTableLockThatIsNotGranted(t *testing.T) {
	s := seeded(t, postgresURL(t), 30, housing.Options{})
	tx, err := s.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() //nolint:errcheck // it is over
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE properties IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if seen, err := s.LockTable(ctx, time.Second); !errors.Is(err, context.DeadlineExceeded) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %+v, %v, want %v", seen, err, context.DeadlineExceeded)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if seen, err := s.LockTable(t.Context(), time.Second); err != nil || !seen.Held {
		t.Errorf("after it: got %+v, %v", seen, err)
	}
}

func TestTableLocksAreForPostgres(t *testing.T) {
	s := open(t, sqliteURL(t), housing.Options{})
	_, lock := s.LockTable(t.Context(), time.Second)
	_, unlock := s.UnlockTable(t.Context())
	_, seen := s.TableLock()
	for _, err := range []error{lock, unlock, seen} {
		if !errors.Is(err, housing.ErrNoWaiting) {
			t.Errorf("got %v, want %v", err, housing.ErrNoWaiting)
		}
	}
}
