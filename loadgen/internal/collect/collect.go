// Package collect has the command of a run watch that run on another machine, end it, and bring its results home. Where the run is, a Server offers its progress
// and its report; where the command is, a Client follows. A connection that breaks in between costs nothing: the client asks again from where it was.
//
// Both have the secret of the run, and the client shows that it has, by a token that follows from it. The connection itself is a forwarded port of a pod: the server listens
// on loopback there.
package collect

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"loadlab/loadgen/internal/live"
	"loadlab/loadgen/internal/progress"
)

// Event is something that happened in a run. One of its fields beside Number is set, or none: then the run goes on.
type Event struct {
	Number  int               `json:"number,omitempty"` // of the events that are kept, from 1; figures have none
	Begin   *progress.Heading `json:"begin,omitempty"`  // of a phase
	Figures *progress.Figures `json:"figures,omitempty"`
	End     *progress.Figures `json:"end,omitempty"`  // of the phase
	Log     string            `json:"log,omitempty"`  // a line
	Live    *live.Message     `json:"live,omitempty"` // for the page of the run, to who wants it; it has a number of its own
	Over    *Over             `json:"over,omitempty"`
}

// Over is how a run ended.
type Over struct {
	Code   int    `json:"code"`            // the exit code of loadgen run
	Error  string `json:"error,omitempty"` // why there is no report, or why it is not all there
	Report bool   `json:"report"`          // there is one
}

// token is what a client shows.
func token(secret []byte) (string, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "loadgen collect", sha256.Size)
	if err != nil {
		return "", fmt.Errorf("derive the token of the run: %w", err)
	}
	return hex.EncodeToString(key), nil
}

// Paths of the server.
const (
	eventsPath = "/events" // ?after=NUMBER: the events from there on, one line of JSON each; &live=NUMBER: those for the page, too
	stopPath   = "/stop"   // POST: end the run in good order
	reportPath = "/report" // run.json
	donePath   = "/done"   // POST: the results are home
)
