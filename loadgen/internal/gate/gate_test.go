package gate_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"loadlab/loadgen/internal/figure"
	"loadlab/loadgen/internal/gate"
)

var scope = gate.Scope{
	Modes: []string{"ttl", "singleflight", "naive"},
	Phases: []gate.PhaseScope{
		{Name: "prime", Warmup: true},
		{Name: "warm"},
		{Name: "expiry"},
		{Name: "mixed", Modes: []string{"ttl", "naive"}},
	},
}

// table answers from a map of "name(mode,phase)".
type table map[string]float64

var errNoSamples = errors.New("no samples")

func (t table) Value(name, mode, phase string) (float64, string, error) {
	v, ok := t[fmt.Sprintf("%s(%s,%s)", name, mode, phase)]
	if !ok {
		return 0, "", errNoSamples
	}
	return v, "", nil
}

var measured = table{
	"p99(ttl,expiry)":           240,
	"p99(singleflight,expiry)":  12.125,
	"p95(ttl,warm)":             0.34,
	"p95(,)":                    12.0499,
	"mean(,warm)":               1500,
	"errors(,)":                 0,
	"errors(ttl,)":              3,
	"errors[500](ttl,warm)":     2,
	"error_ratio[5xx](,)":       0.25,
	"errors[timeout](,)":        0,
	"recomputes(ttl,expiry)":    41.666666666666664,
	"sql(naive,)":               62,
	"hit_ratio(ttl,warm)":       0.9983,
	"rate(ttl,warm)":            199.72,
	"requests(,)":               1234567,
	"stale_max(ttl,)":           math.NaN(),
	"max(,)":                    math.Inf(1),
	"recomputes(naive,expiry)":  0,
	"error_ratio(naive,expiry)": 0.00001234,
	"p50(ttl,)":                 0.1 * 3,
}

