package comparison

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/expose"
	"loadlab/loadgen/internal/measure"
)

// driveCommand is the argument that makes the program a generator; the next is its job.
const driveCommand = "drive"

// The loops of a job.
const (
	loopClosed   = "closed"
	loopExposed  = "exposed" // closed, with metrics for Prometheus
	loopBare     = "bare"    // closed, with nothing recorded and no traceparent
	loopConstant = "constant"
	loopPoisson  = "poisson"
)

// job is what a generator is to do, as JSON on its command line.
type job struct {
	URL         string
	Path        string
	Loop        string
	Connections int
	Rate        float64
	For         time.Duration
	Seed        uint64
}

// driven is the result of a generator's process, as JSON on its standard output.
type driven struct{ Lag result.Summary }

// driveMain is a generator's process.
func driveMain(ctx context.Context, arg string, stdout io.Writer) error {
	var j job
	if err := json.Unmarshal([]byte(arg), &j); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	t, err := j.run(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(t)
}

func (j job) run(ctx context.Context) (driven, error) {
	target, err := client.NewTarget(j.URL, client.Options{Untraced: j.Loop == loopBare, Sampler: client.NewBudget(10)})
	if err != nil {
		return driven{}, err
	}
	request, err := target.Prepare(client.Spec{Path: j.Path})
	if err != nil {
		return driven{}, err
	}
	var seed uint64
	var mu sync.Mutex // guards seed
	caller := func() drive.Caller {
		mu.Lock()
		defer mu.Unlock()
		seed++
		return client.New(target, j.Seed+seed, []*client.Request{request})
	}
	if j.Loop == loopBare {
		return driven{}, j.bare(ctx, caller)
	}
	var config measure.Config
	if j.Loop == loopExposed {
		exporter := expose.New(expose.Plan{Info: expose.Info{RunID: "bench", Scenario: "bench"}}, func() (exported, dropped int64) { return 0, 0 })
		exporter.Begin(expose.Labels{Name: j.Loop, Mode: "target", Modes: []string{"target"}})
		config.Observer = exporter
	}
	recorder := measure.NewRecorder(config)
	err = j.drive(ctx, drive.Common{NewCaller: caller, Recorder: recorder})
	results, lost := recorder.Finish()
	if err != nil {
		return driven{}, err
	}
	if lost != nil {
		return driven{}, lost
	}
	r := results[0]
	if len(r.Failures) > 0 {
		return driven{}, fmt.Errorf("requests failed: %v: %s", r.Ledger.Failed, r.Failures[0].Example)
	}
	return driven{r.Lag}, nil
}

// drive drives the loop that a scenario would.
func (j job) drive(ctx context.Context, c drive.Common) error {
	if j.Loop == loopClosed || j.Loop == loopExposed {
		_, err := drive.Closed(ctx, drive.ClosedConfig{Common: c, Users: j.Connections, For: j.For})
		return err
	}
	profile, err := arrival.New(arrival.Constant(j.Rate, j.For)...)
	if err != nil {
		return err
	}
	stream := func() arrival.Stream { return arrival.NewConstant(profile) }
	if j.Loop == loopPoisson {
		stream = func() arrival.Stream { return arrival.NewPoisson(profile, j.Seed) }
	}
	_, err = drive.Open(ctx, drive.OpenConfig{Common: c, Stream: stream, For: j.For, Connections: j.Connections})
	return err
}

// bare makes the same requests with the same client and does nothing else: what it costs less is the price of recording and tracing.
func (j job) bare(ctx context.Context, caller func() drive.Caller) error {
	end := time.Now().Add(j.For)
	var users sync.WaitGroup
	failed := make(chan error, j.Connections)
	for range j.Connections {
		users.Go(func() {
			c := caller()
			defer c.Close()
			var out measure.Outcome
			for time.Now().Before(end) {
				if c.Call(ctx, 0, end.Add(drive.DefaultTimeout), &out); out.Kind != measure.OK {
					failed <- fmt.Errorf("a request failed: %v", out.Kind)
					return
				}
			}
		})
	}
	users.Wait()
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}
