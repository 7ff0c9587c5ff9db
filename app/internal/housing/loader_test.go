package housing_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
)

const testBase = "/api/properties/"

func decode(t testing.TB, body []byte) api.Page {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	var p api.Page
	if err := dec.Decode(&p); err != nil {
		t.Fatalf("decode the page: %v\n%s", err, body)
	}
	return p
}

// sameQueries are pages at the edges of what can be asked of 103 properties.
func sameQueries() []housing.Query {
	var qs []housing.Query
	for _, size := range []int{1, 7, 20, 100} {
		last := (103 + size - 1) / size
		for _, n := range []int{1, 2, last - 1, last, last + 1, last + 2, 1 << 40} {
			if n > 0 {
				qs = append(qs, housing.Query{Page: n, PageSize: size, Base: testBase})
			}
		}
	}
	return append(qs, housing.Query{Page: 2, PageSize: 20, Base: "/other/", Extra: "loader=batched"})
}

// Every loader gives the same bytes on every database, with the index and without.
func TestLoadersGiveTheSameBytes(t *testing.T) {
	want := map[string][]byte{}
	onBoth(t, func(t *testing.T, url string) {
		for _, indexed := range []bool{false, true} {
			for _, n := range []int{103, 0} {
				s := seeded(t, url, n, housing.Options{Index: indexed})
				for _, q := range sameQueries() {
					for _, loader := range housing.Loaders() {
						body, version := page(t, s, loader, q)
						key := fmt.Sprint(n, q)
						if want[key] == nil {
							want[key] = body
						}
						if !bytes.Equal(body, want[key]) {
							t.Fatalf("%s, index %v, %d properties, %+v: another body than the first loader's\n got %s\nwant %s",
								loader, indexed, n, q, body, want[key])
						}
						if rows := len(decode(t, body).Results); (version == 1) != (rows > 0) {
							t.Fatalf("%s, %+v: version %d for %d rows of the seed", loader, q, version, rows)
						}
					}
				}
			}
		}
	})
}

// What is compared above is also right: all properties are on the pages, each once, newest first, ties by id.
func TestPagesHoldEveryPropertyOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		const n = 501
		s := seeded(t, url, n, housing.Options{})
		var all []api.Property
		for number := 1; ; number++ {
			body, _ := page(t, s, "optimized", housing.Query{Page: number, PageSize: 50, Base: testBase})
			p := decode(t, body)
			if p.Count != n {
				t.Fatalf("count %d, want %d", p.Count, n)
			}
			all = append(all, p.Results...)
			if p.Next == nil {
				break
			}
		}
		sorted := slices.SortedFunc(slices.Values(all), func(a, b api.Property) int {
			return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
		})
		if diff := gocmp.Diff(sorted, all); diff != "" {
			t.Errorf("not in order (-want +got):\n%s", diff)
		}
		ids, ties := map[int64]bool{}, 0
		for i, p := range all {
			ids[p.ID] = true
			if i > 0 && p.CreatedAt.Equal(all[i-1].CreatedAt) {
				ties++
			}
		}
		if len(ids) != n {
			t.Errorf("%d different properties on the pages, want %d", len(ids), n)
		}
		if ties < n/100 {
			t.Errorf("%d of %d properties share their time with another: too few to prove the order of ties", ties, n)
		}
	})
}

func TestLinks(t *testing.T) {
	s := seeded(t, sqliteURL(t), 45, housing.Options{})
	link := func(rest string) *string { rest = testBase + rest; return &rest }
	for _, tt := range []struct {
		query          housing.Query
		next, previous *string
		rows           int
	}{
		{housing.Query{Page: 1, PageSize: 20}, link("?page=2&page_size=20"), nil, 20},
		{housing.Query{Page: 2, PageSize: 20}, link("?page=3&page_size=20"), link("?page=1&page_size=20"), 20},
		{housing.Query{Page: 3, PageSize: 20}, nil, link("?page=2&page_size=20"), 5},
		{housing.Query{Page: 4, PageSize: 20}, nil, link("?page=3&page_size=20"), 0},
		{housing.Query{Page: 9, PageSize: 20}, nil, link("?page=3&page_size=20"), 0},
		{housing.Query{Page: 1, PageSize: 45}, nil, nil, 45},
		{housing.Query{Page: 1, PageSize: 44, Extra: "loader=naive"}, link("?page=2&page_size=44&loader=naive"), nil, 44},
	} {
		tt.query.Base = testBase
		body, _ := page(t, s, "batched", tt.query)
		p := decode(t, body)
		if diff := gocmp.Diff([]any{tt.next, tt.previous, tt.rows, 45}, []any{p.Next, p.Previous, len(p.Results), p.Count}); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.query, diff)
		}
	}
}

// A page of 20 is about 48 KB, whichever page it is.
func TestPageSize(t *testing.T) {
	s := seeded(t, sqliteURL(t), api.Defaults().Count("properties"), housing.Options{Index: true})
	smallest, largest, sum := 1<<30, 0, 0
	pages := api.Defaults().Count("properties") / api.DefaultPageSize
	for n := range pages {
		body, _ := page(t, s, "optimized", housing.Query{Page: n + 1, PageSize: api.DefaultPageSize, Base: api.PathLive + "naive/"})
		smallest, largest, sum = min(smallest, len(body)), max(largest, len(body)), sum+len(body)
	}
	t.Logf("pages of %d to %d bytes, %d on average", smallest, largest, sum/pages)
	if smallest < 47<<10 || largest > 49<<10 {
		t.Errorf("pages have %d to %d bytes, want 47 to 49 KiB", smallest, largest)
	}
}

func TestPageErrors(t *testing.T) {
	s := seeded(t, sqliteURL(t), 5, housing.Options{})
	for _, tt := range []struct {
		loader string
		query  housing.Query
		want   error
	}{
		{"eager", housing.Query{Page: 1, PageSize: 20}, housing.ErrLoader},
		{"", housing.Query{Page: 1, PageSize: 20}, housing.ErrLoader},
		{"naive", housing.Query{Page: 0, PageSize: 20}, housing.ErrQuery},
		{"naive", housing.Query{Page: 1, PageSize: 0}, housing.ErrQuery},
		{"naive", housing.Query{Page: 1, PageSize: 101}, housing.ErrQuery},
		{"naive", housing.Query{Page: 1<<62 + 1, PageSize: 100}, housing.ErrQuery},
	} {
		if _, err := s.Page(t.Context(), tt.loader, tt.query); !errors.Is(err, tt.want) {
			t.Errorf("Page(%q, %+v): %v, want %v", tt.loader, tt.query, err, tt.want)
		}
	}
	if _, err := s.Explain(t.Context(), "eager"); !errors.Is(err, housing.ErrLoader) {
		t.Errorf("Explain: %v, want %v", err, housing.ErrLoader)
	}
}
