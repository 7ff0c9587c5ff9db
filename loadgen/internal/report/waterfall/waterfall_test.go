package waterfall_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/loadgen/internal/result"

	"loadlab/internal/testkit"

	"github.com/rivo/uniseg"

	"loadlab/loadgen/internal/report/waterfall"
	"loadlab/loadgen/internal/trace"
	"loadlab/otel/signal"
)

const (
	ms = time.Millisecond
	us = time.Microsecond
)

// builder puts a trace together.
type builder struct{ result.Trace }

// build begins the trace of a request that was sent after lag, answered after response, and served from then on by the app.
func build(mode, why string, lag, response time.Duration) *builder {
	s := trace.Sample{
		TraceID: [16]byte{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 15: 0x36}, SpanID: [8]byte{0xa, 7: 1}, Mode: mode, Phase: "expiry", Round: 2, Method: "GET",
		Path: "/api/properties/cached/" + mode + "/", Due: time.Unix(1_700_000_000, 0), Response: response, Service: response - lag, Lag: lag, Status: 200,
	}
	b := &builder{s.Trace(why)}
	b.add("1", "0a00000000000001", "GET /api/properties/cached/:strategy/", lag+300*us, response-lag-500*us).Kind = "server"
	return b
}

// add adds a span of the app. It is valid until the next one is added.
func (b *builder) add(id, parent, name string, start, took time.Duration, attributes ...string) *result.Span {
	s := result.Span{ID: id, Parent: parent, Name: name, Kind: "internal", Service: "loadlab-app", Start: start, Duration: took}
	for i := 0; i < len(attributes); i += 2 {
		if s.Attributes == nil {
			s.Attributes = map[string]string{}
		}
		s.Attributes[attributes[i]] = attributes[i+1]
	}
	b.Spans = append(b.Spans, s)
	return &b.Spans[len(b.Spans)-1]
}

func (b *builder) sql(id, parent, name, text string, start, took time.Duration) *result.Span {
	return b.add(id, parent, name, start, took, signal.AttrDBSystem, "postgresql", signal.AttrDBQueryText, text)
}

func (b *builder) redis(id, parent, name string, start, took time.Duration) *result.Span {
	return b.add(id, parent, name, start, took, signal.AttrDBSystem, "redis")
}

// page adds the 62 queries of a naive page below parent, and returns when they were done.
func (b *builder) page(parent string, start time.Duration) time.Duration {
	b.sql("c"+parent, parent, "SELECT properties", `SELECT count(*) FROM "properties" AS "p"`, start, 400*us)
	b.sql("l"+parent, parent, "SELECT properties", `SELECT "p"."id", "p"."title" FROM "properties" AS "p" LIMIT 20`, start+500*us, 7*ms)
	at := start + 8*ms
	for i := range 20 {
		for j, table := range []string{"agents", "offices", "locations"} {
			took := time.Duration(300+(i*7+j*13)%50*10) * us
			b.sql(fmt.Sprint(table, i, parent), parent, "SELECT "+table, fmt.Sprintf(`SELECT "x"."id" FROM %q AS "x" WHERE (id = %d)`, table, i), at, took)
			at += took + 20*us
		}
	}
	return at
}

func naive() result.Trace {
	b := build("naive", result.Slowest, 1200*us, 52*ms)
	b.page("1", 2*ms)
	return b.Trace
}

func miss() result.Trace {
	b := build("ttl", result.Slowest, 4*ms, 70*ms)
	b.add("2", "1", "cache get", 5*ms, 63*ms, signal.AttrCacheResult, "miss", signal.AttrCacheStored, "true", signal.AttrPoolWait, "12.5")
	b.redis("3", "2", "pipeline pttl", 5100*us, 900*us)
	at := b.page("2", 18*ms)
	b.redis("4", "2", "set", at, 800*us)
	return b.Trace
}

