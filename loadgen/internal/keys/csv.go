package keys

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of a CSV file.
const (
	MaxCSV  = 64 << 20  // bytes
	MaxRows = 1_000_000 // without the header
)

// Table is a CSV file.
type Table struct {
	Columns []string // by the header, in order
	rows    [][]string
}

// ReadCSV reads a CSV file (RFC 4180) strictly: it is UTF-8, its first line names the columns, each differently, every row has as many fields
// as the first, and there is a row. Errors name the line.
func ReadCSV(data []byte) (*Table, error) {
	if len(data) > MaxCSV || !utf8.Valid(data) {
		return nil, fmt.Errorf("a CSV file is UTF-8 text of at most %d bytes", MaxCSV)
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line names the columns")
	}
	if err != nil {
		return nil, err
	}
	if len(header) == 1 && strings.ContainsAny(header[0], ";\t") {
		return nil, fmt.Errorf("the first line, %q, has no comma: the columns of a CSV file are separated by commas", header[0])
	}
	t := &Table{Columns: header}
	for i, name := range header {
		if strings.TrimSpace(name) != name || name == "" || slices.Contains(header[:i], name) {
			return nil, fmt.Errorf("line 1: column %d is named %q: columns have names, each another, without blanks around them", i+1, name)
		}
	}
	for {
		row, err := r.Read()
		switch {
		case errors.Is(err, io.EOF) && len(t.rows) == 0 && strings.Contains(header[len(header)-1], "\r"):
			return nil, errors.New("its lines end with a carriage return alone: write a line feed after, or in place of, each")
		case errors.Is(err, io.EOF) && len(t.rows) == 0:
			return nil, errors.New("there is no row after the first line, which names the columns")
		case errors.Is(err, io.EOF):
			return t, nil
		case err != nil:
			return nil, err
		case len(t.rows) == MaxRows:
			return nil, fmt.Errorf("more than %d rows", MaxRows)
		}
		t.rows = append(t.rows, row)
	}
}

// Column returns the values of a column, by row; false if there is no such column.
func (t *Table) Column(name string) ([]string, bool) {
	i := slices.Index(t.Columns, name)
	if i < 0 {
		return nil, false
	}
	values := make([]string, 0, len(t.rows))
	for _, row := range t.rows {
		values = append(values, row[i])
	}
	return values, true
}
