package live

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"loadlab/loadgen/internal/result"
)

// key is what an entry is of: a second of a mode in a phase, or all of it (whole). What a later round comes to, with those before it, takes its place.
type key struct {
	phase    string
	mode, at int
}

const whole = -1

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
	head    []byte // the same as JSON
	headID  int64  // of the event that has it
	id      int64  // of the last event
	entries map[key]entry
	phase   []byte   // the last status, as JSON
	whole   *Message // that has all of the page: the report, or an A/B test so far; nil until there is one
	viewers map[*Viewer]bool
	closed  bool
}

// Message is what viewers get: a server-sent event of that name. Of a run they are a head, for who serves the page elsewhere, then phases and points.
type Message struct {
	ID   int64           `json:"id"`
	Name string          `json:"name"`
	Data json.RawMessage `json:"data"`

	text []byte // as a server-sent event, encoded once for all viewers
}

// Names of messages of a run under way.
const (
	headMessage   = "head"   // the run, of which it is known what will be measured
	phaseMessage  = "phase"  // which phase runs
	pointsMessage = "points" // what has changed
)

func newMessage(id int64, name string, data []byte) *Message {
	return &Message{ID: id, Name: name, Data: data, text: fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", id, name, data)}
}

// Viewer is one who looks on.
type Viewer struct {
	Messages <-chan *Message // closed when the viewer is dropped: it comes back for what it has missed
	messages chan *Message   // the same
	hub      *hub
}

func newHub() *hub {
	return &hub{started: make(chan struct{}), entries: map[key]entry{}, viewers: map[*Viewer]bool{}}
}

// start has the page of a run served. What is measured is added to the run by others, later.
func (h *hub) start(run *result.Run) {
	head := *run
	text, err := json.Marshal(&head)
	h.mu.Lock()
	h.run = &head
	if err == nil {
		h.id++
		h.head, h.headID = text, h.id
		h.send(newMessage(h.id, headMessage, text))
	}
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
	h.send(newMessage(h.id, pointsMessage, list(changed)))
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
	h.send(newMessage(h.id, phaseMessage, text))
}

// replace sends what the page is now.
func (h *hub) replace(name string, data []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.id++
	h.whole = newMessage(h.id, name, data)
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

// send queues a message for every viewer, and drops those whose queue is full. The caller holds mu.
func (h *hub) send(m *Message) {
	for v := range h.viewers {
		select {
		case v.messages <- m:
		default:
			h.drop(v)
		}
	}
}

// drop ends a viewer after what is queued for it. The caller holds mu.
func (h *hub) drop(v *Viewer) {
	if h.viewers[v] {
		delete(h.viewers, v)
		close(v.messages)
	}
}

// join adds a viewer that has seen the messages up to one, and queues what it has missed. It reports false if there are too many.
func (h *hub) join(seen int64) (*Viewer, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if seen > h.id {
		seen = 0 // it knows of another run
	}
	if len(h.viewers) >= maxViewers {
		return nil, false
	}
	v := &Viewer{messages: make(chan *Message, queue), hub: h}
	v.Messages = v.messages
	if seen < h.headID {
		v.messages <- newMessage(seen, headMessage, h.head)
	}
	if h.phase != nil {
		v.messages <- newMessage(seen, phaseMessage, h.phase)
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
		v.messages <- newMessage(h.id, pointsMessage, list(missed))
	}
	if h.whole != nil {
		v.messages <- h.whole
	}
	h.viewers[v] = true
	if h.closed {
		h.drop(v)
	}
	return v, true
}

// Leave ends the viewer.
func (v *Viewer) Leave() {
	v.hub.mu.Lock()
	defer v.hub.mu.Unlock()
	v.hub.drop(v)
}
