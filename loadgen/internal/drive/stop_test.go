package drive_test

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
	"loadlab/loadgen/internal/measure"
)

// stopMe is the argument that makes the test binary drive two loops, stop itself in the middle of them, and write their results.
const stopMe = "drive-and-stop"

// driveAndStop calls stop once, after about half a second of two and a half.
func driveAndStop(stop func()) {
	const length, rate = 2500 * time.Millisecond, 100
	ctx := context.Background()
	profile, err := arrival.New(arrival.Constant(rate, length)...)
	if err != nil {
		panic(err)
	}
	open := drive.OpenConfig{Common: quick(), Stream: func() arrival.Stream { return arrival.NewConstant(profile) }, For: length}
	open.Connections = 1
	calls := 0 // of the one connection
	open.NewCaller = func() drive.Caller {
		return callerFunc(func(out *measure.Outcome) {
			if calls++; calls == rate/2 {
				stop()
			}
			instant{}.Call(ctx, 0, time.Time{}, out)
		})
	}
	var results [2]drive.Result
	var wg sync.WaitGroup
	wg.Go(func() { results[0], _ = drive.Open(ctx, open) })
	wg.Go(func() {
		results[1], _ = drive.Closed(ctx, drive.ClosedConfig{Common: quick(), Users: 2, ThinkMin: 10 * ms, ThinkMax: 20 * ms, For: length})
	})
	wg.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
