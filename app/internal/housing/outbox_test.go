package housing_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"loadlab/app/internal/housing"
)

// published drains the outbox.
func published(t *testing.T, s *housing.Store) []housing.Row {
	t.Helper()
	var all []housing.Row
	for {
		n, err := s.Publish(t.Context(), func(_ context.Context, changes []housing.Row) error {
			all = append(all, changes...)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return all
		}
	}
}

func TestPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 200, housing.Options{})
		if got := published(t, s); len(got) > 0 {
			t.Errorf("the seed has published %v", got)
		}
		var want []housing.Row
		for id := int64(150); id > 0; id-- {
			p, err := s.ChangePrice(t.Context(), id, 100)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, housing.Row{ID: id, Version: p.Version})
		}
		refused := errors.New("refused")
		n, err := s.Publish(t.Context(), func(context.Context, []housing.Row) error { return refused })
		if n != 0 || !errors.Is(err, refused) {
			t.Errorf("got %d, %v, want 0 and the error of whom it was published to", n, err)
		}
		if got := published(t, s); !slices.Equal(got, want) {
			t.Errorf("got %v\nwant %v", got, want)
		}
		if got := published(t, s); len(got) > 0 {
			t.Errorf("published twice: %v", got)
		}
		if _, err := s.ChangePrice(t.Context(), 999, 100); !errors.Is(err, housing.ErrNotFound) {
			t.Fatal(err)
		}
		if got := published(t, s); len(got) > 0 {
			t.Errorf("a change of nothing was published: %v", got)
		}
	})
}

// A change that is written while others are published is neither lost nor published before its commit.
func TestPublishBesideWriters(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		const changes = 60
		s := seeded(t, url, changes, housing.Options{Connections: 4})
		written := make(chan error, 1)
		go func() {
			for id := range int64(changes) {
				if _, err := s.ChangePrice(t.Context(), id+1, 100); err != nil {
					written <- err
					return
				}
			}
			written <- nil
		}()
		var got []housing.Row
		for done := false; !done; {
			select {
			case err := <-written:
				if err != nil {
					t.Fatal(err)
				}
				done = true
			default:
			}
			for _, row := range published(t, s) {
				visible := scan[int64](t, s, "SELECT max(version) FROM properties")
				if row.Version > visible {
					t.Errorf("version %d was published when %d was the last to be seen", row.Version, visible)
				}
				got = append(got, row)
			}
		}
		for i, row := range got {
			if want := (housing.Row{ID: int64(i) + 1, Version: int64(i) + 2}); row != want {
				t.Errorf("change %d is %v, want %v", i, row, want)
			}
		}
		if len(got) != changes {
			t.Errorf("%d changes were published, want %d", len(got), changes)
		}
	})
}
