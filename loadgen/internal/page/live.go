package page

import (
	"bytes"
	"encoding/json"
	"html/template"
	"time"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/tty"
)

// liveData is what a page needs that is shown while its run goes on.
type liveData struct {
	Token  string   `json:"token"`  // of the request to stop
	Phases []string `json:"phases"` // names as events have them, by the places of the phases
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

// Report returns the page of a run, and what makes the page of Live that page: its body and its data, as JSON.
func Report(r *report.Report) (page, event []byte, err error) {
	of, err := newRunData(r, "")
	if err != nil {
		return nil, nil, err
	}
	d := newDocument(r)
	var b, body bytes.Buffer
	if err := d.write(&b, data{Runs: []runData{of}}); err != nil {
		return nil, nil, err
	}
	t, err := d.template()
	if err != nil {
		return nil, nil, err
	}
	if err := t.ExecuteTemplate(&body, "body.tmpl", d); err != nil {
		return nil, nil, err
	}
	event, err = json.Marshal(struct {
		Title string `json:"title"`
		Body  string `json:"body"`
		Data  data   `json:"data"`
	}{d.Title, body.String(), data{Runs: []runData{of}}})
	return b.Bytes(), event, err
}

// template is that of the document.
func (d *document) template() (*template.Template, error) {
	return template.New("").Funcs(functions(d.styles)).ParseFS(assets, "assets/*.tmpl")
}
