package api

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Knob is one setting of the app. Its values are text, in the notation of its kind.
type Knob struct {
	Name        string // in /lab/config, in a scenario and in reports: lock_ttl
	Kind        Kind
	Default     string // as Parse returns it
	Least, Most string // the bounds, both inclusive; a boolean has none
	Scenario    bool   // a key of a scenario's app section
	RunTime     bool   // can be changed while the app runs
	Doc         string // one line
}

// Knobs returns the table of all knobs. Flags, environment variables, the help text, scenario keys, GET and PUT /lab/config and the head
// of a report are walks over it: a new knob is a line here, and a Config accessor where its value is used.
func Knobs() []Knob {
	return []Knob{
		// name, kind, default, least, most, scenario, run time, doc
		{"properties", KindCount, "5000", "1", "50000000", true, false, "rows that the database is seeded with"},
		{"ttl", KindDuration, "1m0s", "1ms", "24h", true, true, "how long a cached page is fresh"},
		{"ttl_jitter", KindNumber, "0", "0", "1", true, true, "share of ttl by which a page's own may be shorter, drawn anew for each"},
		{"grace", KindDuration, "1m0s", "0s", "24h", true, true, "how long after that swr, lease and failsafe may serve it while it is refreshed"},
		{"lock_ttl", KindDuration, "5s", "1ms", "24h", true, true, "how long a recompute may hold its lock (a lease is extended), and others wait for it"},
		{"beta", KindNumber, "1", "0.001", "1000", true, true, "eagerness of early recomputation (XFetch); above 1 is earlier"},
		{"redis_budget", KindDuration, "250ms", "1ms", "24h", true, true, "all the time that Redis may cost one request"},
		{"breaker_failures", KindCount, "3", "0", "1000", true, true, "calls to Redis that must fail in a row for requests to do without it until it answers; 0: never"},
		{"l1_over", "ttl|lock|lease|swr", "lease", "", "", true, true, "the strategy that serves what l1 does not have"},
		{"l1_bytes", KindCount, "67108864", "65536", "68719476736", true, true, "memory that the pages of l1 may take in each process"},
		{"failsafe_over", "lock|lease|swr", "lock", "", "", true, true, "the strategy by which failsafe decides who recomputes a page"},
		{"soft_timeout", KindDuration, "250ms", "1ms", "24h", true, true, "how long a request of failsafe that has an old page waits for a new one"},
		{"failsafe_throttle", KindDuration, "1s", "1ms", "24h", true, true, "how long after a failed recompute of a page failsafe tries no other"},
		{"negative_ttl", KindDuration, "5s", "1ms", "24h", true, true, "how long negative remembers that something does not exist"},
		{"index", KindBoolean, "false", "", "", true, false, "index properties by (created_at DESC, id DESC)"},
		{"db_conns", KindCount, "20", "1", "65535", true, false, "connections in the database pool"},
		{"sqlite_rtt", KindDuration, "0s", "0s", "10s", true, true, "SQLite has no wire, so the driver waits that long for each statement: a simulated distance"},
		{"sqlite_jitter", KindDuration, "0s", "0s", "10s", true, true, "the most that is added to each of the two directions of sqlite_rtt"},
		{"db_timeout", KindDuration, "10s", "1ms", "24h", false, false, "the longest that a query may take"},
		{"compute_timeout", KindDuration, "30s", "1ms", "24h", false, false, "the longest that a recompute may take"},
		{"lame_duck", KindDuration, "0s", "0s", "1m", true, false, "how long after SIGTERM it serves on, not ready, so that balancers notice"},
		{"drain", KindDuration, "10s", "0s", "24h", false, false, "how long requests that run at SIGTERM may take to end"},
	}
}

// KnobNamed returns the knob of that name, and whether there is one.
func KnobNamed(name string) (Knob, bool) {
	for _, k := range Knobs() {
		if k.Name == name {
			return k, true
		}
	}
	return Knob{}, false
}

// Flag returns the knob's command-line flag, without dashes before it: lock-ttl.
func (k Knob) Flag() string { return strings.ReplaceAll(k.Name, "_", "-") }

