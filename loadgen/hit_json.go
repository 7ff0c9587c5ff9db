package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

// hitResult is what hit --json prints: one object. Times are in milliseconds; what was not measured is not there.
type hitResult struct {
	Request  string  `json:"request"` // GET /search?q=x
	Target   string  `json:"target"`  // without credentials
	Load     string  `json:"load"`
	Started  string  `json:"started"` // RFC 3339
	TookS    float64 `json:"took_s"`  // of the load
	Verdict  string  `json:"verdict"` // DONE, GENERATOR-LIMITED, INTERRUPTED, INVALID
	Sentence string  `json:"sentence"`
	ExitCode int     `json:"exit_code"`

	Requests  int64 `json:"requests"`
	Completed int64 `json:"completed"`
	Errors    int64 `json:"errors"`
	// Figures are rate, bytes_in and bytes_out (a second), and mean_ms, p50_ms, p90_ms, p95_ms, p99_ms and max_ms of the response time, and the same of
	// the service time and of the send lag: service_p50_ms, lag_p50_ms. AtLeast names those that may be greater: of too few requests, or beyond what is recorded.
	Figures map[string]float64 `json:"figures"`
	AtLeast []string           `json:"at_least,omitempty"`
	// Phases are the mean phases of a request, with --phases: wait_ms, connect_ms, tls_ms, first_byte_ms, body_ms, response_ms.
	Phases   map[string]any `json:"phases,omitempty"`
	Statuses map[int]int64  `json:"statuses,omitempty"` // responses by status code
	Failures []hitFailure   `json:"failures"`           // the most frequent first; empty if there are none, so that jq may go through them
	Warnings []string       `json:"warnings,omitempty"`
	RunJSON  string         `json:"run_json,omitempty"` // with --out
}

// hitFailure is the requests that failed in one way.
type hitFailure struct {
	Kind    string `json:"kind"`
	Status  int    `json:"status,omitempty"`
	Code    string `json:"code,omitempty"`
	Count   int64  `json:"count"`
	Example string `json:"example,omitempty"`
	First   string `json:"first,omitempty"` // RFC 3339
	Last    string `json:"last,omitempty"`
}

// writeHitJSON writes a run of hit for programs.
func writeHitJSON(w io.Writer, rendered *report.Report, path string, code int) error {
	r := rendered.Run
	f, err := figure.New(r)
	if err != nil {
		return err
	}
	out := hitResult{
		Request: r.Modes[0].Method + " " + r.Modes[0].Path, Target: r.Stack.Target, Load: r.Phases[0].Load, Started: r.Started.Format(time.RFC3339Nano), Verdict: rendered.Word,
		Sentence: rendered.Sentence, ExitCode: code, Warnings: append(r.Reasons(), r.Warnings...), RunJSON: path, Figures: map[string]float64{}, Failures: []hitFailure{},
	}
	if text := report.Redirects(f); text != "" {
		out.Warnings = append(out.Warnings, text)
	}
	if t := f.Total("", ""); t != nil {
		out.measured(r, f, t)
		out.Phases = phasesOf(rendered.Section(report.HTTPPhases))
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// measured fills in what the requests came to.
func (o *hitResult) measured(r *result.Run, f *figure.Figures, t *figure.Total) {
	o.TookS, o.Requests, o.Completed, o.Errors, o.Statuses = t.Took.Seconds(), t.Ledger.Scheduled, t.Ledger.Completed, t.Ledger.Errors(), t.Statuses
	for _, clock := range []string{"", "service_", "lag_"} {
		for _, name := range []string{"mean", "p50", "p90", "p95", "p99", "max"} {
			o.figure(f, clock+name, clock+name+"_ms")
		}
	}
	for _, name := range []string{"rate", "bytes_in", "bytes_out"} {
		o.figure(f, name, name)
	}
	for _, x := range t.Failures {
		o.Failures = append(o.Failures, hitFailure{x.Kind, x.Status, x.Code, x.Count, x.Example,
			r.Started.Add(x.First).Format(time.RFC3339Nano), r.Started.Add(x.Last).Format(time.RFC3339Nano)})
	}
}

// figure fills in one figure, if it was measured.
func (o *hitResult) figure(f *figure.Figures, name, as string) {
	value, _, err := f.Value(name, "", "")
	switch {
	case errors.Is(err, figure.ErrTooFewSamples), errors.Is(err, figure.ErrAtBound):
		o.AtLeast = append(o.AtLeast, as)
	case err != nil:
		return
	}
	o.Figures[as] = value
}

// phasesOf is the row of the mean request.
func phasesOf(s report.Section) map[string]any {
	if s.Table == nil {
		return nil
	}
	phases := s.Table.Objects()[0]
	for _, name := range []string{"phase", "mode", "of"} {
		delete(phases, name)
	}
	return phases
}
