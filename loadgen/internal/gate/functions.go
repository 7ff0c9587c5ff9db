package gate

import "slices"

// Units of a figure, as a Figures implementation names them.
const (
	number    = ""
	millis    = "ms"
	perSecond = "/s"
)

// Function is a figure that gates can ask for.
type Function struct {
	Name string
	Unit string // "ms", "/s", or empty for a plain number
	Doc  string // one line
}

// Functions lists what gates can ask for. Each takes up to two names: name(), name("mode"), name("mode", "phase"). What is left out, or
// said as "*", is taken over all that is not warm-up. Figures are over all rounds, unless it says otherwise.
func Functions() []Function {
	var fs []Function
	for _, clock := range []struct{ prefix, of string }{
		{"", "response time, from when a request was due to when it was done"},
		{"service_", "service time, from when a request was sent to when it was done"},
		{"lag_", "send lag, from when a request was due to when it was sent"},
	} {
		for _, s := range []struct{ name, doc string }{
			{"p50", "median of the "}, {"p90", "90th percentile of the "}, {"p95", "95th percentile of the "},
			{"p99", "99th percentile of the "}, {"mean", "mean "}, {"max", "greatest "},
		} {
			fs = append(fs, Function{Name: clock.prefix + s.name, Unit: millis, Doc: s.doc + clock.of})
		}
	}
	return append(fs,
		Function{"rate", perSecond, "completed requests a second"},
		Function{"requests", number, "scheduled requests"},
		Function{"completed", number, "completed requests"},
		Function{"errors", number, "requests that failed in any way, or were never sent"},
		Function{"error_ratio", number, "errors over requests, from 0 to 1"},
		Function{"sql", number, "SQL queries per request"},
		Function{"redis", number, "Redis commands per request"},
		Function{"recomputes", number, "pages recomputed in a round: the mean over the rounds"},
		Function{"recomputes_per_expiry", number, "recomputes over the pages that were found expired"},
		Function{"hit_ratio", number, "responses served from the cache, from 0 to 1"},
		Function{"stale_max", millis, "longest time after a change was committed that a read was sent and still got the version before it"},
		Function{"stale_ratio", number, "reads that got an old version, from 0 to 1"},
	)
}

func functionNames() []string {
	var names []string
	for _, f := range Functions() {
		names = append(names, f.Name)
	}
	return names
}

// unitOf returns the unit of a figure, and whether there is such a figure.
func unitOf(name string) (string, bool) {
	fs := Functions()
	i := slices.IndexFunc(fs, func(f Function) bool { return f.Name == name })
	if i < 0 {
		return "", false
	}
	return fs[i].Unit, true
}

// constants are the units that a gate can say, in milliseconds.
func constants() map[string]float64 { return map[string]float64{"us": 1e-3, "ms": 1, "s": 1e3} }
