package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// MarkdownLimit is how many characters a comment on GitHub or GitLab may have.
const MarkdownLimit = 65_536

// Markdown writes the report for a comment or a CI summary, in at most MarkdownLimit characters: the verdict and the gates come first,
// so that what does not fit is the least.
func Markdown(w io.Writer, r *Report, _ Options) error {
	blocks := [][]string{markdownVerdict(r), markdownGates(r.Section(Gates).Gates)}
	for _, s := range r.Sections {
		if !s.Data && s.ID != Gates {
			blocks = append(blocks, markdownSection(s))
		}
	}
	blocks = append(blocks, markdownHead(r.Head))
	var lines []string
	for _, block := range blocks {
		if len(block) > 0 {
			lines = append(append(lines, block...), "")
		}
	}
	_, err := io.WriteString(w, fit(lines, MarkdownLimit))
	return err
}

// markdownSections writes sections after some lines, in at most MarkdownLimit characters.
func markdownSections(w io.Writer, lines []string, sections []Section) error {
	for _, s := range sections {
		lines = append(append(lines, markdownSection(s)...), "")
	}
	_, err := io.WriteString(w, fit(lines, MarkdownLimit))
	return err
}

// fit joins as many whole lines as fit, and a line with the number of those that do not.
func fit(lines []string, limit int) string {
	const room = 80 // for saying so
	var b strings.Builder
	size, total := 0, 0
	for _, s := range lines {
		total += utf8.RuneCountInString(s) + 1
	}
	for i, s := range lines {
		n := utf8.RuneCountInString(s) + 1
		if total > limit && size+n > limit-room {
			fmt.Fprintf(&b, "\n%s more did not fit: run.json has everything.\n", unit.Counted(int64(len(lines)-i), "line"))
			break
		}
		size += n
		b.WriteString(s + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func markdownVerdict(r *Report) []string {
	lines := []string{fmt.Sprintf("### %s: %s", r.Word, md(r.Run.Scenario.Name)), "", "**" + md(r.Sentence) + "**"}
	if len(r.Also) > 0 || r.Run.Interrupted {
		for _, reason := range r.Run.Reasons() {
			lines = append(lines, "- "+md(reason))
		}
	}
	return lines
}

func markdownGates(gates []result.Gate) []string {
	if len(gates) == 0 {
		return nil
	}
	lines := []string{"| gate | compared | verdict |", "|---|---|---|"}
	for _, g := range gates {
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", code(g.Expr), md(joined("; ", g.Compared, g.Reason)), md(verdictOf(g))))
	}
	return lines
}

// markdownSection writes a section: its heading, then table, facts and prose.
func markdownSection(s Section) []string {
	lines := []string{"#### " + md(s.Heading), ""}
	if s.Table != nil {
		lines = append(lines, markdownTable(s.Table)...)
	}
	for _, x := range s.Facts {
		lines = append(lines, "- **"+md(strings.TrimSuffix(x.Name, ":"))+"**: "+md(x.Text))
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

// markdownTable writes a table whose first column is the group. Titles that are more than the group's name are listed below it.
func markdownTable(t *Table) []string {
	titles, rule := []string{"phase"}, []string{"---"}
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
			cells := []string{md(g.Name)}
			for _, c := range row {
				cells = append(cells, md(c.Text))
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
