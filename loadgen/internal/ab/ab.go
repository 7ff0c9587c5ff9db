// Package ab is an A/B test of two builds of the app as data: what was planned, what each epoch came to, and what follows from it. It reads and
// writes ab.json, and decides. The decision is a function of what is in ab.json alone, so that a stored test can be judged again.
//
// It neither drives load nor knows how an epoch is measured; package run does.
package ab

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"loadlab/loadgen/internal/result"
	"loadlab/loadgen/internal/stats"
)

// SchemaVersion is that of the ab.json that this program writes.
const SchemaVersion = 1

// Kind is what an ab.json has in its field kind: it is no run.json.
const Kind = "ab"

// Dur is a time in JSON: nanoseconds.
type Dur = time.Duration

// Test is an A/B test of two builds, in the order in which it came to be.
type Test struct {
	Kind     string          `json:"kind"`
	Schema   int             `json:"schema"`
	ID       string          `json:"id"`
	Started  time.Time       `json:"started"`
	Took     Dur             `json:"took_ns"`
	Scenario result.Scenario `json:"scenario"`
	Seed     uint64          `json:"seed"`
	Machine  result.Machine  `json:"machine"`
	Commit   string          `json:"commit"` // of the generator
	Stack    string          `json:"stack"`
	A        Arm             `json:"a"`
	B        Arm             `json:"b"`
	// Running is whether the arms are services that ran before the test: no epoch has fresh processes.
	Running bool      `json:"running,omitempty"`
	Plan    Plan      `json:"plan"`
	Work    []Work    `json:"work"`
	Epochs  []Epoch   `json:"epochs"`
	Ungated []Ungated `json:"not_gated,omitempty"`
	// Diagnosis is of a B that is slower; nil of one that is not, or where it could not be made.
	Diagnosis *Diagnosis `json:"diagnosis,omitempty"`
	// Traces are the slowest traced request of each arm where B does more work or is slower; Why is "arm A" or "arm B".
	Traces   []result.Trace `json:"traces,omitempty"`
	Profiles [2][]byte      `json:"-"` // CPU profiles of both arms that it is of; kept in files of their own

	Warnings    []string `json:"warnings,omitempty"`
	Invalid     []string `json:"invalid,omitempty"`
	Interrupted bool     `json:"interrupted,omitempty"`
	// Verdict is the one that the program came to that wrote this. It is for other readers: Decide comes to it again.
	Verdict string `json:"verdict"`
}

// Arm is one of the two builds.
type Arm struct {
	Name   string   `json:"name"`             // as it was given: "origin/main", "bin/app", "http://127.0.0.1:8000"
	Commit string   `json:"commit,omitempty"` // that it was built from
	Dirty  bool     `json:"dirty,omitempty"`  // its source had changes that are in no commit
	SHA256 string   `json:"sha256,omitempty"` // of its program; empty of a service that ran already
	Args   []string `json:"args,omitempty"`   // of this arm alone
	App    string   `json:"app,omitempty"`    // its commit and Go version, as it reports them
}

// Letter is the name of an arm: A or B.
func Letter(arm int) string { return [2]string{"A", "B"}[arm] }

// Same reports whether the arms are one build with one command line, or one service: an A/A test.
func (t *Test) Same() bool {
	return t.A.SHA256 == t.B.SHA256 && (t.A.SHA256 != "" || t.A.Name == t.B.Name) && fmt.Sprintf("%q", t.A.Args) == fmt.Sprintf("%q", t.B.Args)
}

// Plan is what was set before the first epoch, but for Endpoints, which are chosen after it by the numbers of its requests.
type Plan struct {
	Slice     Dur        `json:"slice_ns"`
	Epoch     Dur        `json:"epoch_ns"`  // of load an arm, for each mode and phase
	WarmUp    Dur        `json:"warmup_ns"` // the same, before it
	Looks     []Look     `json:"looks"`
	Beta      float64    `json:"beta"`
	Tolerance float64    `json:"tolerance"`
	Seed      uint64     `json:"seed"` // of the vectors of signs
	Endpoints []Endpoint `json:"endpoints"`
}

// Look is a number of epochs after which the test is judged, and the probability of a false FAIL that is spent there.
type Look struct {
	Epochs int     `json:"epochs"`
	Alpha  float64 `json:"alpha"`
}

// Endpoint is a quantile of the response time that is judged.
type Endpoint struct {
	Mode     string  `json:"mode"`
	Phase    string  `json:"phase"`
	Quantile float64 `json:"quantile"`
	Margin   float64 `json:"margin"`
}

