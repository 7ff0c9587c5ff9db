package report

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// MarkdownLimit is how many characters a comment on GitHub or GitLab may have, and so many bytes hold no more.
const MarkdownLimit = 65_536

// MarkdownLeast is the least that a report in Markdown may be cut to: a verdict fits.
const MarkdownLeast = 10_000

// Markdown writes the report for a comment or a CI summary, in at most o.MaxBytes: the verdict, the findings and the gates come first, so that what
// does not fit is the least.
func Markdown(w io.Writer, r *Report, o Options) error {
	parts := markdownVerdict(r)
	var rest []string
	for _, s := range r.forPeople(o) {
		switch s.ID {
		case Findings:
			parts = append(parts, part(markdownSection(s)))
		case Gates:
			parts = append(parts, markdownGates(s)...)
		default:
			rest = append(rest, part(markdownSection(s)))
		}
	}
	parts = append(append(parts, rest...), part(markdownHead(r.shortHead(o))))
	if !o.Full {
		parts = append(parts, part([]string{"`--full` has " + md(r.more()) + "."}))
	}
	_, err := io.WriteString(w, fit(parts, o))
	return err
}

// part is lines of a document that are written all or not at all, and a blank line after them.
func part(lines []string) string { return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n\n" }

// fit joins as many of the first parts as fit, and says where the others are.
func fit(parts []string, o Options) string {
	limit := cmp.Or(o.MaxBytes, MarkdownLimit)
	whole := strings.TrimRight(strings.Join(parts, ""), "\n") + "\n"
	if len(whole) <= limit {
		return whole
	}
	source := "the JSON of it"
	if o.Path != "" {
		source = code(filepath.Base(o.Path))
	}
	note := fmt.Sprintf("\n\n**Cut here**: the report has more than %s bytes. All of it is in %s, which `loadgen report` renders.\n", unit.Count(int64(limit)), source)
	n, room := 0, limit-len(note)
	for _, p := range parts {
		if n+len(p) > room {
			break
		}
		n += len(p)
	}
	return strings.TrimRight(whole[:n], "\n") + note
}

// clip returns the first n bytes of s at most, in whole characters, and shows where there is more.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// markdownHeadline is the verdict, in one sentence too.
func markdownHeadline(word, scenario, sentence string) string {
	return part([]string{"### " + word + ": " + md(clip(scenario, 200)), "", "**" + md(clip(sentence, 1000)) + "**"})
}

func markdownVerdict(r *Report) []string {
	parts := []string{markdownHeadline(r.Word, r.Run.Scenario.Name, r.Sentence)}
	if len(r.Also) > 0 || r.Run.Interrupted {
		for _, reason := range r.Run.Reasons() {
			parts = append(parts, "- "+md(reason)+"\n")
		}
		parts = append(parts, "\n")
	}
	return parts
}

// markdownGates writes a table that can be cut after each row: there may be more gates than fit.
func markdownGates(s Section) []string {
	parts := []string{"| gate | compared | verdict |\n|---|---|---|\n"}
	for _, g := range s.Gates {
		parts = append(parts, fmt.Sprintf("| %s | %s | %s |\n", code(g.Expr), md(joined("; ", g.Compared, g.Reason)), md(verdictOf(g))))
	}
	parts = append(parts, "\n")
	for _, n := range s.Prose {
		parts = append(parts, md(n.Text)+"\n\n")
	}
	return parts
}

// markdownSection writes a section: its heading, then table, facts and prose.
func markdownSection(s Section) []string {
	return append([]string{"#### " + md(s.Heading), ""}, markdownBody(s)...)
}

func markdownBody(s Section) (lines []string) {
	if s.Table != nil {
		lines = append(lines, markdownTable(s.Table)...)
	}
	for _, x := range s.Facts {
		lines = append(lines, "- **"+md(strings.TrimSuffix(x.Name, ":"))+"**: "+md(x.Text))
	}
	for i, x := range s.Findings {
		lines = append(lines, fmt.Sprintf("%d. %s", i+1, md(findingText(x))))
	}
	for _, n := range s.Prose {
		switch {
		case n.Warning:
			lines = append(lines, "- **warning**: "+md(n.Text))
		case s.Table != nil:
			lines = append(lines, md(n.Text))
		default:
			lines = append(lines, "- "+md(n.Text))
		}
	}
	return lines
}

// markdownTable writes a table whose first column is the group, if one has a name. Titles that are more than the group's name are listed below it.
func markdownTable(t *Table) []string {
	var titles, rule []string
	named := slices.ContainsFunc(t.Groups, func(g Group) bool { return g.Name != "" })
	if named {
		titles, rule = append(titles, "phase"), append(rule, "---")
	}
	for _, c := range t.Columns {
		titles = append(titles, md(joined(" ", c.Above, c.Title)))
		if c.Left {
			rule = append(rule, "---")
		} else {
			rule = append(rule, "--:")
		}
	}
	lines := []string{mdRow(titles), mdRow(rule)}
	var long []string
	for _, g := range t.Groups {
		for _, row := range g.Rows {
			var cells []string
			if named {
				cells = append(cells, md(g.Name))
			}
			for _, c := range row {
				cells = append(cells, markdownCell(c))
			}
			lines = append(lines, mdRow(cells))
		}
		if g.Title != g.Name {
			long = append(long, "- "+md(g.Title))
		}
	}
	lines = append(lines, "")
	if len(long) > 0 {
		lines = append(append(lines, long...), "")
	}
	return lines
}

// markdownCell shows bad news, as a format with colours does.
func markdownCell(c Cell) string {
	if c.Tone == Bad && c.Text != "" {
		return "**" + md(c.Text) + "**"
	}
	return md(c.Text)
}

func markdownHead(facts []Fact) []string {
	lines := []string{"| | |", "|---|---|"}
	for _, x := range facts {
		lines = append(lines, mdRow([]string{x.Name, md(x.Text)}))
	}
	return lines
}

func mdRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }

// md makes text of s: nothing in it is markup.
func md(s string) string {
	escape := strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;",
		`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "~", `\~`)
	return escape.Replace(tty.Clean(s))
}

// code is s as a code span that may stand in a table.
func code(s string) string {
	return "`" + strings.NewReplacer("`", "'", "|", "\\|").Replace(tty.Clean(s)) + "`"
}
