package report

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/unit"
)

// JSON writes the report for programs: the verdict, and each section by its identifier. A table is a list of rows, each an object with the
// phase and a field a column:
//
//	loadgen report run.json --format json | jq '.figures[] | select(.phase == "expiry") | {mode, p99_ms}'
//
// What was not measured is not there; too_few_samples and at_bound list the fields of a row that are marked. The tables of modes
// and of how sure they are are left out: figures and intervals have all of them.
func JSON(w io.Writer, r *Report, _ Options) error {
	doc := map[string]any{
		"run": r.Run.ID, "scenario": r.Run.Scenario.Name, "verdict": r.Word, "sentence": r.Sentence, "exit_code": result.ExitCode(r.Run),
		"head": factsObject(r.Head),
	}
	for _, s := range r.Sections {
		switch {
		case s.ID == Modes, s.ID == Intervals:
		case s.ID == Findings:
			doc[s.ID] = s.Findings
		case s.Table != nil:
			doc[s.ID] = s.Table.Objects()
		case len(s.Facts) > 0:
			doc[s.ID] = factsObject(s.Facts)
		case len(s.Gates) > 0:
			doc[s.ID] = s.Gates
		default:
			doc[s.ID] = texts(s.Prose)
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(doc); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

func factsObject(facts []Fact) map[string]string {
	object := map[string]string{}
	for _, x := range facts {
		object[strings.TrimSuffix(x.Name, ":")] = x.Text
	}
	return object
}

func texts(notes []Note) []string {
	var lines []string
	for _, n := range notes {
		lines = append(lines, n.Text)
	}
	return lines
}

// Objects returns the rows of all groups: a field a column, and phase, the name of the group.
func (t *Table) Objects() []map[string]any {
	rows := []map[string]any{}
	for _, g := range t.Groups {
		for _, cells := range g.Rows {
			row := map[string]any{"phase": g.Name}
			for i, c := range cells {
				switch name := t.Columns[i].machineName(); {
				case c.Known:
					row[name] = c.Value
				case c.Text != "" && c.Text != unit.None:
					row[name] = c.Text
				}
			}
			for name, mark := range map[string]Mark{"too_few_samples": TooFew, "at_bound": AtBound} {
				if marked := t.marked(cells, mark); len(marked) > 0 {
					row[name] = marked
				}
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// machineName is the column's name for programs: its own, or its title in one word.
func (c Column) machineName() string {
	if c.Name != "" {
		return c.Name
	}
	return strings.ReplaceAll(strings.ToLower(joined(" ", c.Above, c.Title)), " ", "_")
}
