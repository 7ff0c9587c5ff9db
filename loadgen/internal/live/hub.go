package live

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"loadlab/loadgen/internal/result"
)

// key is what an entry is of: a second of a mode in a phase, or all of it (-1). What a later round comes to, with those before it, takes its place.
type key struct {
	phase    string
	mode, at int
}

// entry is a thing that viewers know, as JSON.
type entry struct {
	key  key
	id   int64 // of the event that has it
	text []byte
}

const (
	queue      = 16      // events that a viewer may be behind before it is dropped
	maxEntries = 100_000 // that are kept for those who come later: some 20 MB
	maxViewers = 100
)

// hub keeps what viewers know and sends them what is new.
type hub struct {
	started chan struct{} // closed when there is something to show
	once    sync.Once     // closes started
	page    func(run *result.Run) ([]byte, error)

	mu      sync.Mutex // guards all below
	run     *result.Run
	id      int64 // of the last event
	entries map[key]entry
	phase   []byte // the last status, as JSON
	whole   []byte // the event that has all of the page: the report, or an A/B test so far; nil until there is one
	viewers map[*viewer]bool
	closed  bool
}

// viewer is one who looks on.
type viewer struct {
	events chan []byte // closed when it is dropped
}

func newHub() *hub {
	return &hub{started: make(chan struct{}), entries: map[key]entry{}, viewers: map[*viewer]bool{}}
}

func (h *hub) start(run *result.Run) {
	h.mu.Lock()
	head := *run // what is measured is added to the run by others
	h.run = &head
	h.mu.Unlock()
	h.begin()
}

// begin has the page served.
func (h *hub) begin() { h.once.Do(func() { close(h.started) }) }

// underWay is the page of a run under way.
func (h *hub) underWay() ([]byte, error) {
	h.mu.Lock()
	run := h.run
	h.mu.Unlock()
	return h.page(run)
}

// event renders a server-sent event.
func event(id int64, name string, data []byte) []byte {
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", id, name, data)
}

// list renders entries as a JSON array.
func list(all []entry) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, e := range all {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(e.text)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// publish keeps entries and sends them to all viewers.
func (h *hub) publish(changed []entry) {
	if len(changed) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	for _, e := range changed {
		e.id = h.id
		if _, ok := h.entries[e.key]; ok || len(h.entries) < maxEntries {
			h.entries[e.key] = e
		}
	}
	h.send(event(h.id, "points", list(changed)))
}

// status sends which phase runs.
func (h *hub) status(p Phase) {
	text, err := json.Marshal(p)
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	h.phase = text
	h.send(event(h.id, "phase", text))
}

// replace sends what the page is now.
func (h *hub) replace(name string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	h.whole = event(h.id, name, data)
	h.send(h.whole)
}

// finish sends the report, if there is one, and ends what viewers get.
func (h *hub) finish(name string, report []byte) {
	if report != nil {
		h.replace(name, report)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for v := range h.viewers {
		h.drop(v)
	}
}

// send queues an event for every viewer, and drops those whose queue is full. The caller holds mu.
func (h *hub) send(data []byte) {
	for v := range h.viewers {
		select {
		case v.events <- data:
		default:
			h.drop(v)
		}
	}
}

// drop ends a viewer after what is queued for it. The caller holds mu.
func (h *hub) drop(v *viewer) {
	if h.viewers[v] {
		delete(h.viewers, v)
		close(v.events)
	}
}

// join adds a viewer that has seen the events up to last, and queues what it has missed. It reports false if there are too many.
func (h *hub) join(last string) (*viewer, bool) {
	seen, err := strconv.ParseInt(last, 10, 64)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil || seen > h.id {
		seen = 0 // it knows nothing, or of another run
	}
	if len(h.viewers) >= maxViewers {
		return nil, false
	}
	v := &viewer{events: make(chan []byte, queue)}
	if h.phase != nil {
		v.events <- event(seen, "phase", h.phase)
	}
	var missed []entry
	for _, e := range h.entries {
		if e.id > seen {
			missed = append(missed, e)
		}
	}
	slices.SortFunc(missed, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key.phase, b.key.phase), cmp.Compare(a.key.mode, b.key.mode), cmp.Compare(a.key.at, b.key.at))
	})
	if len(missed) > 0 {
		v.events <- event(h.id, "points", list(missed))
	}
	if h.whole != nil {
		v.events <- h.whole
	}
	h.viewers[v] = true
	if h.closed {
		h.drop(v)
	}
	return v, true
}

// leave removes a viewer that has gone.
func (h *hub) leave(v *viewer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(v)
}
