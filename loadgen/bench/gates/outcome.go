package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strings"
	"time"

	"loadlab/loadgen/internal/ab"
)

// outcome is what one test came to: a line of the file that keeps them.
type outcome struct {
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"` // when it began
	Machine string    `json:"machine"`
	Commit  string    `json:"commit"` // of loadgen and of A
	Verdict string    `json:"verdict"`
	Reason  string    `json:"reason"`
	Seconds float64   `json:"seconds"`
	Epochs  int       `json:"epochs"`
	Spread  *float64  `json:"spread,omitempty"` // standard deviation of the first endpoint's logarithms over the epochs
	Finds   *float64  `json:"finds,omitempty"`  // what the test would have found of it: 0.1 is +10%
	Causes  []string  `json:"causes,omitempty"`
}

// outcomeOf is that of a test.
func outcomeOf(kind string, t *ab.Test, d ab.Decision) outcome {
	m := t.Machine
	o := outcome{
		Kind: kind, At: t.Started.UTC().Truncate(time.Second), Machine: fmt.Sprintf("%s, %d processors, %s", m.CPU, m.Cores, m.Go), Commit: t.Commit, Verdict: d.Verdict,
		Reason: d.Reason, Seconds: math.Round(10*t.Took.Seconds()) / 10, Epochs: d.Used, Causes: causesOf(t, d),
	}
	if len(d.Latency.Findings) > 0 {
		var logs []float64
		for _, e := range t.Epochs {
			if len(e.D) > 0 {
				logs = append(logs, e.D[0])
			}
		}
		o.Spread, o.Finds = finite(deviation(logs)), finite(d.Latency.Findings[0].Detectable-1)
	}
	return o
}

// causesOf is all that a test names.
func causesOf(t *ab.Test, d ab.Decision) (names []string) {
	for _, w := range t.Work {
		for _, name := range w.Repeats {
			names = append(names, "repeats "+name)
		}
	}
	for _, cause := range t.Causes(d) {
		name := cause.Endpoint + ": " + cause.Name
		if cause.Detail != "" {
			name += " (" + cause.Detail + ")"
		}
		names = append(names, name)
	}
	return names
}

// names reports whether one of the causes has one of these in it.
func (o outcome) names(causes []string) bool {
	text := strings.Join(o.Causes, "\n")
	for _, want := range causes {
		if strings.Contains(text, want) {
			return true
		}
	}
	return false
}

// finite is x, or nil if JSON has no such number.
func finite(x float64) *float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	return &x
}

// kept is a file of outcomes, a line each, to which those of new tests are added, so that tests of hours can be made in parts.
type kept struct {
	path  string // empty keeps nothing
	older []outcome
}

// openKept reads the file, which need not be there yet.
func openKept(path string) (kept, error) {
	k := kept{path: path}
	if path == "" {
		return k, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return k, err
	}
	defer func() { _ = f.Close() }() // it was only read
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var o outcome
		if err := json.Unmarshal(lines.Bytes(), &o); err != nil {
			return k, fmt.Errorf("%s, line %d: %w; take it out to make that test again", path, n, err)
		}
		k.older = append(k.older, o)
	}
	return k, lines.Err()
}

// of returns the older ones of a kind.
func (k kept) of(kind string) (all []outcome) {
	for _, o := range k.older {
		if o.Kind == kind {
			all = append(all, o)
		}
	}
	return all
}

// add writes a new one.
func (k kept) add(o outcome) error {
	if k.path == "" {
		return nil
	}
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(k.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // figures are for everybody
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}
