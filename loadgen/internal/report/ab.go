package report

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/finding"
	"loadlab/loadgen/internal/stats"
	"loadlab/loadgen/internal/unit"
)

// ABTest is an A/B test of two builds for people, the verdict first.
type ABTest struct {
	Word, Sentence string
	Sections       []Section
	test           *ab.Test
	decision       ab.Decision
}

// NewABTest decides a test again, and makes its report. It fails if the test contradicts itself.
func NewABTest(t *ab.Test) (*ABTest, error) {
	d, err := t.Decide()
	if err != nil {
		return nil, err
	}
	r := &ABTest{Word: d.Verdict, Sentence: d.Reason, test: t, decision: d}
	if t.Same() {
		r.Sentence = "A/A, both arms are the same build: " + d.Reason
	}
	for _, s := range []Section{whatWasFound(finding.OfAB(t, d)), effects(t, d), causes(t, d), work(t), ungated(t), tested(t, d)} {
		if s.Heading != "" {
			r.Sections = append(r.Sections, s)
		}
	}
	return r, nil
}

// Test is the test that the report is of.
func (r *ABTest) Test() *ab.Test { return r.test }

// Decision is what was decided.
func (r *ABTest) Decision() ab.Decision { return r.decision }

// ExitCode is that of the verdict.
func (r *ABTest) ExitCode() int { return r.decision.ExitCode() }

// effects are what each endpoint came to.
func effects(t *ab.Test, d ab.Decision) Section {
	if len(d.Latency.Findings) == 0 {
		return Section{}
	}
	table := &Table{Columns: []Column{
		{Title: "endpoint", Left: true}, {Title: "A"}, {Title: "B"}, {Title: "B / A"}, {Title: "margin", Spare: true}, {Title: "p slower", Spare: true}, {Title: "p within", Spare: true}, {Title: "finds"}, {Title: "", Left: true},
	}}
	g := Group{Title: "after " + unit.Counted(int64(d.Latency.Epochs), "epoch")}
	for m, f := range d.Latency.Findings {
		c := Cell{Text: times(f.Effect), Value: f.Effect.Value, Known: true}
		word := Cell{Text: "undecided", Tone: Doubtful}
		switch {
		case f.Slower:
			word, c.Tone = Cell{Text: "slower", Tone: Bad}, Bad
		case f.Within:
			word = Cell{Text: "within", Tone: Good}
		}
		a, b := middles(t, m)
		g.Rows = append(g.Rows, []Cell{
			{Text: f.Name}, a, b, c, {Text: more(t.Plan.Endpoints[m].Margin)}, {Text: probability(f.Adjusted)}, {Text: probability(f.PassP)}, detectable(f.Detectable), word,
		})
	}
	table.Groups = []Group{g}
	return Section{ID: "effects", Heading: "Response times of B beside those of A", Table: table, Prose: prose("A, B: the medians of the epochs. B / A: the middle of the epochs' ratios, and the interval that has the true " +
		"one in 95% of such tests. p slower: how often chance makes a B that is slower by " + more(t.Plan.Tolerance) + " at most look like this, all endpoints considered. p within: the same of one " +
		"that is slower by its margin. finds: the least change that this many epochs would find in 80% of tests, by their spread.")}
}

// middles are the medians of what an endpoint was of each arm in the epochs that count.
func middles(t *ab.Test, endpoint int) (a, b Cell) {
	var of [2][]float64
	for i := range t.Epochs {
		if x, y, ok := t.Epochs[i].Of(t.Plan.Endpoints[endpoint]); ok && len(t.Epochs[i].Dropped) == 0 {
			of[0], of[1] = append(of[0], float64(x)), append(of[1], float64(y))
		}
	}
	if len(of[0]) == 0 {
		none := Cell{Text: unit.None, Tone: Faint}
		return none, none
	}
	return latency(time.Duration(stats.Median(of[0]))), latency(time.Duration(stats.Median(of[1])))
}

