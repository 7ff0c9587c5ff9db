package progress_test

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/progress"
	"loadlab/loadgen/internal/tty/screentest"
)

var (
	expiry = progress.Heading{Round: 1, Rounds: 3, Mode: "singleflight", Name: "expiry", For: 3 * time.Second}
	burst  = progress.Heading{Round: 12, Rounds: 1000, Mode: "mix", Name: "burst", Requests: 50}
	long   = progress.Heading{Round: 2, Rounds: 3, Mode: strings.Repeat("m", 40), Name: strings.Repeat("p", 40), For: time.Second}

	quick = progress.Figures{Elapsed: 1500 * time.Millisecond, Requests: 375, P50: 850 * time.Microsecond, P95: 12300 * time.Microsecond, P99: 1250 * time.Millisecond}
	slow  = progress.Figures{Elapsed: 2 * time.Second, Requests: 25, Errors: 1, P50: 999 * time.Millisecond, P95: 59 * time.Second, P99: time.Minute}
	none  = progress.Figures{}
	worst = progress.Figures{
		Elapsed: time.Second, Requests: 99_999, Errors: 12_345, P50: 123 * time.Millisecond, P95: 123 * time.Millisecond, P99: 123 * time.Millisecond,
	}
)

func TestLines(t *testing.T) {
	var b bytes.Buffer
	l := progress.Lines{W: &b}
	for _, x := range []struct {
		phase progress.Heading
		live  progress.Figures
	}{{expiry, quick}, {burst, slow}, {long, worst}, {burst, none}} {
		end := l.Begin(x.phase, func() progress.Figures {
			t.Error("lines ask for figures while a phase runs")
			return none
		})
		end(x.live)
	}
	want := `round 1/3  singleflight   expiry         250/s  p50  850 µs  p95 12.3 ms  p99  1.25 s  no errors
round 12/1000  mix            burst           12/s  p50  999 ms  p95  59.0 s  p99≥ 60.0 s  1 error
round 2/3  ` + long.Mode + " " + long.Name + `   99999/s  p50  123 ms  p95  123 ms  p99  123 ms  12345 errors
round 12/1000  mix            burst            0/s  p50       –  p95       –  p99       –  no errors
`
	if got := b.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// A phase is seen while it runs, as far as it has come and with its figures, and leaves a line behind.
func TestBars(t *testing.T) {
	now := quick
	drawn, last := draw(t, 120, expiry, &now, func() { now.Elapsed, now.Requests = 2250*time.Millisecond, 450 })
	want := []string{
		"round 1/3  singleflight   expiry     ━━━━━━┄┄┄┄┄┄    250/s  p50  850 µs  p95 12.3 ms  p99  1.25 s  no errors",
		"round 1/3  singleflight   expiry     ━━━━━━━━━┄┄┄    200/s  p50  850 µs  p95 12.3 ms  p99  1.25 s  no errors",
	}
	for _, w := range want {
		if !slices.Contains(drawn, w) {
			t.Errorf("not drawn: %q\namong %q", w, drawn)
		}
	}
	if w := "round 1/3  singleflight   expiry         200/s  p50  850 µs  p95 12.3 ms  p99  1.25 s  no errors"; last != w {
		t.Errorf("left behind: %q, want %q", last, w)
	}

	now = slow
	drawn, last = draw(t, 80, expiry, &now, func() { now.Elapsed, now.Requests = 2950*time.Millisecond, 59 })
	for _, w := range []string{
		"1/3 singleflight expiry    66%    12/s p50  999ms p95  59.0s p99≥ 60.0s   1 err",
		"1/3 singleflight expiry    98%    20/s p50  999ms p95  59.0s p99≥ 60.0s   1 err",
	} {
		if !slices.Contains(drawn, w) {
			t.Errorf("not drawn: %q\namong %q", w, drawn)
		}
	}
	if w := "1/3 singleflight expiry       20/s p50  999ms p95  59.0s p99≥ 60.0s   1 err"; last != w {
		t.Errorf("left behind: %q, want %q", last, w)
	}

	now = progress.Figures{Elapsed: time.Second, Requests: 10}
	drawn, _ = draw(t, 80, burst, &now, func() { now.Requests = 50 })
	if w := "20% "; !strings.Contains(drawn[0], w) {
		t.Errorf("after 10 of 50 requests: %q, want %s", drawn[0], w)
	}
}

// modes are two modes after so many seconds.
func modes(second int, p99 time.Duration) []progress.Mode {
	return []progress.Mode{{Name: "ttl", P99: p99, Second: second, Latest: p99}, {Name: strings.Repeat("long", 9), P99: p99, Second: second, Latest: 2 * p99}}
}

// Nothing that is drawn is as wide as the terminal: it would wrap, and what wraps is not drawn over. In 80 columns the figures are all there, whatever the names are.
func TestBarsNeverWrap(t *testing.T) {
	for _, width := range []int{20, 60, 80, 100, 113, 114, 120, 200} {
		for _, phase := range []progress.Heading{expiry, burst, long} {
			for _, live := range []progress.Figures{none, quick, slow, worst} {
				phase.Last, live.Modes = true, modes(1, 123*time.Millisecond)
				drawn, last := draw(t, width, phase, &live, func() {})
				if len(drawn) < 2 {
					t.Errorf("%d columns: drawn %q", width, drawn)
				}
				for _, line := range append(drawn, last) {
					if uniseg.StringWidth(line) >= width {
						t.Errorf("%d columns, %d of them used: %q", width, uniseg.StringWidth(line), line)
					}
				}
				for _, part := range []string{fmt.Sprintf("%d/%d", phase.Round, phase.Rounds), "/s", "p50", "p95", "p99", "err"} {
					if width >= 80 && (!strings.Contains(drawn[0], part) || !strings.Contains(last, part)) {
						t.Errorf("%d columns: no %s in %q or %q", width, part, drawn[0], last)
					}
				}
			}
		}
	}
}

// Of two phases, nothing but their lines is left, in whatever colours and whatever the terminal's size becomes.
func TestNothingIsLeftBehind(t *testing.T) {
	for _, colors := range []bool{false, true} {
		s := screentest.New(120)
		synctest.Test(t, func(*testing.T) {
			b := &progress.Bars{W: s, Size: s.Size, Colors: colors}
			for i, h := range []progress.Heading{expiry, burst} {
				h.Ahead = []progress.Ahead{{Name: "burst"}}
				end := b.Begin(h, func() progress.Figures {
					f := quick
					f.Modes = modes(i+1, 85*time.Millisecond)
					return f
				})
				time.Sleep(700 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
				synctest.Wait()
				s.Resize(map[int]int{0: 70, 1: 130}[i])
				time.Sleep(700 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
				synctest.Wait()
				if text := s.Text(); !strings.Contains(text, "run  ") || !strings.Contains(text, "p99  ttl") || !strings.Contains(text, "85.0 ms") {
					t.Errorf("neither the run nor the modes are drawn:\n%s", text)
				}
				end(quick)
			}
		})
		var left []string
		for row := range strings.SplitSeq(s.Text(), "\n") {
			if row != "" {
				left = append(left, row)
			}
		}
		if len(left) != 2 || !strings.HasPrefix(left[0], "1/3 singleflight") || !strings.HasPrefix(left[1], "round 12/1000  mix") {
			t.Errorf("left behind (colours %t):\n%s", colors, strings.Join(left, "\n"))
		}
		if s.Coloured() != colors {
			t.Errorf("colours: %t, want %t", s.Coloured(), colors)
		}
	}
}

// The time that is left is that of the phases to come, and of what went by between those before.
func TestTimeLeft(t *testing.T) {
	s := screentest.New(80)
	synctest.Test(t, func(*testing.T) {
		b := &progress.Bars{W: s, Size: s.Size}
		run := func(h progress.Heading, took time.Duration, want string) {
			t.Helper()
			begun := time.Now()
			figures := func() progress.Figures { return progress.Figures{Elapsed: time.Since(begun)} }
			end := b.Begin(h, figures)
			time.Sleep(took) //nolint:forbidigo // of the bubble's clock
			synctest.Wait()
			if text := s.Text(); !strings.Contains(text, want) {
				t.Errorf("%s: want %q in\n%s", h.Name, want, text)
			}
			end(figures())
		}
		steady := progress.Heading{Name: "steady", For: 10 * time.Second, Ahead: []progress.Ahead{{Name: "some"}, {Name: "steady", For: 10 * time.Second}, {Name: "some"}}}
		run(steady, 4*time.Second+time.Millisecond, "20%  about 16s left") // nothing is known of some
		time.Sleep(2 * time.Second)                                        //nolint:forbidigo // of the bubble's clock
		some := progress.Heading{Name: "some", Requests: 5, Ahead: steady.Ahead[1:]}
		run(some, 3*time.Second+time.Millisecond, "about 14s left")
		last := progress.Heading{Name: "some", Requests: 5, Last: true}
		run(last, time.Second+time.Millisecond, "about 2s left")
		run(progress.Heading{Name: "auto"}, time.Second+time.Millisecond, "run  11s so far")
	})
}

// draw shows a phase for 1.2 s of virtual time, halfway through which change is called, and returns what was drawn and what was left
// behind, without what moves the cursor.
func draw(t *testing.T, width int, phase progress.Heading, live *progress.Figures, change func()) (drawn []string, last string) {
	t.Helper()
	var b bytes.Buffer
	synctest.Test(t, func(*testing.T) {
		var shown atomic.Value // bars read it in goroutines of their own
		shown.Store(*live)
		bars := &progress.Bars{W: &b, Size: func() (int, int) { return width, 24 }}
		end := bars.Begin(phase, func() progress.Figures { return shown.Load().(progress.Figures) })
		time.Sleep(600 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
		change()
		shown.Store(*live)
		time.Sleep(600 * time.Millisecond) //nolint:forbidigo // of the bubble's clock
		end(*live)
	})
	text := regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]|\r`).ReplaceAllString(b.String(), "")
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\n"); line != "" {
			drawn = append(drawn, line)
		}
	}
	if len(drawn) == 0 {
		t.Fatal("nothing was drawn")
	}
	return drawn[:len(drawn)-1], drawn[len(drawn)-1]
}
