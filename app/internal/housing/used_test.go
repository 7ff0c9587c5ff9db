package housing_test

import (
	"testing"
	"time"

	"loadlab/app/internal/housing"
)

// The CPU time of a database with processes of its own grows by what it does, and is not known of one that has none.
func TestUsed(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 30, housing.Options{})
		before := s.Used(t.Context())
		if s.System() != "postgresql" {
			if before != 0 {
				t.Errorf("got %v, want 0 of a database inside the app", before)
			}
			return
		}
		if before <= 0 {
			t.Fatal("it has used no time since it started")
		}
		const busy = `SELECT count(*) FROM generate_series(1, 3000000)`
		for after := before; after < before+100*time.Millisecond; after = s.Used(t.Context()) {
			if after < before {
				t.Fatalf("got %v after %v", after, before)
			}
			scan[int](t, s, busy)
		}
	})
}
