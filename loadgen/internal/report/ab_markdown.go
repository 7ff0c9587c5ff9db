package report

import (
	"html"
	"io"
)

// Markdown writes the report for a comment or a CI summary, in at most o.MaxBytes: the verdict, what a reader must know before trusting it, and the
// tables. How to read them, and the details, are folded.
func (r *ABTest) Markdown(w io.Writer, o Options) error {
	parts := []string{markdownHeadline(r.Word, r.test.Scenario.Name, r.Sentence)}
	var sections []string
	for _, s := range r.Sections {
		var legend, warnings []string
		for _, n := range s.Prose {
			if n.Warning {
				warnings = append(warnings, "- **warning**: "+md(n.Text))
			} else {
				legend = append(legend, md(n.Text), "")
			}
		}
		if len(warnings) > 0 {
			parts = append(parts, part(warnings))
		}
		s.Prose = nil
		switch {
		case s.Detail:
			sections = append(sections, folded(s.Heading, append(append(markdownBody(s), ""), legend...)))
		case len(legend) > 0:
			sections = append(sections, part(markdownSection(s))+folded("How to read it", legend))
		default:
			sections = append(sections, part(markdownSection(s)))
		}
	}
	_, err := io.WriteString(w, fit(append(parts, sections...), o))
	return err
}

// folded is lines under a heading that opens them.
func folded(heading string, lines []string) string {
	return part([]string{"<details><summary>" + html.EscapeString(heading) + "</summary>", "", part(lines) + "</details>"})
}
