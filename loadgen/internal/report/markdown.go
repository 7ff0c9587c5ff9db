package report

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"loadlab/loadgen/internal/tty"
)

// MarkdownLimit is how many characters a comment on GitHub or GitLab may have.
const MarkdownLimit = 65_536

// Markdown writes the report for a comment or a CI summary, in at most MarkdownLimit characters: the verdict and the gates come first,
// so that what does not fit is the least.
func Markdown(w io.Writer, run *Run) error {
	f, err := NewFigures(run)
	if err != nil {
		return err
	}
	var lines []string
	for _, block := range [][]string{
		markdownVerdict(run), markdownGates(run), markdownTable(f), markdownPredictions(f), markdownStaleness(f), markdownErrors(f),
		markdownNotes(f), markdownHead(run),
	} {
		if len(block) > 0 {
			lines = append(append(lines, block...), "")
		}
	}
	_, err = io.WriteString(w, fit(lines, MarkdownLimit))
	return err
}

// fit joins as many whole lines as fit, and says how many did not.
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
			fmt.Fprintf(&b, "\n%s more did not fit: run.json has everything.\n", counted(int64(len(lines)-i), "line"))
			break
		}
		size += n
		b.WriteString(s + "\n")
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

func markdownVerdict(run *Run) []string {
	word, sentence := headline(run)
	lines := []string{fmt.Sprintf("### %s: %s", word, md(run.Scenario.Name)), "", "**" + md(sentence) + "**"}
	if len(run.reasons()) > 1 || run.Interrupted {
		for _, reason := range run.reasons() {
			lines = append(lines, "- "+md(reason))
		}
	}
	return lines
}

func markdownGates(run *Run) []string {
	if len(run.Gates) == 0 {
		return nil
	}
	lines := []string{"| gate | compared | verdict |", "|---|---|---|"}
	for _, g := range run.Gates {
		lines = append(lines, fmt.Sprintf("| %s | %s | %s |", code(g.Expr), md(joined("; ", g.Compared, g.Reason)), md(g.verdict())))
	}
	return lines
}

func markdownTable(f *Figures) []string {
	if f.total("", "") == nil {
		return []string{"Nothing was measured."}
	}
	fields := f.fields()
	titles, rule := []string{"phase"}, []string{"---"}
	for _, x := range fields {
		titles = append(titles, md(joined(" ", x.above, x.title)))
		if x.left {
			rule = append(rule, "---")
		} else {
			rule = append(rule, "--:")
		}
	}
	lines := []string{mdRow(titles), mdRow(rule)}
	for _, p := range f.Phases() {
		for _, m := range f.Modes() {
			if f.total(m, p) == nil {
				continue
			}
			cells := []string{md(p)}
			for _, x := range fields {
				cells = append(cells, md(x.say(f, m, p).text))
			}
			lines = append(lines, mdRow(cells))
		}
	}
	lines = append(lines, "")
	for _, p := range f.run.Phases {
		if !p.Warmup {
			lines = append(lines, "- "+md(phaseTitle(p)))
		}
	}
	lines = append(lines, "")
	for _, s := range legend(f, fields) {
		lines = append(lines, md(s))
	}
	return lines
}

func markdownPredictions(f *Figures) []string {
	var lines []string
	for _, x := range f.Predictions() {
		if lines == nil {
			lines = []string{"| phase | mode | recomputes: what the law predicts, and what was measured | |", "|---|---|---|---|"}
		}
		lines = append(lines, mdRow([]string{md(x.Phase), md(x.Mode), md(x.Text), string(x.Agreement)}))
	}
	return lines
}

func markdownStaleness(f *Figures) []string {
	var lines []string
	for _, c := range f.stale() {
		if lines == nil {
			lines = []string{"| phase | mode | price changes | versioned reads | stale reads | share stale | stalest read |", "|---|---|--:|--:|--:|--:|--:|"}
		}
		share, _ := ratio(c.Stale.Stale, c.Reads)
		lines = append(lines, mdRow([]string{md(c.phase), md(c.mode), count(c.Writes), count(c.Reads), count(c.Stale.Stale),
			md(percent(share)), Latency(c.Max)}))
	}
	return lines
}

func markdownErrors(f *Figures) []string {
	var lines []string
	for _, x := range f.failures() {
		if lines == nil {
			lines = []string{"| phase | mode | errors |", "|---|---|---|"}
		}
		lines = append(lines, mdRow([]string{md(x.phase), md(x.mode), md(x.text)}))
	}
	return lines
}

func markdownNotes(f *Figures) []string {
	normal, warnings := notes(f)
	var lines []string
	for _, s := range warnings {
		lines = append(lines, "- **warning**: "+md(s))
	}
	for _, s := range normal {
		lines = append(lines, "- "+md(s))
	}
	return lines
}

func markdownHead(run *Run) []string {
	lines := []string{"| | |", "|---|---|"}
	for _, x := range facts(run) {
		lines = append(lines, mdRow([]string{x.name, md(x.text)}))
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
