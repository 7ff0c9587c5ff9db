package housing_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"loadlab/app/internal/housing"
)

const rtt = 10 * time.Millisecond

// Every round trip waits once, and nothing else takes time on the bubble's clock: how long a call takes is how many it made. That Open and
// Seed wait for nothing is the first of the cases.
func TestDistance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *housing.Store
		took := func(what string, f func() error, want int) {
			t.Helper()
			start := time.Now()
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if got := time.Since(start); got != time.Duration(want)*rtt {
				t.Errorf("%s: waited for %v round trips, want %d", what, got.Seconds()/rtt.Seconds(), want)
			}
		}
		took("set-up and seed", func() error {
			s = seeded(t, sqliteURL(t), 30, housing.WithTimers(housing.Options{SQLiteRTT: rtt}))
			return nil
		}, 0)
		for loader, queries := range queriesPerPage() {
			took(loader, func() error {
				_, err := s.Page(t.Context(), loader, housing.Query{Page: 1, PageSize: 20})
				return err
			}, queries)
		}
		took("price change: begin, two updates, insert, select, commit", func() error {
			_, err := s.ChangePrice(t.Context(), 1, 100)
			return err
		}, 6)
		took("price change of nothing: begin, two updates, rollback", func() error {
			if _, err := s.ChangePrice(t.Context(), 31, 100); !errors.Is(err, housing.ErrNotFound) {
				return err
			}
			return nil
		}, 4)
		took("ping", func() error { return s.DB().PingContext(t.Context()) }, 1)
		took("statement", func() error {
			_, err := s.DB().ExecContext(t.Context(), "UPDATE offices SET phone = ? WHERE id = 1", "1")
			return err
		}, 1)
		took("prepared statement: prepare, query, exec", func() error {
			stmt, err := s.DB().PrepareContext(t.Context(), "SELECT name FROM offices WHERE id = ?")
			if err != nil {
				return err
			}
			defer stmt.Close()
			var name string
			if err := stmt.QueryRowContext(t.Context(), 1).Scan(&name); err != nil {
				return err
			}
			_, err = stmt.ExecContext(t.Context(), 1)
			return err
		}, 3)
	})
}

// A wait ends with its context, and a transaction that was given up while its commit was under way is not committed and not left open.
func TestDistanceEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seeded(t, sqliteURL(t), 30, housing.WithTimers(housing.Options{SQLiteRTT: rtt, Connections: 1}))
		before, err := s.Property(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		// In the middle of each round trip of a price change, of which the last is its commit.
		for trip := range 5 {
			limit := time.Duration(trip)*rtt + rtt/2
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			start := time.Now()
			_, err := s.ChangePrice(ctx, 1, 4711)
			took := time.Since(start)
			cancel()
			if !errors.Is(err, context.DeadlineExceeded) || took != limit {
				t.Errorf("a price change that may take %s: %v after %s, want %v", limit, err, took, context.DeadlineExceeded)
			}
			synctest.Wait() // for database/sql to roll back
			after, err := s.Property(t.Context(), 1)
			if err != nil {
				t.Fatal(err)
			}
			if after.Price != before.Price || after.Version != before.Version {
				t.Errorf("a price change that was given up after %s: price %s, version %d, want %s, %d", limit, after.Price, after.Version, before.Price, before.Version)
			}
		}
		if _, err := s.ChangePrice(t.Context(), 1, 4711); err != nil {
			t.Errorf("a price change after those that were given up: %v", err)
		}
	})
}

// A jitter is added in each direction, so that a round trip takes from rtt to rtt and twice the jitter, and the same in every run.
func TestJitter(t *testing.T) {
	measure := func() (took []time.Duration) {
		synctest.Test(t, func(t *testing.T) {
			s := seeded(t, sqliteURL(t), 30, housing.WithTimers(housing.Options{SQLiteRTT: rtt, SQLiteJitter: rtt / 2}))
			var err error
			if took, err = s.Pings(t.Context(), 1000); err != nil {
				t.Fatal(err)
			}
		})
		return took
	}
	took := measure()
	if again := measure(); !slices.Equal(took, again) {
		t.Error("two runs have different jitter")
	}
	least, most, sum := slices.Min(took), slices.Max(took), time.Duration(0)
	for _, d := range took {
		sum += d
	}
	if mean := sum / 1000; least < rtt || least > rtt+rtt/20 || most > 2*rtt || most < 2*rtt-rtt/20 || mean < rtt*147/100 || mean > rtt*153/100 {
		t.Errorf("got %s to %s, on average %s, want %s to %s, on average %s", least, most, mean, rtt, 2*rtt, rtt*3/2)
	}
}

// The distance can be changed while connections are open.
func TestDistanceAtRunTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := seeded(t, sqliteURL(t), 30, housing.WithTimers(housing.Options{Connections: 1}))
		for _, want := range []time.Duration{0, rtt, 2 * rtt, 0} {
			if err := s.SetDistance(want, 0); err != nil {
				t.Fatal(err)
			}
			took, err := s.Pings(t.Context(), 3)
			if err != nil || !slices.Equal(took, []time.Duration{want, want, want}) {
				t.Errorf("got %s, %v, want %s each", took, err, want)
			}
		}
	})
}

func TestDistanceIsForSQLite(t *testing.T) {
	_, err := housing.Open(t.Context(), "postgres://nowhere.invalid/lab", housing.Options{SQLiteRTT: rtt})
	if !errors.Is(err, housing.ErrDistance) {
		t.Errorf("got %v, want %v", err, housing.ErrDistance)
	}
}
