package keys_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/keys"
)

func TestReadCSV(t *testing.T) {
	table, err := keys.ReadCSV([]byte("\ufeffname,city\r\nann,Berlin\n\"o'hara, jr\",\"New\nYork\"\n,\n"))
	if err != nil {
		t.Fatal(err)
	}
	names, _ := table.Column("name")
	cities, ok := table.Column("city")
	if diff := cmp.Diff([]string{"ann", "o'hara, jr", ""}, names); diff != "" || !ok {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"Berlin", "New\nYork", ""}, cities); diff != "" {
		t.Error(diff)
	}
	if _, ok := table.Column("town"); ok {
		t.Error("there is a column town")
	}
}

func TestReadCSVRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"a;b\n1;2\n":   `the first line, "a;b", has no comma: the columns of a CSV file are separated by commas`,
		"a\rb\rc\r":    "its lines end with a carriage return alone: write a line feed after, or in place of, each",
		"":             "the file is empty: its first line names the columns",
		"name\n":       "there is no row after the first line, which names the columns",
		"a,b\n1\n":     "record on line 2: wrong number of fields",
		"a,b\n1,2,3\n": "record on line 2: wrong number of fields",
		"a\n\"x\n":     `parse error on line 2, column 4: extraneous or missing " in quoted-field`,
		"a,a\n1,2\n":   `line 1: column 2 is named "a": columns have names, each another, without blanks around them`,
		"a, b\n1,2\n":  `line 1: column 2 is named " b": columns have names, each another, without blanks around them`,
		"a,\n1,2\n":    `line 1: column 2 is named "": columns have names, each another, without blanks around them`,
		"a\n\xff\n":    "a CSV file is UTF-8 text of at most 67108864 bytes",
		"a\nx\"y\n":    `parse error on line 2, column 2: bare " in non-quoted-field`,
	} {
		if _, err := keys.ReadCSV([]byte(file)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", file, err, want)
		}
	}
	if _, err := keys.ReadCSV([]byte("a\n" + strings.Repeat("x\n", keys.MaxRows+1))); err == nil || err.Error() != "more than 1000000 rows" {
		t.Errorf("too many rows: %v", err)
	}
}

// Whatever a file holds, it is refused or every column has a value in every row.
func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("name,city\nann,Berlin\n"))
	f.Add([]byte("\ufeffa\n\"x\"\"y\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		table, err := keys.ReadCSV(data)
		if err != nil {
			return
		}
		rows := -1
		for _, name := range table.Columns {
			values, ok := table.Column(name)
			if !ok || len(values) == 0 || rows >= 0 && len(values) != rows {
				t.Errorf("column %q has %d values, another %d", name, len(values), rows)
			}
			rows = len(values)
		}
	})
}