func waiter() result.Trace {
	b := build("singleflight", result.Median, 80*us, 41*ms)
	s := b.add("2", "1", "cache get", 500*us, 40*ms, signal.AttrCacheResult, "coalesced", signal.AttrCacheCollapsed, "true")
	s.Links = []result.Link{{TraceID: "d56b3252abbd692cf7505ea923f0267b", SpanID: "00f067aa0ba902b7"}}
	b.redis("3", "2", "pipeline pttl", 600*us, 400*us)
	return b.Trace
}

// revoked is a recompute whose lease was revoked while others waited for it.
func revoked() result.Trace {
	b := build("lease", result.Slowest, 80*us, 61*ms)
	s := b.add("2", "1", "cache get", 500*us, 60*ms, signal.AttrCacheResult, "miss", signal.AttrCacheDetail, "fill-rejected", signal.AttrCacheWaiters, "12")
	event := func(at time.Duration, name, reason, lasted string) {
		s.Events = append(s.Events, result.Event{At: at, Name: name, Attributes: map[string]string{signal.AttrCacheReason: reason, signal.AttrCacheFor: lasted}})
	}
	event(1100*us, signal.EventLeaseTaken, "", "20")
	event(8*ms, signal.EventLeaseExtended, "", "20")
	event(59*ms, signal.EventFillRejected, "an invalidation has revoked the lease", "")
	event(59100*us, signal.EventWaited, "the request that held the page's lock", "12.5")
	event(59200*us, signal.EventLeaderUnsampled, "", "")
	event(59300*us, signal.EventWaited, "", "12.5")
	event(59500*us, "exception\x1b[2J", strings.Repeat("of another service ", 9), "NaN")
	b.redis("3", "2", "pipeline pttl", 600*us, 400*us)
	b.redis("4", "2", "evalsha", 1050*us, 40*us)
	b.add("5", "2", "cache recompute", 1200*us, 57*ms)
	b.redis("6", "2", "evalsha", 58500*us, 400*us)
	b.page("5", 1300*us)
	return b.Trace
}

func refresh() result.Trace {
	b := build("swr", result.Slowest, 50*us, 3*ms)
	b.add("2", "1", "cache get", 500*us, 1900*us, signal.AttrCacheResult, "stale", signal.AttrCacheDetail, "refresh")
	b.redis("3", "2", "pipeline pttl", 600*us, 400*us)
	b.redis("4", "2", "set", 1200*us, 300*us)
	b.add("5", "2", "cache refresh", 1600*us, 45*ms)
	b.page("5", 3*ms)
	return b.Trace
}

// ownRefresh is a refresh that is a trace of its own.
func ownRefresh() result.Trace {
	b := &builder{result.Trace{ID: "d56b3252abbd692cf7505ea923f0267b", Mode: "swr", Phase: "expiry", Round: 2, Why: result.Linked}}
	s := b.add("5", "", "cache refresh", 0, 40*ms)
	s.Links = []result.Link{{TraceID: "4bf92f3577b300000000000000000036", SpanID: "0000000000000002"}}
	b.page("5", 100*us)
	return b.Trace
}

func gaveUp() result.Trace {
	b := build("naive", result.Slowest, 900*ms, 1*time.Second)
	b.Failed, b.Spans[0].Failed, b.Spans[0].Error = "timeout", true, "timeout"
	b.Spans[2].Duration = 2 * time.Second
	for i := range 3 {
		q := b.sql(fmt.Sprint("q", i), "1", "SELECT agents", fmt.Sprintf("SELECT * FROM agents WHERE id = %d", i), time.Second+time.Duration(i)*500*ms, 490*ms)
		if i == 1 {
			q.Failed, q.Error = true, "context deadline exceeded\x1b[2J"
		}
	}
	b.add("3", "9", "cache get", 1100*ms, 5*ms)
	b.add("4", "1", "charge", 1200*ms, 5*ms).Service = "payments"
	b.Problem = "the parent of 1 of 7 spans did not arrive"
	return b.Trace
}

