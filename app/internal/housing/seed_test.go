package housing_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"loadlab/app/internal/housing"
)

func TestSeedIsIdempotent(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 30, housing.Options{})
		if _, err := s.ChangePrice(t.Context(), 7, 100); err != nil {
			t.Fatal(err)
		}
		price := func() string {
			p, err := s.Property(t.Context(), 7)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(p.Price, " ", p.Version)
		}
		for _, tt := range []struct {
			size  int
			fills bool
		}{{30, false}, {31, true}, {31, false}, {30, true}} {
			var progress []int
			before := price()
			if err := s.Seed(t.Context(), tt.size, func(done int) { progress = append(progress, done) }); err != nil {
				t.Fatal(err)
			}
			if got := len(progress) > 0; got != tt.fills {
				t.Errorf("Seed(%d) filled: %v, want %v", tt.size, got, tt.fills)
			}
			if !tt.fills && price() != before {
				t.Errorf("Seed(%d) changed price and version from %s to %s", tt.size, before, price())
			}
			if got := scan[int](t, s, "SELECT count(*) FROM properties"); got != tt.size {
				t.Errorf("Seed(%d) left %d properties", tt.size, got)
			}
		}
		if p, err := s.ChangePrice(t.Context(), 7, 100); err != nil || p.Version != 2 {
			t.Errorf("the first change of a new seed got version %d, error %v; want 2", p.Version, err)
		}
	})
}

func TestSeedReportsItsProgress(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := open(t, url, housing.Options{})
		var got []int
		if err := s.Seed(t.Context(), 6000, func(done int) { got = append(got, done) }); err != nil {
			t.Fatal(err)
		}
		if want := []int{5000, 6000}; !slices.Equal(got, want) {
			t.Errorf("progress %v, want %v", got, want)
		}
		for table, want := range map[string]int{"properties": 6000, "agents": 500, "offices": 50, "locations": 1000} {
			if got := scan[int](t, s, "SELECT count(*) FROM "+table); got != want {
				t.Errorf("%d %s, want %d", got, table, want)
			}
		}
	})
}

// A seed that was interrupted is not taken for one that is complete.
func TestInterruptedSeed(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := open(t, url, housing.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := s.Seed(ctx, 6000, func(int) { cancel() })
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("Seed: %v, want %v", err, context.Canceled)
		}
		if err := s.Seed(t.Context(), 6000, nil); err != nil {
			t.Fatal(err)
		}
		if got := scan[int](t, s, "SELECT count(*) FROM properties"); got != 6000 {
			t.Errorf("%d properties after the second attempt, want 6000", got)
		}
	})
}

// Rows are long enough for PostgreSQL to move the descriptions out of the table, which is what makes its list queries fast.
func TestDescriptionsAreOutOfTheTable(t *testing.T) {
	s := seeded(t, postgresURL(t), 1000, housing.Options{})
	const text = "octet_length(title) + octet_length(property_type) + octet_length(status) + octet_length(description)"
	if got := scan[int](t, s, "SELECT min("+text+") FROM properties"); got < housing.RowBytes {
		t.Errorf("a row has %d bytes of text, want at least %d", got, housing.RowBytes)
	}
	if got := scan[int](t, s, "SELECT relpages FROM pg_class WHERE relname = 'properties'"); got > 30 {
		t.Errorf("1,000 properties take %d pages, want at most 30", got)
	}
	if got := scan[int](t, s, "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated"); got != 3 {
		t.Errorf("%d foreign keys, want 3", got)
	}
}

// No index but the primary keys, unless the option adds one; and an option that is off drops it.
func TestIndexOption(t *testing.T) {
	names := map[string]string{
		"sqlite":     "SELECT coalesce(group_concat(name), '') FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
		"postgresql": "SELECT coalesce(string_agg(indexname, ','), '') FROM pg_indexes WHERE tablename IN ('properties', 'agents', 'offices', 'locations') AND indexname NOT LIKE '%_pkey'",
	}
	onBoth(t, func(t *testing.T, url string) {
		for _, want := range []bool{false, true, true, false} {
			s := open(t, url, housing.Options{Index: want})
			for _, size := range []int{20, 30} { // a new seed keeps it
				if err := s.Seed(t.Context(), size, nil); err != nil {
					t.Fatal(err)
				}
				if got := scan[string](t, s, names[s.System()]); (got == "properties_created_at_id") != want || (got != "") != want {
					t.Errorf("index option %v: the indexes are %q", want, got)
				}
			}
		}
	})
}

// Several apps may start on one database at once.
func TestConcurrentStart(t *testing.T) {
	url := postgresURL(t)
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			s, err := housing.Open(t.Context(), url, housing.Options{Index: true})
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			if err := s.Seed(t.Context(), 100, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	s := open(t, url, housing.Options{Index: true})
	if got := scan[int](t, s, "SELECT count(*) FROM properties"); got != 100 {
		t.Errorf("%d properties, want 100", got)
	}
	if got := scan[int](t, s, "SELECT count(*) FROM bun_migrations"); got != 3 {
		t.Errorf("%d migrations were recorded, want 3", got)
	}
}