func TestJudge(t *testing.T) {
	tests := []struct {
		src     string
		verdict gate.Verdict
		want    string
	}{
		{`p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`, gate.Pass,
			"p99(singleflight, expiry) is 12.1 ms, at most 0.5 * p99(ttl, expiry) = 120 ms"},
		{`p95("ttl", "warm") <= 10*ms`, gate.Pass, "p95(ttl, warm) is 340 µs, at most 10 ms"},
		{`p95("ttl", "warm") <= 10ms`, gate.Pass, "p95(ttl, warm) is 340 µs, at most 10 ms"},
		{`1.5s > p95("ttl", "warm") and p95('ttl', "warm") > 250us`, gate.Pass, "p95(ttl, warm) is 340 µs, less than 1.5 s; p95(ttl, warm) is 340 µs, more than 250 µs"},
		{`p95("ttl", "warm") / 10ms < 1/10`, gate.Pass, "p95(ttl, warm) / (10 * ms) is 0.034, less than 0.1"},
		{`p95("ttl", "warm") <= 10*us`, gate.Fail, "p95(ttl, warm) is 340 µs, more than 10 µs"},
		{`p95("ttl", "warm") <= 10`, gate.Pass, "p95(ttl, warm) is 340 µs, at most 10 ms"},
		{`mean("*", "warm") < 1.5*s`, gate.Fail, "mean(*, warm) is 1.5 s, not less than 1.5 s"},
		{`p95() < 12.04*ms`, gate.Fail, "p95() is 12.05 ms, not less than 12.04 ms"},
		{`p95("*", "*") > 2 and errors() == 0`, gate.Pass, "p95(*, *) is 12 ms, more than 2 ms; errors() is 0"},
		{`errors() == 0 or errors("ttl") == 0`, gate.Pass, "errors() is 0; errors(ttl) is 3, not 0"},
		{`errors("ttl", "warm", "500") == 0`, gate.Fail, "errors(ttl, warm, 500) is 2, not 0"},
		{`error_ratio("*", "*", "5xx") <= 0.3 and errors("*", "*", "timeout") == 0`, gate.Pass, "error_ratio(*, *, 5xx) is 0.25, at most 0.3; errors(*, *, timeout) is 0"},
		{`errors("ttl") == 0 and errors() == 0`, gate.Fail, "errors(ttl) is 3, not 0; errors() is 0"},
		{`not (errors("ttl") == 0)`, gate.Pass, "errors(ttl) is 3, not 0"},
		{`p99("ttl", "expiry") / p99("singleflight", "expiry") >= 20`, gate.Fail,
			"p99(ttl, expiry) / p99(singleflight, expiry) is 19.8, less than 20 (p99(ttl, expiry) = 240 ms, p99(singleflight, expiry) = 12.1 ms)"},
		{`-errors("ttl") + 1 == -2`, gate.Pass, "-errors(ttl) + 1 is -2"},
		{`recomputes("ttl", "expiry") >= 10`, gate.Pass, "recomputes(ttl, expiry) is 41.7, at least 10"},
		{`sql("naive") == 62`, gate.Pass, "sql(naive) is 62"},
		{`sql("naive") != 62`, gate.Fail, "sql(naive) is 62"},
		{`errors() == errors("*", "*", "timeout")`, gate.Pass, "errors() is 0, equal to errors(*, *, timeout) = 0"},
		{`errors() != errors("*", "*", "timeout")`, gate.Fail, "errors() is 0, equal to errors(*, *, timeout) = 0"},
		{`62 <= sql("naive")`, gate.Pass, "sql(naive) is 62, at least 62"},
		{`hit_ratio("ttl", "warm") > 0.9`, gate.Pass, "hit_ratio(ttl, warm) is 0.998, more than 0.9"},
		{`hit_ratio("ttl", "warm") > 0.9984`, gate.Fail, "hit_ratio(ttl, warm) is 0.9983, not more than 0.9984"},
		{`rate("ttl", "warm") >= 195`, gate.Pass, "rate(ttl, warm) is 200/s, at least 195/s"},
		{`requests() > 1000000`, gate.Pass, "requests() is 1234567, more than 1000000"},
		{`error_ratio("naive", "expiry") < 0.01`, gate.Pass, "error_ratio(naive, expiry) is 1.23e-05, less than 0.01"},
		{`p50("ttl") == 0.3*ms`, gate.Pass, "p50(ttl) is 300 µs"}, // 0.30000000000000004 in binary
		{`p50("ttl") > 0.3*ms`, gate.Fail, "p50(ttl) is 300 µs, not more than 300 µs"},
		{`errors() <= 9223372036854775807 * 2`, gate.Pass, "errors() is 0, at most 1.84e+19"},
	}
	for _, tt := range tests {
		g, err := gate.Compile(tt.src, 7, scope)
		if err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		got := g.Judge(measured, gate.Rounds{})
		if want := (gate.Result{Verdict: tt.verdict, Compared: tt.want}); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", tt.src, got, want)
		}
		if g.Expr != tt.src || g.Line != 7 {
			t.Errorf("gate is %q of line %d, want %q of line 7", g.Expr, g.Line, tt.src)
		}
	}
}