// Env returns the knob's environment variable: LOADLAB_LOCK_TTL.
func (k Knob) Env() string { return EnvName(k.Flag()) }

// EnvPrefix begins the names of the app's environment variables.
const EnvPrefix = "LOADLAB_"

// EnvName returns the environment variable of a flag of the app, which may be one that is no knob: LOADLAB_REDIS_URL of redis-url.
func EnvName(flag string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// Bounds returns the knob's bounds: in nanoseconds for a duration, 0 and 1 for a boolean, places in the list for a choice.
func (k Knob) Bounds() (least, most float64) {
	if k.Kind == KindBoolean {
		return 0, 1
	}
	if choices := k.Kind.Choices(); choices != nil {
		return 0, float64(len(choices) - 1)
	}
	return k.Kind.mustParse(k.Least), k.Kind.mustParse(k.Most)
}

// Parse returns text as the app writes that value: 60s as 1m0s. If text is no value of the knob, or out of its bounds, the error has
// what would be one. It begins with subject, which is the knob as it was set: --lock-ttl, LOADLAB_LOCK_TTL, lock_ttl.
func (k Knob) Parse(subject, text string) (string, error) {
	v, err := k.Kind.parse(text)
	if err != nil {
		return "", fmt.Errorf("%s wants %s, got %q", subject, k.Kind.wants(), text)
	}
	if least, most := k.Bounds(); !(v >= least && v <= most) { // NaN is in no bounds
		return "", fmt.Errorf("%s must be from %s to %s, got %s", subject, k.Least, k.Most, text)
	}
	return k.Kind.format(v), nil
}

// Kind is what the values of a knob are. Its own text is the word for them in the help text. A kind that is none of the constants is a
// choice: its values are the words between its bars, lock|lease|swr, and its knob has no bounds.
type Kind string

// Kinds of knobs.
const (
	KindDuration Kind = "duration" // in Go's notation: 2s, 250ms
	KindCount    Kind = "count"    // a whole number
	KindNumber   Kind = "number"
	KindBoolean  Kind = "boolean" // true or false
)

// Choices returns the values of a choice, and nil for another kind.
func (k Kind) Choices() []string {
	if !strings.Contains(string(k), "|") {
		return nil
	}
	return strings.Split(string(k), "|")
}

// wants returns what a text must be to be a value.
func (k Kind) wants() string {
	switch k {
	case KindDuration:
		return "a duration such as 6s or 500ms"
	case KindCount:
		return "a whole number"
	case KindBoolean:
		return "true or false"
	case KindNumber:
		return "a number"
	default:
		return "one of " + strings.Join(k.Choices(), ", ")
	}
}

// errChoice is that a text is none of a choice's values.
var errChoice = errors.New("not one of the choices")

// parse reads a value: nanoseconds of a duration, 0 or 1 for a boolean, the place in the list of a choice.
func (k Kind) parse(text string) (float64, error) {
	switch k {
	case KindDuration:
		d, err := time.ParseDuration(text)
		return float64(d), err
	case KindCount:
		n, err := strconv.Atoi(text)
		return float64(n), err
	case KindBoolean:
		b, err := strconv.ParseBool(text)
		if !b {
			return 0, err
		}
		return 1, nil
	case KindNumber:
		return strconv.ParseFloat(text, 64)
	default:
		i := slices.Index(k.Choices(), text)
		if i < 0 {
			return 0, errChoice
		}
		return float64(i), nil
	}
}

// mustParse is parse for text of the table, or that Parse has returned.
func (k Kind) mustParse(text string) float64 {
	v, err := k.parse(text)
	if err != nil {
		panic(fmt.Sprintf("api: not a %s: %v", k, err))
	}
	return v
}

// format is the inverse of parse.
func (k Kind) format(v float64) string {
	switch k {
	case KindDuration:
		return time.Duration(v).String()
	case KindCount:
		return strconv.Itoa(int(v))
	case KindBoolean:
		return strconv.FormatBool(v != 0)
	case KindNumber:
		return strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return k.Choices()[int(v)]
	}
}
