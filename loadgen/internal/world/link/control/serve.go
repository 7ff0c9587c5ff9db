// Package control runs links in a process of their own and lets others set their wires and their faults while they forward: an HTTP API on an
// address of its own, its client, and the program that serves both.
//
//	GET    /links               every link, as it is
//	GET    /links/{name}        one of them
//	PUT    /links/{name}        {"rtt": "1ms", "jitter": "100us", "bandwidth": 0}: what is not there is 0. Answers with the link
//	POST   /links/{name}/fault  {"kind": "slow", "share": 0.5, "delay": "200ms"}: begins a fault. Answers with what it did so far
//	DELETE /links/{name}/fault  ends it. Answers with what it did
//
// Bodies are strict: a field that there is not is refused. An error is {"error": "..."} with 400 for what makes no sense, 404 for a link that there
// is not, 409 for a fault while there is another and for the end of none. The API has no authentication: keep it on the loopback interface, or
// on a network that only the lab is on.
//
// The package knows nothing of what is forwarded.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"loadlab/loadgen/internal/world/link"
)

// Links are what an API controls, by their place in the answer of GET /links.
type Links []*link.Link

const (
	bodyLimit    = 64 << 10
	requestLimit = 5 * time.Second
)

// Handler returns the API.
func (ls Links) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /links", func(w http.ResponseWriter, _ *http.Request) {
		all := make([]link.Status, 0, len(ls))
		for _, l := range ls {
			all = append(all, l.Status())
		}
		answer(w, http.StatusOK, all)
	})
	mux.HandleFunc("GET /links/{name}", ls.of(func(_ context.Context, l *link.Link, _ []byte) (any, error) { return l.Status(), nil }))
	mux.HandleFunc("PUT /links/{name}", ls.of(func(ctx context.Context, l *link.Link, body []byte) (any, error) {
		var wire link.Wire
		if err := parse(body, &wire); err != nil {
			return nil, err
		}
		if err := l.Set(ctx, wire); err != nil {
			return nil, err
		}
		return l.Status(), nil
	}))
	mux.HandleFunc("POST /links/{name}/fault", ls.of(func(ctx context.Context, l *link.Link, body []byte) (any, error) {
		var fault link.Fault
		if err := parse(body, &fault); err != nil {
			return nil, err
		}
		return l.Begin(ctx, fault)
	}))
	mux.HandleFunc("DELETE /links/{name}/fault", ls.of(func(ctx context.Context, l *link.Link, _ []byte) (any, error) { return l.End(ctx) }))
	return mux
}

// badRequestError is an error in what was asked for.
type badRequestError struct{ error }

func (e badRequestError) Unwrap() error { return e.error }

// parse reads a body that must be what v is, and make sense.
func parse(body []byte, v interface{ Validate() error }) error {
	if err := json.Unmarshal(body, v); err != nil {
		return badRequestError{fmt.Errorf("body: %w", err)}
	}
	if err := v.Validate(); err != nil {
		return badRequestError{err}
	}
	return nil
}

// of serves a request for the link that its path names.
func (ls Links) of(do func(ctx context.Context, l *link.Link, body []byte) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l, err := ls.named(r.PathValue("name"))
		if err != nil {
			refuse(w, http.StatusNotFound, err)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyLimit))
		if err != nil {
			refuse(w, http.StatusBadRequest, fmt.Errorf("read the body: %w", err))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), requestLimit)
		defer cancel()
		v, err := do(ctx, l, body)
		switch {
		case err == nil:
			answer(w, http.StatusOK, v)
		case errors.As(err, new(badRequestError)):
			refuse(w, http.StatusBadRequest, err)
		case errors.Is(err, link.ErrFault), errors.Is(err, link.ErrNoFault):
			refuse(w, http.StatusConflict, err)
		default:
			refuse(w, http.StatusServiceUnavailable, err)
		}
	}
}

func (ls Links) named(name string) (*link.Link, error) {
	var names []string
	for _, l := range ls {
		if l.Name() == name {
			return l, nil
		}
		names = append(names, l.Name())
	}
	return nil, fmt.Errorf("there is no link %q: there are %s", name, strings.Join(names, ", "))
}

// problem is the body of an error.
type problem struct {
	Error string `json:"error"`
}

func refuse(w http.ResponseWriter, code int, err error) { answer(w, code, problem{err.Error()}) }

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v) // fails only if whoever asked is gone
}
