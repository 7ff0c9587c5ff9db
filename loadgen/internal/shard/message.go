package shard

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// message is what is sent, either way: the length of its JSON in 4 bytes, and the JSON. One of its fields is set, beside Number.
type message struct {
	// Number, from 1, is of the messages that must arrive, whatever becomes of a connection: Ready, Report and Failed of a worker, Prepare, Start, Stop and End of
	// the coordinator. All others are of their connection alone.
	Number int64 `json:"number,omitempty"`

	// A connection begins with these two.
	Hello   *hello   `json:"hello,omitempty"`
	Welcome *welcome `json:"welcome,omitempty"`
	Refused string   `json:"refused,omitempty"` // in place of Welcome

	// Of a worker.
	Ask    *stamps `json:"ask,omitempty"` // what time is it?
	Ready  *ready  `json:"ready,omitempty"`
	Report *Report `json:"report,omitempty"`
	Failed string  `json:"failed,omitempty"` // it cannot do its part

	// Of the coordinator.
	Time    *stamps `json:"time,omitempty"` // the answer
	Prepare *Phase  `json:"prepare,omitempty"`
	Start   *begin  `json:"start,omitempty"`
	Stop    bool    `json:"stop,omitempty"` // end the phase
	End     bool    `json:"end,omitempty"`  // of the run

	// Of both: a sign of life, with the number of the last message that has come.
	Alive *int64 `json:"alive,omitempty"`
}

// hello is how a worker begins each of its connections.
type hello struct {
	Identity
	Instance string        `json:"instance"` // drawn when the worker began: who shows it again is the same process
	Received int64         `json:"received"` // the number of the last message that has come
	Away     time.Duration `json:"away"`     // for how long it has had no connection, as far as it knows
}

// welcome is the coordinator's answer.
type welcome struct {
	Job      json.RawMessage `json:"job"`
	Received int64           `json:"received"`
}

// stamps are readings of two clocks, in nanoseconds of Unix time.
type stamps struct {
	Asked    int64 `json:"asked"`    // the worker's clock
	Received int64 `json:"received"` // the coordinator's
	Answered int64 `json:"answered"`
}

// ready is a worker that waits for the begin of a phase.
type ready struct {
	Phase int   `json:"phase"`
	Clock Clock `json:"clock"`
}

// begin is when a phase begins by the coordinator's clock, in nanoseconds of Unix time.
type begin struct {
	Phase int   `json:"phase"`
	At    int64 `json:"at"`
}

// longest is the greatest length of a message: a second of outcomes at a high rate has some megabytes.
const longest = 64 << 20

// errLong is fatal: sent again, the message would be as long.
var errLong = errors.New("a message is too long")

// frame returns the bytes that are sent for a message.
func (m *message) frame() ([]byte, error) {
	text, err := json.Marshal(m)
	if err == nil && len(text) > longest {
		err = errLong
	}
	if err != nil {
		return nil, fmt.Errorf("send: %w", err)
	}
	return append(binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(text)), uint32(len(text))), text...), nil //nolint:gosec // at most longest
}
