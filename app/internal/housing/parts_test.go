package housing_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"loadlab/app/internal/housing"
)

// assembled is a page that is put together from its parts.
func assembled(t *testing.T, s *housing.Store, q housing.Query) (body []byte, rows []housing.Row) {
	t.Helper()
	list, err := s.List(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	objects, err := s.Objects(t.Context(), list.IDs)
	if err != nil {
		t.Fatal(err)
	}
	of := map[int64]housing.Object{}
	for _, o := range objects {
		of[o.ID] = o
	}
	var bodies [][]byte
	for _, id := range list.IDs {
		bodies, rows = append(bodies, of[id].Body), append(rows, of[id].Row)
	}
	return slices.Concat(list.Head, bytes.Join(bodies, []byte(",")), list.Tail), rows
}

// A page that is put together from its parts is the page, byte for byte, on every database.
func TestPartsMakeThePage(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		for _, n := range []int{103, 0} {
			s := seeded(t, url, n, housing.Options{})
			if n > 0 {
				if _, err := s.ChangePrice(t.Context(), 7, 100); err != nil {
					t.Fatal(err)
				}
			}
			for _, q := range sameQueries() {
				want, err := s.Page(t.Context(), "naive", q)
				if err != nil {
					t.Fatal(err)
				}
				body, rows := assembled(t, s, q)
				if !bytes.Equal(body, want.Body) || !slices.Equal(rows, want.Rows) {
					t.Fatalf("%+v of %d properties: got %s\n%v\nwant %s\n%v", q, n, body, rows, want.Body, want.Rows)
				}
			}
		}
	})
}

func TestPartsThatAreNotThere(t *testing.T) {
	s := seeded(t, sqliteURL(t), 5, housing.Options{})
	if _, err := s.List(t.Context(), housing.Query{Page: 0, PageSize: 20}); !errors.Is(err, housing.ErrQuery) {
		t.Errorf("List of no page: %v, want %v", err, housing.ErrQuery)
	}
	objects, err := s.Objects(t.Context(), []int64{3, 99})
	if err != nil || len(objects) != 1 || objects[0].ID != 3 || objects[0].Version != 1 {
		t.Errorf("Objects(3, 99): got %+v, %v, want number 3", objects, err)
	}
	if objects, err := s.Objects(t.Context(), nil); err != nil || len(objects) != 0 {
		t.Errorf("Objects of no ids: got %+v, %v", objects, err)
	}
}
