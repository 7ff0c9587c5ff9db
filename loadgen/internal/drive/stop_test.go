package drive_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"loadlab/loadgen/internal/arrival"
	"loadlab/loadgen/internal/drive"
)

// stopMe is the argument that makes the test binary drive two loops, to be stopped from outside.
const stopMe = "drive-until-stopped"

func driveForStop() {
	const length = 2500 * time.Millisecond
	ctx := context.Background()
	profile, err := arrival.New(arrival.Constant(100, length)...)
	if err != nil {
		panic(err)
	}
	fmt.Println("started")
	var results [2]drive.Result
	var wg sync.WaitGroup
	wg.Go(func() {
		results[0], _ = drive.Open(ctx, drive.OpenConfig{Common: quick(), Stream: func() arrival.Stream { return arrival.NewConstant(profile) }, For: length})
	})
	wg.Go(func() {
		results[1], _ = drive.Closed(ctx, drive.ClosedConfig{Common: quick(), Users: 2, ThinkMin: 10 * ms, ThinkMax: 20 * ms, For: length})
	})
	wg.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(results); err != nil {
		panic(err)
	}
}
