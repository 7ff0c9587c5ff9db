package client

import (
	"time"

	"loadlab/loadgen/internal/measure"
)

// ReplayWithin replaces the time after the send within which a broken connection is an idle close.
func (t *Target) ReplayWithin(d time.Duration) { t.replay = d }

// Parsed is what the parser made of a response.
type Parsed struct {
	Outcome measure.Outcome
	Kind    measure.Kind // had the connection ended after the last byte
	Why     string
	Whole   bool // the response ended before the connection
	Reuse   bool
	Body    string
	Used    int
}

// Parse feeds data to the parser in the pieces that end at cuts, which ascend.
func Parse(data []byte, head, keep bool, cuts ...int) Parsed {
	var p Parsed
	var r response
	r.begin(&p.Outcome, head, keep)
	for _, cut := range append(cuts, len(data)) {
		if p.Used < cut && r.state < complete {
			p.Used += r.feed(data[p.Used:cut])
		}
	}
	p.Whole, p.Reuse = r.state == complete, r.reusable()
	p.Kind, p.Why, p.Body = r.end(), r.why, string(r.body)
	return p
}

// Record is what a header of a response leaves in an outcome.
func Record(name, value string) (out measure.Outcome) {
	record(&out, []byte(name), []byte(value))
	return out
}

// Limit makes Copies have room for n URLs.
func (c *Copies) Limit(n int) { c.most = n }

// AddressInFull is for its test.
var AddressInFull = addressInFull //nolint:gochecknoglobals // it is a function