func TestGoldens(t *testing.T) {
	for name, fixture := range map[string]func() result.Trace{
		"naive": naive, "miss": miss, "waiter": waiter, "refresh": refresh, "revoked": revoked, "own-refresh": ownRefresh, "gave-up": gaveUp,
		"empty": func() result.Trace {
			return result.Trace{ID: "ab", Mode: "m", Phase: "p", Why: "slowest", Problem: "no span of the server arrived"}
		},
	} {
		for ending, o := range map[string]waterfall.Options{
			"80.txt": {Width: 80}, "120.txt": {}, "color.txt": {Width: 100, Color: true}, "expand.txt": {Width: 100, Expand: true},
		} {
			t.Run(name+"."+ending, func(t *testing.T) {
				tr := fixture()
				var got bytes.Buffer
				if err := waterfall.Write(&got, &tr, o); err != nil {
					t.Fatal(err)
				}
				fits(t, got.String(), max(o.Width, 60), o.Width == 0)
				testkit.Golden(t, name+"."+ending, got.String())
			})
		}
	}
}

var escape = regexp.MustCompile("\x1b\\[[0-9;]*m")

// fits checks that no line is too wide, ends in blanks, or has anything a terminal would act on but colours.
func fits(t *testing.T, text string, width int, wide bool) {
	t.Helper()
	if wide {
		width = 120
	}
	for line := range strings.Lines(text) {
		line = escape.ReplaceAllString(strings.TrimSuffix(line, "\n"), "")
		if n := uniseg.StringWidth(line); n > width {
			t.Errorf("%d columns, want at most %d:\n%s", n, width, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("blanks at the end of %q", line)
		}
		if strings.ContainsAny(line, "\x1b\r\t\a\b") {
			t.Errorf("control characters in %q", line)
		}
	}
}

// FuzzWrite draws traces of any shape: every span that is not put together with others has a line, and no line is too wide.
func FuzzWrite(f *testing.F) {
	f.Add([]byte{1, 2, 0, 3, 3, 1, 200, 100, 50}, 80, "SELECT agents")
	f.Add([]byte{0x10, 0x21, 0x12, 9, 9, 9}, 61, "名前\x1b[2J\n")
	f.Fuzz(func(t *testing.T, spec []byte, width int, name string) {
		width = 60 + max(width, -width)%200
		if width < 60 {
			width = 60
		}
		tr := result.Trace{ID: "ab", Mode: name, Phase: "p", Why: result.Slowest, Response: 7}
		for i := 0; i+2 < len(spec) && i < 600; i += 3 {
			s := result.Span{
				ID: strconv.Itoa(i), Name: name, Start: time.Duration(int8(spec[i])) << (spec[i+1] % 56), Duration: time.Duration(int8(spec[i+2])) << (spec[i+1] % 50),
				Failed: spec[i]%7 == 0,
			}
			if spec[i+1] > 9 {
				s.Parent = strconv.Itoa(int(spec[i+1])/4*3 - 6)
			}
			if spec[i]%5 == 0 {
				s.Links = []result.Link{{TraceID: name, SpanID: "x"}}
			}
			if spec[i]%4 == 0 {
				s.Events = []result.Event{{At: s.Start, Name: name, Attributes: map[string]string{signal.AttrCacheReason: name, signal.AttrCacheFor: name}}}
			}
			if spec[i]%3 == 0 {
				s.Attributes = map[string]string{signal.AttrDBSystem: "x", signal.AttrDBQueryText: name, signal.AttrPoolWait: name}
			}
			tr.Spans = append(tr.Spans, s)
		}
		var b bytes.Buffer
		if err := waterfall.Write(&b, &tr, waterfall.Options{Width: width, Expand: true}); err != nil {
			t.Fatal(err)
		}
		fits(t, b.String(), width, false)
		if lines := strings.Count(b.String(), "\n"); lines < len(tr.Spans) {
			t.Errorf("%d lines for %d spans", lines, len(tr.Spans))
		}
	})
}