// causes are why the endpoints are slower that were found to be.
func causes(t *ab.Test, d ab.Decision) Section {
	all := t.Causes(d)
	if len(all) == 0 {
		return Section{}
	}
	s := Section{ID: "causes", Heading: "What is behind it"}
	for _, c := range all {
		f := Fact{Name: c.Endpoint + ":", Text: c.Name, Tone: Bad}
		if c.Name == ab.Unattributed {
			f.Text, f.Tone = c.Name+": nothing explains half of the change with an interval that excludes 0", Doubtful
		} else {
			if c.Detail != "" {
				f.Text += ": " + c.Detail
			}
			f.Text += fmt.Sprintf(" (%s [%s, %s] of %s a request, %s)", change(c.Change.Value), change(c.Change.Low), change(c.Change.High), change(c.Total.Value), unit.Percent(c.Explains))
		}
		s.Facts = append(s.Facts, f)
	}
	s.Prose = prose("By the Server-Timing of the requests, in each epoch: p50 by those up to about the p95, p95 and p99 by those above. Statements, functions and the share of the CPU time that is garbage collection are of one more pair of processes.")
	onProcessor := slices.ContainsFunc(all, func(c ab.Cause) bool { return c.Name == ab.CPU || c.Name == ab.GC })
	if diagnosis := t.Diagnosis; diagnosis != nil {
		for _, fn := range diagnosis.Functions {
			if !onProcessor {
				break // what grew did so by chance
			}
			s.Facts = append(s.Facts, Fact{Name: "CPU", Text: fmt.Sprintf("%s: %s a request, A %s", fn.Name, unit.Latency(fn.B), unit.Latency(fn.A))})
		}
		if diagnosis.Missing != "" {
			s.Prose = append(s.Prose, Note{Text: "The diagnosis is not complete: " + diagnosis.Missing, Warning: true})
		}
	}
	return s
}

// change is a time that became more or less, in seconds.
func change(seconds float64) string {
	d := time.Duration(math.Abs(seconds) * float64(time.Second))
	if seconds < 0 {
		return "-" + unit.Latency(d)
	}
	return "+" + unit.Latency(d)
}

// times is a ratio, with its interval if there is one.
func times(x stats.Interval) string {
	if !x.Bounded() {
		return unit.Times(x.Value)
	}
	return unit.TimesWithin(x.Value, x.Low, x.High)
}

func more(share float64) string { return "+" + unit.Digits(100*share) + "%" }

func probability(p float64) string {
	if p < 0.0001 {
		return "<0.0001"
	}
	return strconv.FormatFloat(p, 'f', 4, 64)
}

func detectable(ratio float64) Cell {
	if math.IsInf(ratio, 0) {
		return Cell{Text: "unknown", Tone: Faint}
	}
	return Cell{Text: more(ratio - 1), Value: ratio, Known: true}
}

// work is gate 0.
func work(t *ab.Test) Section {
	if len(t.Work) == 0 {
		return Section{}
	}
	table := &Table{Columns: []Column{{Title: "mode", Left: true}}}
	for _, c := range ab.Counters() {
		table.Columns = append(table.Columns, Column{Title: c.Name})
	}
	table.Columns = append(table.Columns, Column{Title: ab.CounterAllocations})
	s := Section{ID: "work", Heading: "Gate 0: what the same requests cost", Table: table}
	uneven := false
	for _, w := range t.Work {
		last := w.Last()
		row := []Cell{{Text: w.Mode}}
		for _, c := range ab.Counters() {
			row = append(row, counted(c, w))
			uneven = uneven || !last.Even() && len(w.Grew()) == 0
		}
		row = append(row, allocated(w))
		if n := len(table.Groups); n == 0 || table.Groups[n-1].Name != w.Phase {
			table.Groups = append(table.Groups, Group{Name: w.Phase, Title: w.Phase})
		}
		g := &table.Groups[len(table.Groups)-1]
		g.Rows = append(g.Rows, row)
		if len(w.Repeats) > 0 {
			s.Facts = append(s.Facts, Fact{Name: w.Mode + " " + w.Phase, Text: "B repeats " + strings.Join(w.Repeats, ", "), Tone: Bad})
		}
	}
	s.Prose = prose(fmt.Sprintf("Totals of %d requests of one user, one after the other, from an empty cache: A, and B where it differs. They have no noise and are compared exactly. "+
		"Allocations are objects a request, of the whole process and without traces; they count from 10%% more on.", t.Work[0].Requests))
	if uneven {
		s.Prose = append(s.Prose, Note{Text: "What differs and is no failure is less in B, or was not more in each of three tries: a page expired meanwhile, or was recomputed early by chance."})
	}
	return s
}

