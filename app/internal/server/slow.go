package server

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
)

// Slow is by how much the handlers of modes are slowed down, as shares of the time that they took: 0.2 by the name of a mode. It is for
// whatever claims to find slow handlers, to show that it does.
//
// The handler waits for that share of its own time before it answers: with a timer, without using a processor, but for the last of it. A wake-up comes a
// fifth of a millisecond late or more, which would be +30% of a handler of a millisecond for +10%.
type Slow map[string]float64

// mostSlow is a hundred times as slow.
const mostSlow = 10_000

// String implements flag.Value.
func (s Slow) String() string {
	var all []string
	for mode, share := range s {
		all = append(all, mode+"=+"+strconv.FormatFloat(100*share, 'f', -1, 64)+"%")
	}
	slices.Sort(all)
	return strings.Join(all, ",")
}

// Set implements flag.Value. It reads MODE=+20%, or several of them with commas between.
func (s Slow) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		mode, amount, _ := strings.Cut(part, "=")
		digits, plus := strings.CutPrefix(amount, "+")
		digits, percent := strings.CutSuffix(digits, "%")
		n, err := strconv.ParseFloat(digits, 64)
		switch {
		case !plus || !percent || err != nil || strings.Trim(digits, "0123456789.") != "" || !(n > 0 && n <= mostSlow):
			return fmt.Errorf("want a mode and a percentage above 0 and up to %d, such as ttl=+20%%; got %q", mostSlow, part)
		case !isMode(mode):
			return fmt.Errorf("there is no mode %q: use %s, a strategy and a loader as in ttl+batched, or %s", mode,
				strings.Join(slices.Concat(housing.Loaders(), strategyNames()), ", "), api.ModeProperty+" or "+api.ModePriceChange)
		}
		if _, twice := s[mode]; twice {
			return errors.New(mode + " is given twice")
		}
		s[mode] = n / 100
	}
	return nil
}

// isMode reports whether the app has such a mode.
func isMode(name string) bool {
	strategy, loader, both := strings.Cut(name, "+")
	if both {
		return slices.Contains(strategyNames(), strategy) && loader != api.DefaultLoader &&
			(loader == api.ModeProperty || slices.Contains(housing.Loaders(), loader))
	}
	return slices.Contains(slices.Concat(housing.Loaders(), strategyNames(), []string{api.ModeProperty, api.ModePriceChange}), name)
}

func strategyNames() []string {
	var names []string
	for _, s := range Strategies() {
		names = append(names, s.Name)
	}
	return names
}

// wait lets a request wait for its share of the time since it began.
func (s Slow) wait(rq *request) {
	share := s[rq.mode.Name]
	if share == 0 {
		return
	}
	const exact = time.Millisecond // of the end, that a timer is not trusted with
	took := time.Since(rq.start)
	end := rq.start.Add(took + time.Duration(share*float64(took)))
	if left := time.Until(end); left > exact {
		_ = housing.Pause(rq.ctx, left-exact) // a client that is gone ends it
	}
	for rq.ctx.Err() == nil && time.Now().Before(end) {
		runtime.Gosched() // who has work goes first
	}
}
