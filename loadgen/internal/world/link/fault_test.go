package link_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/world/link"
)

func TestFaultsThatMakeNoSense(t *testing.T) {
	for want, f := range map[string]link.Fault{
		`there is no fault "": there are refuse, hang, slow, cut, half-open`: {},
		"share 1.5 must be above 0":           {Kind: "cut", Share: 1.5},
		"share NaN must be above 0":           {Kind: "cut", Share: math.NaN()},
		"give it a delay, or a jitter":        {Kind: "slow"},
		"hang takes neither delay nor jitter": {Kind: "hang", Delay: time.Second},
		"must be from 0 to 10s":               {Kind: "slow", Delay: time.Minute},
	} {
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: got %v, want %q", f, err, want)
		}
	}
}

// What a fault and a wire are in JSON, and what is refused there.
func TestJSON(t *testing.T) {
	for text, want := range map[string]any{
		`{"kind":"slow","share":0.5,"delay":"200ms","jitter":"20ms"}`: &link.Fault{Kind: "slow", Share: 0.5, Delay: 200 * time.Millisecond, Jitter: 20 * time.Millisecond},
		`{"kind":"cut"}`: &link.Fault{Kind: "cut"},
		`{"rtt":"1ms","jitter":"0s","bandwidth":1000}`: &link.Wire{RTT: time.Millisecond, Bandwidth: 1000},
	} {
		if got, err := json.Marshal(want); err != nil || string(got) != text {
			t.Errorf("got %s, %v; want %s", got, err, text)
		}
	}
	for text, want := range map[string]string{
		`{"kind":"cut","share":0}`:  "share 0 strikes nothing",
		`{"kind":"cut","until":1}`:  `unknown field "until"`,
		`{"kind":"slow","delay":5}`: "cannot unmarshal number",
		`[]`:                        "it is not a JSON object",
		`null`:                      "it is not a JSON object",
	} {
		if err := json.Unmarshal([]byte(text), &link.Fault{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzFault(f *testing.F) {
	for _, seed := range []string{`{"kind":"slow","share":0.5,"delay":"200ms","jitter":"20ms"}`, `{"kind":"cut","share":0}`, `{}`, `null`, `{"kind":"hang"} x`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { again[link.Fault](t, data) })
}

func FuzzWire(f *testing.F) {
	for _, seed := range []string{`{"rtt":"1ms","jitter":"20ms","bandwidth":5}`, `{"rtt":1}`, `{"rtt":"1ms","rtt":"2ms"}`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) { again[link.Wire](t, data) })
}

// again reads what it wrote of what it read: it must be the same.
func again[T comparable](t *testing.T, data []byte) {
	var first, second T
	if json.Unmarshal(data, &first) != nil {
		return
	}
	text, err := json.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &second); err != nil || first != second {
		t.Errorf("%s: got %+v, %v; want %+v", text, second, err, first)
	}
}

func TestParseConfig(t *testing.T) {
	base := link.Wire{RTT: time.Second, Bandwidth: 7}
	got, err := link.ParseConfig("database=tcp::5432,unix:/run/.s.PGSQL.5432,rtt=1ms,jitter=10us", base)
	want := link.Config{Name: "database", Listen: link.Addr{Network: "tcp", Address: ":5432"}, To: link.Addr{Network: "unix", Address: "/run/.s.PGSQL.5432"},
		Wire: link.Wire{RTT: time.Millisecond, Jitter: 10 * time.Microsecond, Bandwidth: 7}}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for text, want := range map[string]string{
		"database": "is not NAME=LISTEN,TO", "=tcp::1,tcp::2": "is not NAME=LISTEN,TO", "a=tcp::1": "is not NAME=LISTEN,TO",
		"a=tcp:1,tcp::2": "is not tcp:HOST:PORT", "a=udp::1,tcp::2": "is neither tcp:HOST:PORT nor unix:PATH",
		"a=tcp::1,tcp::2,ttl=1ms": `there is no key "ttl"`, "a=tcp::1,tcp::2,rtt=1": "missing unit", "A/b=tcp::1,tcp::2": "is not made of a-z",
		"a=tcp::1,tcp::2,rtt=1h": "must be from 0 to 10s",
	} {
		if _, err := link.ParseConfig(text, base); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add("database=tcp::5432,unix:/run/.s.PGSQL.5432,rtt=1ms,jitter=10us,bandwidth=5")
	f.Add("a=tcp::1")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := link.ParseConfig(s, link.Wire{})
		if err == nil && (c.Validate() != nil || c.Name == "") {
			t.Errorf("%q: got %+v, which makes no sense", s, c)
		}
	})
}