// allocated is what both arms allocate a request.
func allocated(w ab.Work) Cell {
	if len(w.Allocations) == 0 || !w.Allocations[len(w.Allocations)-1].Known() {
		return Cell{Text: "unknown", Tone: Faint}
	}
	last := w.Allocations[len(w.Allocations)-1]
	a, b := last.A/last.Requests, last.B/last.Requests
	if !last.Grew() {
		return Cell{Text: unit.Count(a), Value: float64(a), Known: true}
	}
	cell := Cell{Text: unit.Count(a) + " -> " + unit.Count(b), Value: float64(b), Known: true, Tone: Doubtful}
	if slices.Contains(w.Grew(), ab.CounterAllocations) {
		cell.Tone = Bad
	}
	return cell
}

// counted is a counter of both arms.
func counted(c ab.Counter, w ab.Work) Cell {
	last := w.Last()
	a, b := c.Of(last.A), c.Of(last.B)
	switch {
	case !c.Known(last):
		return Cell{Text: "unknown", Tone: Faint}
	case a == b:
		return Cell{Text: unit.Count(a), Value: float64(a), Known: true}
	}
	cell := Cell{Text: unit.Count(a) + " -> " + unit.Count(b), Value: float64(b), Known: true, Tone: Doubtful}
	for _, name := range w.Grew() {
		if name == c.Name {
			cell.Tone = Bad
		}
	}
	return cell
}

// ungated is what was not judged, and why.
func ungated(t *ab.Test) Section {
	if len(t.Ungated) == 0 {
		return Section{}
	}
	s := Section{ID: "ungated", Heading: "Not judged", Detail: true}
	for _, u := range t.Ungated {
		s.Facts = append(s.Facts, Fact{Name: u.Name + ":", Text: u.Reason})
	}
	return s
}

// tested is what was compared, how, and on what.
func tested(t *ab.Test, d ab.Decision) Section {
	s := Section{ID: "test", Heading: "What was compared", Detail: true}
	add := func(name, text string) { s.Facts = append(s.Facts, Fact{Name: name, Text: text}) }
	for i, arm := range []ab.Arm{t.A, t.B} {
		add(Letter(i), armOf(arm))
	}
	if t.Running {
		add("processes", "services that ran already, in all epochs the same: what a process was lucky with as it started is a difference too, so that the tolerance is "+
			more(t.Plan.Tolerance)+", and the margins are wider")
	}
	var looks []string
	for _, l := range t.Plan.Looks {
		looks = append(looks, strconv.Itoa(l.Epochs))
	}
	add("epochs", fmt.Sprintf("%d used, %d dropped; looks after %s, of which %d reached", d.Used, d.Dropped, strings.Join(looks, ", "), d.Latency.Look))
	if n := len(d.Latency.E); n > 0 {
		add("e-value", unit.Digits(d.Latency.E[n-1])+", evidence for who looks at other times than the plan; no part of the verdict")
	}
	for _, e := range t.Epochs {
		if len(e.Dropped) > 0 {
			add("dropped", fmt.Sprintf("epoch %d, both arms: %s", e.Number, strings.Join(e.Dropped, "; ")))
		}
	}
	add("scenario", t.Scenario.Name+", stack "+t.Stack+", seed "+strconv.FormatUint(t.Seed, 10))
	add("machine", joined(", ", t.Machine.CPU, cores(t.Machine.Cores), t.Machine.OS, t.Machine.Go))
	add("took", unit.Length(t.Took))
	for _, w := range t.Warnings {
		s.Prose = append(s.Prose, Note{Text: w, Warning: true})
	}
	return s
}

// armOf is what an arm is.
func armOf(a ab.Arm) string {
	const digits = 12
	source := ""
	if a.Commit != "" {
		source = "commit " + a.Commit[:min(digits, len(a.Commit))]
		if a.Dirty {
			source += " with changes (dirty)"
		}
	}
	sum := ""
	if a.SHA256 != "" {
		sum = "SHA-256 " + a.SHA256[:min(digits, len(a.SHA256))]
	}
	about := joined("; ", source, sum, a.App)
	if about != "" {
		about = "(" + about + ")"
	}
	return joined(" ", a.Name, strings.Join(a.Args, " "), about)
}

// Text writes the report for people at a terminal; o.Path is where ab.json is.
func (r *ABTest) Text(w io.Writer, o Options) error {
	p := newPage(w, o)
	p.item(r.Word+gap, 0, tone(r.Word).color(), r.Sentence)
	for _, s := range r.Sections {
		p.section(s)
	}
	if o.Path != "" {
		p.write("\n")
		p.copied("ab.json", o.Path)
		if len(r.test.Traces) > 0 {
			p.copied("traces", `loadgen trace --why "arm B" `+inShell(o.Path))
		}
	}
	return p.err
}