// A gate that cannot be compared fails with a reason: k6 passes one that saw no sample.
func TestJudgeWithoutFigures(t *testing.T) {
	tests := []struct{ src, compared, reason string }{
		{`p99("naive", "warm") <= 10*ms`, "", "p99(naive, warm) cannot be told: no samples"},
		{`errors() == 0 or p99("naive") <= 10*ms`, "errors() is 0", "p99(naive) cannot be told: no samples"},
		{`not (redis("ttl") > 3)`, "", "redis(ttl) cannot be told: no samples"},
		{`stale_max("ttl") <= 2*s`, "", "stale_max(ttl) is not a finite number"},
		{`not (stale_max("ttl") > 2*s)`, "", "stale_max(ttl) is not a finite number"},
		{`max() > 1`, "", "max() is not a finite number"},
		{`recomputes("ttl", "expiry") / recomputes("naive", "expiry") >= 10`,
			"recomputes(ttl, expiry) / recomputes(naive, expiry) is not a number (recomputes(ttl, expiry) = 41.7, recomputes(naive, expiry) = 0)",
			"recomputes(ttl, expiry) / recomputes(naive, expiry) is not a finite number"},
	}
	for _, tt := range tests {
		g, err := gate.Compile(tt.src, 1, scope)
		if err != nil {
			t.Errorf("%s: %v", tt.src, err)
			continue
		}
		got := g.Judge(measured, gate.Rounds{})
		if want := (gate.Result{Verdict: gate.Fail, Compared: tt.compared, Reason: tt.reason}); got != want {
			t.Errorf("%s\n got %+v\nwant %+v", tt.src, got, want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct {
		src  string
		want string // one line an error: column and message
	}{
		{`p98("ttl") < 1`, `column 1: unknown function "p98", did you mean "p90"? (allowed: ` + strings.Join(figure.Names(), ", ") + `)`},
		{`p99("tll") < 1`, `column 5: unknown mode "tll", did you mean "ttl"? (allowed: ttl, singleflight, naive)`},
		{`p99("ttl", "expire") < 1`, `column 12: unknown phase "expire", did you mean "expiry"? (allowed: warm, expiry, mixed)`},
		{`p99("tll") < p99("ttl", "worm")`, `column 5: unknown mode "tll", did you mean "ttl"? (allowed: ttl, singleflight, naive)` + "\n" +
			`column 25: unknown phase "worm", did you mean "warm"? (allowed: warm, expiry, mixed)`},
		{`p99("ttl", "prime") < 1`, `column 12: phase "prime" is warm-up, which has no figures`},
		{`p99("singleflight", "mixed") < 1`, `column 1: mode "singleflight" takes no part in phase "mixed" (in it: ttl, naive)`},
		{`p99(ttl) < 1`, `column 5: p99 takes names in quotes, as in p99("mode", "phase")`},
		{`errors("ttl", "warm", "5x") == 0`, `column 23: unknown status or kind of failure "5x", did you mean "5xx"? (allowed: 500, 5xx, refused, reset, timeout, truncated, bad response, status, check, generator limit, unsent)`},
		{`errors("ttl", "warm", 500) == 0`, `column 23: errors takes a status or a kind of failure in quotes, as in errors("*", "*", "500")`},
		{`p99("ttl", "warm", "500") < 1`, `column 1: p99 takes a mode and a phase, got 3 arguments`},
		{`errors("ttl", "warm", "500", "x") < 1`, `column 1: errors takes a mode and a phase, got 4 arguments`},
		{`p99("ttl", "warm", 1) < 1`, `column 1: p99 takes a mode and a phase, got 3 arguments`},
		{`p99`, `column 1: p99 is a function: write p99() or p99("mode", "phase")`},
		{`p99() < 10*msec`, `column 12: unknown unit "msec" (allowed: us, ms, s)`},
		{`p99() < 10msec`, `column 11: unknown unit "msec" (allowed: us, ms, s)`},
		{`p99() < 100ms and p99`, `column 19: p99 is a function: write p99() or p99("mode", "phase")`},
		{`100ms < p99() and`, `column 17: unexpected token EOF`},
		{`p99() < 5min`, `column 10: unknown unit "min" (allowed: us, ms, s)`},
		{`p99() < 10 ms`, `column 12: a unit stands right behind its number: 10ms`},
		{`p99()`, `column 1: a gate must be true or false: compare it with something, as in p95() <= 10ms`},
		{`1 < 2`, `column 3: < compares constants: it would hold whatever was measured`},
		{`errors() == 0 or 1*ms > 2*us`, `column 23: > compares constants: it would hold whatever was measured`},
		{`true`, `column 1: gates have figures, numbers, the units us, ms, s, + - * /, comparisons, and, or, not; nothing else`},
		{`p99() < sql()`, `column 7: < between a time and a plain number`},
		{`p99() < rate()`, `column 7: < between a time and a rate`},
		{`errors() == 0*ms`, `column 10: == between a plain number and a time`},
		{`p99() + sql() < 3`, `column 7: + between a time and a plain number`},
		{`1 < p99() < 3`, `column 11: one comparison at a time: a < b < c is written a < b and b < c`},
		{`1 < 2*p99() < 3`, `column 13: one comparison at a time: a < b < c is written a < b and b < c`},
		{`1 < p99() < 3 < 4`, `column 15: one comparison at a time: a < b < c is written a < b and b < c`},
		{`p99() and errors() == 0`, `column 7: and needs a comparison on both sides`},
		{`(p99() < 1) < 2`, `column 13: < needs a number on both sides`},
		{`not p99()`, `column 1: not needs a comparison`},
		{`-(p99() < 1) == 0`, `column 1: - needs a number`},
		{`errors() % 2 == 0`, `column 10: unknown operator % (allowed: + - * / == != < <= > >= and or not)`},
		{`"ttl" == "ttl"`, `column 1: text "ttl" outside of a function: the names of modes and phases go into the brackets of a figure` + "\n" +
			`column 10: text "ttl" outside of a function: the names of modes and phases go into the brackets of a figure`},
		{`figure(0) < 1`, `column 1: unknown function "figure" (allowed: `},
		{`p99() < 1 ? true : false`, `column 24: gates have figures, numbers, the units us, ms, s, + - * /, comparisons, and, or, not; nothing else`},
		{`filter([1], # > 1)`, `column 1: gates have figures, `},
		{`let x = p99(); x < 1`, `column 5: gates have figures, `},
		{`errors( == 0`, `column 9: unexpected token Operator("==")`},
		{`errors() = 0`, `column 10: = is no comparison: equality is written ==`},
		{`error_ratio() < 1%`, `column 17: % is no unit: 1% is written 0.01`},
		{`error_ratio() < 5 % and errors() == 0`, `column 17: % is no unit: 1% is written 0.01`},
		{``, `column 1: unexpected token EOF`},
		{strings.Repeat("-", 5000), `column 1: a gate is UTF-8 text of at most 4096 bytes`},
		{"errors() == \xff", `column 1: a gate is UTF-8 text of at most 4096 bytes`},
	}
	for _, tt := range tests {
		_, err := gate.Compile(tt.src, 1, scope)
		if err == nil {
			t.Errorf("%s compiled, want %s", tt.src, tt.want)
			continue
		}
		if !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s\n got %s\nwant %s", tt.src, err, tt.want)
		}
		if es := (gate.Errors{}); !errors.As(err, &es) {
			t.Errorf("%s: error of type %T", tt.src, err)
		}
	}
}

// Every function that is offered compiles with none, one and two names, and has a line of documentation.
func TestFunctions(t *testing.T) {
	for _, f := range figure.Table() {
		for _, args := range []string{``, `"ttl"`, `"ttl", "warm"`, `"*", "warm"`} {
			if _, err := gate.Compile(f.Name+"("+args+") >= 0", 1, scope); err != nil {
				t.Errorf("%s(%s): %v", f.Name, args, err)
			}
		}
		if f.Doc == "" || strings.Contains(f.Doc, "\n") {
			t.Errorf("%s is documented by %q, want one line", f.Name, f.Doc)
		}
	}
}

func TestJudgeConcurrently(t *testing.T) {
	g, err := gate.Compile(`recomputes("ttl", "expiry") >= 10 and errors() == 0`, 1, scope)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			want := gate.Pass
			if i%2 == 1 {
				want = gate.Fail
			}
			for range 50 {
				figures := table{"recomputes(ttl,expiry)": float64(20 - 15*(i%2)), "errors(,)": 0}
				if got := g.Judge(figures, gate.Rounds{}).Verdict; got != want {
					t.Errorf("goroutine %d: %s, want %s", i, got, want)
				}
			}
		})
	}
	wg.Wait()
}

// Whatever is written in a gate, it is refused with a position inside of it, or it can be judged.
func FuzzCompile(f *testing.F) {
	for _, s := range []string{
		`p99("singleflight", "expiry") <= 0.5 * p99("ttl", "expiry")`, `errors() == 0 or not (sql("ttl") > 1.5e3)`, `1 < p99() < 3`,
		`-(max("*", "warm")) / rate() != 0x10`, `p99("ttl" < "`, `filter([1], # > 1)`, `{"a": 1}.b ?? c`, `a|b`, "ü\n<", `((((`, `p99() < 1.5s`, `1_0ms`, `0xg`, `1e`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		g, err := gate.Compile(src, 1, scope)
		if err == nil {
			if r := g.Judge(measured, gate.Rounds{}); r.Verdict == gate.Pass && (r.Reason != "" || r.Compared == "") {
				t.Errorf("%q: %+v", src, r)
			}
			return
		}
		es := gate.Errors{}
		if !errors.As(err, &es) || len(es) == 0 {
			t.Fatalf("%q: %T %v", src, err, err)
		}
		for _, e := range es {
			if e.Msg == "" || e.Offset < 0 || e.Offset > len(src) {
				t.Errorf("%q: %+v", src, e)
			}
		}
	})
}
