package report

import (
	"errors"
	"fmt"
	"time"

	"loadlab/app/api"
	"loadlab/loadgen/internal/hist"
)

// total is what cells come to together: a mode in a phase over its rounds, or any sum of such.
type total struct {
	rounds map[int]bool
	took   time.Duration // of load; modes that shared a phase shared its time
	ledger Ledger

	response, service, lag *hist.Histogram

	server   Server // Counters are the sums over cells that have them
	exact    bool   // every cell has Counters
	stale    Stale  // Changes is not summed up
	observed bool   // some cell looked for staleness
	spent    map[time.Duration]Bucket
}

func newTotal() *total {
	return &total{
		rounds:   map[int]bool{},
		ledger:   Ledger{Failed: map[string]int64{}},
		response: hist.New(), service: hist.New(), lag: hist.New(),
		server: Server{Cache: map[string]int64{}, Counters: &Counters{}},
		exact:  true,
		spent:  map[time.Duration]Bucket{},
	}
}

// addCell adds what one cell measured.
func (t *total) addCell(c *Cell) error {
	for _, s := range c.Seconds {
		if err := errors.Join(merge(t.response, s.Response), merge(t.service, s.Service), merge(t.lag, s.Lag)); err != nil {
			return fmt.Errorf("mode %s, phase %s, round %d: %w", c.Mode, c.Phase, c.Round, err)
		}
	}
	t.rounds[c.Round] = true
	t.took += c.Took
	t.addLedger(c.Ledger)
	t.addServer(c.Server)
	t.exact = t.exact && c.Server.Counters != nil
	for _, b := range c.Spent {
		t.addSpent(b)
	}
	if c.Stale != nil {
		t.observed = true
		t.addStale(*c.Stale)
	}
	return nil
}

// merge adds an encoded histogram to sum.
func merge(sum *hist.Histogram, encoded string) error {
	if encoded == "" {
		return nil
	}
	h, err := hist.Decode(encoded)
	if err != nil {
		return err
	}
	return sum.Add(h)
}

// add adds another total, except for its time: whether that adds up is known to the caller alone.
func (t *total) add(o *total) error {
	for r := range o.rounds {
		t.rounds[r] = true
	}
	t.addLedger(o.ledger)
	t.addServer(o.server)
	t.exact = t.exact && o.exact
	t.observed = t.observed || o.observed
	t.addStale(o.stale)
	for _, b := range o.spent {
		t.addSpent(b)
	}
	for _, h := range [][2]*hist.Histogram{{t.response, o.response}, {t.service, o.service}, {t.lag, o.lag}} {
		if err := h[0].Add(h[1]); err != nil {
			return err
		}
	}
	return nil
}

func (t *total) addLedger(l Ledger) {
	t.ledger.Scheduled += l.Scheduled
	t.ledger.Completed += l.Completed
	t.ledger.Bytes += l.Bytes
	for kind, n := range l.Failed {
		t.ledger.Failed[kind] += n
	}
}

func (t *total) addServer(s Server) {
	to := &t.server
	to.Timed += s.Timed
	to.SQL += s.SQL
	to.SQLTime += s.SQLTime
	to.Redis += s.Redis
	to.RedisTime += s.RedisTime
	to.Wait += s.Wait
	to.Total += s.Total
	for result, n := range s.Cache {
		to.Cache[result] += n
	}
	if s.MinMiss > 0 && (to.MinMiss == 0 || s.MinMiss < to.MinMiss) {
		to.MinMiss = s.MinMiss
	}
	if c := s.Counters; c != nil {
		to.Counters.Requests += c.Requests
		to.Counters.SQL += c.SQL
		to.Counters.Redis += c.Redis
		to.Counters.Recomputes += c.Recomputes
		to.Counters.Expirations += c.Expirations
		to.Counters.Cold += c.Cold
	}
}

func (t *total) addSpent(b Bucket) {
	sum := t.spent[b.Over]
	sum.Over = b.Over
	sum.Count += b.Count
	sum.Response += b.Response
	sum.Lag += b.Lag
	sum.Wait += b.Wait
	sum.SQL += b.SQL
	sum.Redis += b.Redis
	sum.App += b.App
	sum.Network += b.Network
	t.spent[b.Over] = sum
}

func (t *total) addStale(s Stale) {
	t.stale.Writes += s.Writes
	t.stale.Reads += s.Reads
	t.stale.Stale += s.Stale
	t.stale.Max = max(t.stale.Max, s.Max)
}

// counters are the exact counters, or nil if a cell lacks them: a sum with a gap would pass for one without.
func (t *total) counters() *Counters {
	if !t.exact || len(t.rounds) == 0 {
		return nil
	}
	return t.server.Counters
}

// sql is SQL queries per request. The app's own counters include work that no response reports; without them it is what the responses
// said of themselves.
func (t *total) sql() (float64, bool) {
	if c := t.counters(); c != nil {
		return ratio(c.SQL, c.Requests)
	}
	return ratio(t.server.SQL, t.server.Timed)
}

// redis is Redis commands per request, from the same source as sql.
func (t *total) redis() (float64, bool) {
	if c := t.counters(); c != nil {
		return ratio(c.Redis, c.Requests)
	}
	return ratio(t.server.Redis, t.server.Timed)
}

// hits is the share of the responses with a cache result that were answered from the cache, stale pages included.
func (t *total) hits() (float64, bool) {
	var all int64
	for result, n := range t.server.Cache {
		if result != api.CacheNone.String() {
			all += n
		}
	}
	return ratio(t.server.Cache[api.CacheHit.String()]+t.server.Cache[api.CacheStale.String()], all)
}

// recomputes is how often pages were recomputed in a round.
func (t *total) recomputes() (float64, bool) {
	c := t.counters()
	if c == nil {
		return 0, false
	}
	return ratio(c.Recomputes, int64(len(t.rounds)))
}

// perExpiry is how often a page was recomputed each time it had to be: it had expired, or was not there.
func (t *total) perExpiry() (float64, bool) {
	c := t.counters()
	if c == nil {
		return 0, false
	}
	return ratio(c.Recomputes, c.Expirations+c.Cold)
}

// rate is completed requests per second of load.
func (t *total) rate() (float64, bool) {
	if t.took <= 0 {
		return 0, false
	}
	return float64(t.ledger.Completed) / t.took.Seconds(), true
}

// staleness tells whether there is any to speak of: without price changes and versions nothing can be seen to be stale.
func (t *total) staleness() (Stale, bool) {
	return t.stale, t.observed && t.stale.Writes > 0 && t.stale.Reads > 0
}

// ratio is a / b, and whether there is one.
func ratio(a, b int64) (float64, bool) {
	if b <= 0 {
		return 0, false
	}
	return float64(a) / float64(b), true
}