// Name returns "ttl warm p95".
func (e Endpoint) Name() string { return e.Mode + " " + e.Phase + " " + percentile(e.Quantile) }

func percentile(q float64) string { return "p" + strconv.FormatFloat(q*100, 'f', -1, 64) }

// Epoch is what one pair of fresh processes came to.
type Epoch struct {
	Number int    `json:"number"`
	Order  string `json:"order"` // of its slices: "ABBABAAB"
	// Dropped is why the epoch does not count, both arms together; empty if it does. It never has to do with what was measured of the arms.
	Dropped []string `json:"dropped,omitempty"`
	// Stolen is the share of the processors' time that the host of a virtual machine gave to others.
	Stolen float64 `json:"stolen,omitempty"`
	Cells  []Cell  `json:"cells"`
	// D is log(q of B / q of A) of the plan's endpoints, in their order; nil of an epoch that was dropped.
	D []float64 `json:"d,omitempty"`
}

// Cell is one mode in one phase of an epoch, in both arms.
type Cell struct {
	Mode  string `json:"mode"`
	Phase string `json:"phase"`
	A     Side   `json:"a"`
	B     Side   `json:"b"`
}

// Side is one arm of a cell.
type Side struct {
	Requests  int64 `json:"requests"`
	Failed    int64 `json:"failed,omitempty"`
	Quantiles []Dur `json:"quantiles_ns"` // p50, p95, p99 of the response time; empty without requests
	// Body and Tail are what the requests up to about the p95 spent their time on, and those above it, as Halves has them; nil without Server-Timing.
	Body *result.Bucket `json:"body,omitempty"`
	Tail *result.Bucket `json:"tail,omitempty"`
	// CPU is the CPU time of the arm's app in all slices, and GC what its garbage collector took of it; 0 if unknown, or if other modes share the phase.
	CPU Dur `json:"cpu_ns,omitempty"`
	GC  Dur `json:"gc_ns,omitempty"`
}

// Ungated is what is measured, or not even that, and not judged.
type Ungated struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Quantiles are those of each side of a cell, and their margins.
func Quantiles() (q, margins []float64) {
	return []float64{0.50, 0.95, 0.99}, []float64{0.10, 0.10, 0.25}
}

// runningMargin is what the margins of services that ran already have more: as much as their tolerance (stats.RunningPlan).
const runningMargin = stats.RunningTolerance - stats.DefaultTolerance

// Enough is how many requests an arm must have in an epoch for a quantile to be judged.
func Enough(q float64) int64 { return int64(10/(1-q) + 0.5) }

// Choose sets the endpoints of the plan, and what is not gated, by the numbers of requests of the first epoch, and by nothing else of it.
func (t *Test) Choose(first Epoch) {
	qs, margins := Quantiles()
	for i := range margins {
		if t.Running {
			margins[i] += runningMargin
		}
	}
	for _, c := range first.Cells {
		n := min(c.A.Requests, c.B.Requests)
		for i, q := range qs {
			e := Endpoint{Mode: c.Mode, Phase: c.Phase, Quantile: q, Margin: margins[i]}
			if n >= Enough(q) {
				t.Plan.Endpoints = append(t.Plan.Endpoints, e)
			} else {
				t.Ungated = append(t.Ungated, Ungated{e.Name(), fmt.Sprintf("%d requests an arm and epoch, it takes %d", n, Enough(q))})
			}
		}
	}
}

// Logs returns the logarithms of the ratios of B to A in an epoch, by the endpoints of the plan; 0 where an arm has no figure.
func (p Plan) Logs(e Epoch) []float64 {
	logs := make([]float64, len(p.Endpoints))
	for m, point := range p.Endpoints {
		if a, b, ok := e.Of(point); ok {
			logs[m] = math.Log(float64(b) / float64(a))
		}
	}
	return logs
}

// Of returns what an endpoint was of both arms in the epoch; it is false where one of them has no figure.
func (e *Epoch) Of(point Endpoint) (a, b Dur, ok bool) {
	qs, _ := Quantiles()
	i := slices.Index(qs, point.Quantile)
	for _, c := range e.Cells {
		if c.Mode == point.Mode && c.Phase == point.Phase && i >= 0 && i < len(c.A.Quantiles) && i < len(c.B.Quantiles) {
			return c.A.Quantiles[i], c.B.Quantiles[i], true
		}
	}
	return 0, 0, false
}
