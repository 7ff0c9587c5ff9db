package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// run is run.json, as far as the telemetry can be held against it. It is read by its documented form, as any other reader would.
type run struct {
	path string

	ID       string    `json:"id"`
	Started  time.Time `json:"started"`
	Invalid  []string  `json:"invalid"`
	Warnings []string  `json:"warnings"`
	Scenario struct {
		Name string `json:"name"`
	} `json:"scenario"`
	Commit string  `json:"commit"`
	Cells  []cell  `json:"cells"`
	Traces []trace `json:"traces"`
}

// cell is what a mode did in a phase.
type cell struct {
	Mode    string        `json:"mode"`
	Phase   string        `json:"phase"`
	Start   time.Duration `json:"start_ns"` // since the run's
	Seconds []struct {
		Response string `json:"response"` // HdrHistogram, V2 compressed, base64; microseconds
		Service  string `json:"service"`
		At       int    `json:"at"`
		Waited   int64  `json:"waited"`
	} `json:"seconds"`
	Herds []struct {
		At    time.Duration `json:"at_ns"`
		First time.Duration `json:"first_ns"`
		Size  int64         `json:"size"`
	} `json:"herds"`
	Ledger struct {
		Scheduled int64 `json:"scheduled"`
		Completed int64 `json:"completed"`
	} `json:"ledger"`
	Server struct {
		Timed int64         `json:"timed"`
		SQL   int64         `json:"sql"`
		Total time.Duration `json:"total_ns"`

		Counters map[string]int64 `json:"counters"`
	} `json:"server"`
	Spent    []spent       `json:"spent"`
	Took     time.Duration `json:"took_ns"`
	Replicas []replica     `json:"replicas"`
	Faults   []struct {
		Text     string        `json:"text"`
		Began    time.Duration `json:"began_ns"`
		Ended    time.Duration `json:"ended_ns"`
		Evidence string        `json:"evidence"`
	} `json:"faults"`
}

// replica is what a mode's requests came to at one of several.
type replica struct {
	Requests int64            `json:"requests"`
	Counters map[string]int64 `json:"counters"`
	Out      time.Duration    `json:"out_ns"`
}

// spent is where the time of the responses of about one length went.
type spent struct {
	Over    time.Duration `json:"over_ns"`
	Count   int64         `json:"count"`
	Lag     time.Duration `json:"lag_ns"`
	Network time.Duration `json:"network_ns"`
}

// trace is a kept one.
type trace struct {
	ID      string `json:"id"`
	Mode    string `json:"mode"`
	Phase   string `json:"phase"`
	Why     string `json:"why"`
	Problem string `json:"problem"`
	Spans   []struct {
		Service    string            `json:"service"`
		Kind       string            `json:"kind"`
		Attributes map[string]string `json:"attributes"`
	} `json:"spans"`
}

func readRun(out string) (*run, error) {
	paths, err := filepath.Glob(filepath.Join(out, "*", "run.json"))
	if err != nil || len(paths) != 1 {
		return nil, fmt.Errorf("%d runs were written, want one: %w", len(paths), err)
	}
	data, err := os.ReadFile(paths[0])
	if err != nil {
		return nil, err
	}
	r := &run{path: paths[0]}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, err
	}
	if len(r.Cells) == 0 {
		return nil, fmt.Errorf("%s has no cells", paths[0])
	}
	return r, nil
}

func (r *run) cell(mode, phase string) (cell, bool) {
	i := slices.IndexFunc(r.Cells, func(c cell) bool { return c.Mode == mode && c.Phase == phase })
	if i < 0 {
		return cell{}, false
	}
	return r.Cells[i], true
}

// settled are the cells of a mode before the last phase.
func (r *run) settled(mode string) (cells []cell) {
	for _, c := range r.Cells {
		if c.Mode == mode && c.Phase != rest {
			cells = append(cells, c)
		}
	}
	return cells
}

// clock names one of the histograms of a second.
type clock string

const (
	response clock = "response"
	service  clock = "service"
)

// times are what requests took, as run.json has it.
type times struct{ h *hdr.Histogram }

func timesOf(t *testing.T, which clock, cells ...cell) times {
	t.Helper()
	const longest = int64(time.Minute / time.Microsecond)
	all := times{hdr.New(1, longest, 3)}
	for _, c := range cells {
		for _, s := range c.Seconds {
			text := s.Service
			if which == response {
				text = s.Response
			}
			if text == "" {
				continue
			}
			h, err := hdr.Decode([]byte(text))
			if err != nil {
				t.Fatalf("%s, %s: %v", c.Mode, c.Phase, err)
			}
			all.h.Merge(h)
		}
	}
	return all
}

func (x times) count() int64 { return x.h.TotalCount() }

// quantile is in seconds.
func (x times) quantile(q float64) float64 { return float64(x.h.ValueAtQuantile(100*q)) / 1e6 }

// between are the quantiles two requests below and above q: which of its neighbours a quantile of so many requests is, is a matter of
// definition.
func (x times) between(q float64) (low, high float64) {
	two := 2 / float64(x.count())
	return x.quantile(max(q-two, 0)), x.quantile(min(q+two, 1))
}

// atMost is the greatest share of the requests that the app can have served within so many seconds, as the report has it. A request that
// took longer than that was outside of the app for the rest of its time: waiting to be sent, in the network, in a kernel, or before the
// app's handler. The report tells how much of that there was, for requests of each length: enough for so many (Markov's inequality).
func atMost(seconds float64, cells ...cell) float64 {
	var all, within float64
	for _, c := range cells {
		for _, s := range c.Spent {
			n := float64(s.Count)
			all += n
			if rest := s.Over.Seconds() - seconds; rest > 0 {
				n = min(n, (s.Network+s.Lag).Seconds()/rest)
			}
			within += n
		}
	}
	return within / all
}
