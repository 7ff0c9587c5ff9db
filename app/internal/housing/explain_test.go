package housing_test

import (
	"regexp"
	"testing"

	"loadlab/app/internal/housing"
)

// The shape of the plans is what the experiment with the index is about. It is asserted, and milliseconds are not.
func TestExplain(t *testing.T) {
	shapes := map[string]map[bool]string{
		"postgresql": {
			false: `(?s)Limit .*->  Sort .*Sort Method: top-N heapsort.*->  Seq Scan on properties p .*Buffers: shared`,
			true:  `(?s)Limit .*->  Index Scan using properties_created_at_id on properties p .*Buffers: shared`,
		},
		"sqlite": {false: `(?s)SCAN p\n.*USE TEMP B-TREE FOR ORDER BY`, true: `SCAN p USING (COVERING )?INDEX properties_created_at_id`},
	}
	onBoth(t, func(t *testing.T, url string) {
		for _, indexed := range []bool{false, true} {
			s := seeded(t, url, 1000, housing.Options{Index: indexed})
			for _, loader := range housing.Loaders() {
				plans, err := s.Explain(t.Context(), loader)
				if err != nil {
					t.Fatal(err)
				}
				queries := 0
				for _, p := range plans {
					queries += p.Times
				}
				if want := queriesPerPage()[loader]; queries != want {
					t.Errorf("%s: plans for %d queries, want %d", loader, queries, want)
				}
				// The second query is the list, after COUNT.
				if shape := shapes[s.System()][indexed]; !regexp.MustCompile(shape).MatchString(plans[1].Plan) {
					t.Errorf("%s, index %v: the plan does not match %s:\n%s\n%s", loader, indexed, shape, plans[1].Query, plans[1].Plan)
				}
			}
		}
	})
}
