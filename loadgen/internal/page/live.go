package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html/template"
	"time"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
	"loadlab/loadgen/internal/unit"
)

// liveData is what a page needs that is shown while its run goes on.
type liveData struct {
	Token  string   `json:"token"`           // of the request to stop
	Phases []string `json:"phases"`          // names as events have them, by the places of the phases
	Test   bool     `json:"test,omitempty"`  // it is of an A/B test, of which each event has all
	Doing  string   `json:"doing,omitempty"` // what an A/B test does now
}

// Live returns the page of a run under way, which is fed by events (package live). Of the run its head is known, and what will be measured. Token is what the page has to
// send to stop it.
func Live(run *result.Run, token string) ([]byte, error) {
	d := &document{Title: tty.Clean(run.Scenario.Name) + ": running", Word: "RUNNING", Tone: "plain", Name: run.Scenario.Name, Why: run.Scenario.Why, Charts: true, Live: true,
		Sentence: "figures of the run so far, all rounds together, to 2%; gates are judged at the end", styles: map[string]palette.Style{}}
	of := runData{ID: tty.Clean(run.ID), Rounds: run.Scenario.Rounds, Width: 1, Modes: modesOf(run), Phases: []phaseData{}, Cells: []cellData{}}
	names := []string{}
	for _, p := range run.Phases {
		if p.Warmup {
			continue
		}
		names = append(names, p.Name)
		of.Phases = append(of.Phases, phaseData{Name: tty.Clean(p.Name), Load: tty.Clean(p.Load), Rate: p.Rate, Mix: p.Mix, Length: max(1, int((p.For+time.Second-1)/time.Second))})
	}
	var b bytes.Buffer
	err := d.write(&b, data{Runs: []runData{of}, Live: &liveData{Token: token, Phases: names}})
	return b.Bytes(), err
}

// Drawn is a page as a file, and the event that makes a page under way that one: its title, its body and its data, as JSON.
type Drawn struct{ File, Event []byte }

// Draw draws the page of a run.
func Draw(r *report.Report) (Drawn, error) {
	of, err := newRunData(r, "")
	if err != nil {
		return Drawn{}, err
	}
	return newDocument(r).draw(data{Runs: []runData{of}})
}

// DrawAB draws the page of an A/B test.
func DrawAB(r *report.ABTest) (Drawn, error) {
	return newABDocument(r).draw(abDataOf(r))
}

// LiveAB draws the page of an A/B test under way. Doing is what it does now, and token what the page has to send to stop it.
func LiveAB(t *ab.Test, doing, token string) (Drawn, error) {
	r, err := report.NewABTest(t)
	if err != nil {
		return Drawn{}, err
	}
	d, of := newABDocument(r), abDataOf(r)
	d.Findings = nil // which are of a look
	d.Title, d.Word, d.Tone, d.Live, d.Sentence = tty.Clean(t.Scenario.Name)+": running", "RUNNING", "plain", true, stateOf(t, r.Decision())
	of.Live = &liveData{Token: token, Test: true, Doing: tty.Clean(doing)}
	return d.draw(of)
}

// stateOf says how far an A/B test has come, and what has been decided.
func stateOf(t *ab.Test, d ab.Decision) string {
	text := unit.Counted(int64(d.Used), "epoch") + " so far"
	if d.Dropped > 0 {
		text += fmt.Sprintf(", and %d dropped", d.Dropped)
	}
	if len(d.Grew) > 0 {
		return text + "; " + d.Reason
	}
	for _, l := range t.Plan.Looks {
		if l.Epochs > d.Used {
			return fmt.Sprintf("%s; it is judged after %d. Nothing is decided before", text, l.Epochs)
		}
	}
	return text
}

// draw draws a document.
func (d *document) draw(of data) (Drawn, error) {
	var file, body bytes.Buffer
	if err := d.write(&file, of); err != nil {
		return Drawn{}, err
	}
	t, err := d.template()
	if err != nil {
		return Drawn{}, err
	}
	if err := t.ExecuteTemplate(&body, "body.tmpl", d); err != nil {
		return Drawn{}, err
	}
	event, err := json.Marshal(struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Data  data   `json:"data"`
	}{d.Title, body.String(), of})
	return Drawn{file.Bytes(), event}, err
}

// template is that of the document.
func (d *document) template() (*template.Template, error) {
	return template.New("").Funcs(functions(d.styles)).ParseFS(assets, "assets/*.tmpl")
}
