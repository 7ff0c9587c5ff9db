package housing_test

import (
	"errors"
	"regexp"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"loadlab/app/internal/housing"
)

func TestChangePrice(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 50, housing.Options{})
		body, _ := page(t, s, "naive", housing.Query{Page: 1, PageSize: 20})
		before := decode(t, body).Results[3]
		got, err := s.Property(t.Context(), before.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(before, got); diff != "" {
			t.Errorf("Property differs from the page's (-page +property):\n%s", diff)
		}
		start := time.Now().Truncate(time.Second)
		changed, err := s.ChangePrice(t.Context(), before.ID, 12345678)
		if err != nil {
			t.Fatal(err)
		}
		want := before
		want.Price, want.Version, want.UpdatedAt = "123456.78", 2, changed.UpdatedAt
		if diff := gocmp.Diff(want, changed); diff != "" {
			t.Errorf("after the change (-want +got):\n%s", diff)
		}
		if changed.UpdatedAt.Before(start) || changed.UpdatedAt.After(time.Now()) {
			t.Errorf("updated at %v, changed at %v", changed.UpdatedAt, start)
		}
		for _, loader := range housing.Loaders() {
			body, version := page(t, s, loader, housing.Query{Page: 1, PageSize: 20})
			if diff := gocmp.Diff(want, decode(t, body).Results[3]); diff != "" || version != 2 {
				t.Errorf("%s: version %d, want 2 (-want +got):\n%s", loader, version, diff)
			}
			if _, version = page(t, s, loader, housing.Query{Page: 2, PageSize: 20}); version != 1 {
				t.Errorf("%s: a page that has not changed has version %d, want 1", loader, version)
			}
		}
	})
}

func TestMissingProperty(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := seeded(t, url, 5, housing.Options{})
		for _, id := range []int64{0, -1, 6, 1<<63 - 1} {
			if _, err := s.Property(t.Context(), id); !errors.Is(err, housing.ErrNotFound) {
				t.Errorf("Property(%d): %v, want %v", id, err, housing.ErrNotFound)
			}
			if _, err := s.ChangePrice(t.Context(), id, 100); !errors.Is(err, housing.ErrNotFound) {
				t.Errorf("ChangePrice(%d): %v, want %v", id, err, housing.ErrNotFound)
			}
		}
		if p, err := s.ChangePrice(t.Context(), 5, 100); err != nil || p.Version != 2 {
			t.Errorf("the first change got version %d, error %v; changes of nothing must not take versions", p.Version, err)
		}
	})
}

// Versions become visible in their order: whoever sees version v finds every change up to v. Each change is of a property of its own,
// so that nothing hides one.
func TestVersionsAreInCommitOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		const writers, changes = 4, 15
		s := seeded(t, url, writers*changes, housing.Options{Connections: writers + 1})
		var wg sync.WaitGroup
		defer wg.Wait() // a writer must not outlive the test that it reports to
		for w := range writers {
			wg.Go(func() {
				for i := range changes {
					if _, err := s.ChangePrice(t.Context(), int64(w*changes+i+1), 100); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		written := make(chan struct{})
		go func() { wg.Wait(); close(written) }()
		for done := false; !done; {
			select {
			case <-written:
				done = true
			default:
			}
			var newest, changed int64
			err := s.DB().QueryRowContext(t.Context(), "SELECT max(version), sum(CASE WHEN version > 1 THEN 1 ELSE 0 END) FROM properties").
				Scan(&newest, &changed)
			if err != nil {
				t.Fatal(err)
			}
			if newest != changed+1 {
				t.Fatalf("version %d is visible, but only %d changes are", newest, changed)
			}
			if done && newest != writers*changes+1 {
				t.Errorf("the last version is %d, want %d", newest, writers*changes+1)
			}
		}
	})
}

func TestVersion(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		s := open(t, url, housing.Options{})
		got, err := s.Version(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{"sqlite": `^SQLite \d+\.\d+\.\d+$`, "postgresql": `^PostgreSQL \d+(\.\d+)+$`}[s.System()]
		if !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s calls itself %q, want %s", s.System(), got, want)
		}
	})
}
