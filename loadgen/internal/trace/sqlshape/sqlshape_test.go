package sqlshape_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"loadlab/loadgen/internal/trace/sqlshape"
)

func TestShapes(t *testing.T) {
	for _, test := range []struct {
		query, text, verb, table, by string
	}{
		{
			`SELECT "a"."id", "a"."office_id" FROM "agents" AS "a" WHERE (id = 253)`,
			`SELECT a.id, a.office_id FROM agents AS a WHERE (id = ?)`, "SELECT", "agents", "id",
		},
		{
			`SELECT "a"."id" FROM "agents" AS "a" WHERE (id IN (93, 102, 113))`,
			`SELECT a.id FROM agents AS a WHERE (id IN (?))`, "SELECT", "agents", "id",
		},
		{
			`SELECT "a"."id" FROM "agents" AS "a" WHERE (id IN (93, 10`, // cut off
			`SELECT a.id FROM agents AS a WHERE (id IN (?`, "SELECT", "agents", "id",
		},
		{`SELECT count(*) FROM "properties" AS "p"`, `SELECT count(*) FROM properties AS p`, "SELECT", "properties", ""},
		{
			`SELECT "p"."id" FROM "properties" AS "p" ORDER BY p.created_at DESC, p.id DESC LIMIT 20 OFFSET 40`,
			`SELECT p.id FROM properties AS p ORDER BY p.created_at DESC, p.id DESC LIMIT ? OFFSET ?`, "SELECT", "properties", "",
		},
		{
			`UPDATE "properties" AS "p" SET "price_cents" = 45000000, "updated_at" = '2026-11-23 00:15:49+00:00' WHERE ("p"."id" = 7)`,
			`UPDATE properties AS p SET price_cents = ?, updated_at = ? WHERE (p.id = ?)`, "UPDATE", "properties", "id",
		},
		{
			`INSERT INTO "public"."agents" ("id", "name") VALUES (1, 'O''Brien'), (DEFAULT, NULL), (3, E'it\'s') RETURNING "id"`,
			`INSERT INTO public.agents (id, name) VALUES (?) RETURNING id`, "INSERT", "agents", "",
		},
		{`BEGIN`, `BEGIN`, "BEGIN", "", ""},
		{`DELETE FROM t WHERE a = -1.5e-3 AND b <> TRUE AND c IS NOT NULL AND d LIKE 'x%';`, `DELETE FROM t WHERE a = ? AND b <> ? AND c IS NOT NULL AND d LIKE ?`, "DELETE", "t", "a b d"},
		{"select /* of /* all */ */ *\n\tfrom t -- who\n where x = $1 and y = :name and z = @p1 and w = ?", `select * from t where x = ? and y = ? and z = ? and w = ?`, "SELECT", "t", "x y z w"},
		{`SELECT $$it's$$, $tag$ $$ $tag$, X'00ff', B'01', U&'d\0061t', 0xFF, 1_000, .5, a-1, a - 1, f(-1)`, `SELECT ?, ?, ?, ?, ?, ?, ?, ?, a-?, a - ?, f(?)`, "SELECT", "", ""},
		{`SELECT '{"a":1}'::jsonb, "odd name", "true" FROM t WHERE id = ANY(ARRAY[1, 2, 3])`, `SELECT ?::jsonb, "odd name", "true" FROM t WHERE id = ANY(ARRAY[?])`, "SELECT", "t", "id"},
		{`SELECT * FROM a JOIN b ON a.id = b.id WHERE a.x = b.x AND b.y >= 3 GROUP BY z HAVING z = 4`, `SELECT * FROM a JOIN b ON a.id = b.id WHERE a.x = b.x AND b.y >= ? GROUP BY z HAVING z = ?`, "SELECT", "a", "y"},
		{`SELECT * FROM (SELECT 1) AS s`, `SELECT * FROM (SELECT ?) AS s`, "SELECT", "", ""},
		{``, ``, "", "", ""},
		{`'never closed`, `?`, "", "", ""},
	} {
		got := sqlshape.Of(test.query)
		if got.Text != test.text || got.Verb != test.verb || got.Table != test.table || strings.Join(got.By, " ") != test.by {
			t.Errorf("%s\ngot  %s | %s | %s | %s\nwant %s | %s | %s | %s", test.query,
				got.Text, got.Verb, got.Table, got.By, test.text, test.verb, test.table, test.by)
		}
	}
}

func TestValuesMakeNoDifference(t *testing.T) {
	for _, same := range [][]string{
		{`SELECT * FROM t WHERE (id = 1)`, `SELECT * FROM t WHERE (id = 123456)`, `SELECT * FROM t WHERE (id = -1)`, `SELECT * FROM t WHERE (id = 'x''y')`, `SELECT * FROM t WHERE (id = $1)`},
		{`SELECT * FROM t WHERE id IN (1)`, `SELECT * FROM t WHERE id IN (1, 2,3)`, `SELECT * FROM t WHERE id IN ('a', NULL)`, `SELECT * FROM t WHERE id IN ((1, 2), (3, 4))`},
		{`INSERT INTO t VALUES (1, TRUE)`, `INSERT INTO t VALUES (1, FALSE), (2, NULL)`},
	} {
		for _, q := range same[1:] {
			if got, want := sqlshape.Normalize(q), sqlshape.Normalize(same[0]); got != want {
				t.Errorf("%s\ngot  %s\nwant %s", q, got, want)
			}
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, q := range []string{
		`SELECT "a"."id" FROM "agents" AS "a" WHERE (id IN (93, 102))`, `INSERT INTO t VALUES (1, 'a'), (2, E'\'b')`, `select $1, $$a$$, :x, @y, "q"1`,
		"-- c\n/* /* */ */ 1.5e-3 0x1f", `"e"'x' "null" IS NULL IN (1;`, "`a`.`b` = -1",
	} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		shape := sqlshape.Of(query)
		if again := sqlshape.Normalize(shape.Text); again != shape.Text {
			t.Errorf("%q\nnormalized       %q\nnormalized again %q", query, shape.Text, again)
		}
		if utf8.ValidString(query) && !utf8.ValidString(shape.Text) {
			t.Errorf("%q: %q is not UTF-8", query, shape.Text)
		}
		if len(shape.Text) > 2*len(query)+2 {
			t.Errorf("%q grew to %q", query, shape.Text)
		}
		if slices.Contains(shape.By, "") || len(shape.By) > 4 {
			t.Errorf("%q: by %q", query, shape.By)
		}
	})
}

// FuzzValue puts a text into a query: whatever it is, the shape is that of the query.
func FuzzValue(f *testing.F) {
	f.Add("it's")
	f.Add("-- ; /* $$")
	f.Fuzz(func(t *testing.T, text string) {
		text = "'" + strings.ReplaceAll(text, "'", "''") + "'"
		query := "SELECT x FROM t WHERE (a = " + text + ") AND b IN (" + text + ", 1) LIMIT 5"
		const want = "SELECT x FROM t WHERE (a = ?) AND b IN (?) LIMIT ?"
		if got := sqlshape.Normalize(query); got != want {
			t.Errorf("%s: got %s", query, got)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	query := `SELECT "l"."id", "l"."latitude", "l"."longitude", "l"."address", "l"."city", "l"."state" FROM "locations" AS "l" WHERE (id = 429)`
	b.ReportAllocs()
	for b.Loop() {
		sqlshape.Of(query)
	}
}
