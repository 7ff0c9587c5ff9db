package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/outage"
)

// Content types of the app's answers.
const (
	typeJSON    = "application/json"
	typeProblem = "application/problem+json"
)

// send answers with a body that is ready to be sent.
func (s *Server) send(c *gin.Context, rq *request, status int, contentType string, body []byte) {
	h := c.Writer.Header()
	rq.header(h, "Content-Type", contentType)
	rq.header(h, "Content-Length", strconv.Itoa(len(body)))
	if rq != nil {
		rq.finish(s, c, status)
	}
	c.Status(status)
	if _, err := c.Writer.Write(body); err != nil {
		_ = c.Error(err) // the client is gone
	}
}

// json answers 200 with v as JSON.
func (s *Server) json(c *gin.Context, rq *request, v any) {
	body, err := encode(v)
	if err != nil {
		s.fail(c, rq, err)
		return
	}
	s.send(c, rq, http.StatusOK, typeJSON, body)
}

// encode returns v as JSON, on a line of its own.
func encode(v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return append(body, '\n'), nil
}

// problem answers with an RFC 9457 problem that names what would have been allowed.
func (s *Server) problem(c *gin.Context, rq *request, status int, detail string, allowed ...string) {
	if rq == nil {
		rq = s.begin(c, api.ModeNone)
	}
	body, err := json.Marshal(api.Problem{Title: http.StatusText(status), Status: status, Detail: detail, Allowed: allowed})
	if err != nil {
		panic(err) // strings and an int always encode
	}
	s.send(c, rq, status, typeProblem, append(body, '\n'))
}

// retryAfter is how many seconds a client should wait for a database that does not answer: one that is back is used within a second.
const retryAfter = "1"

// unavailable answers a request that needs a database which does not answer.
func (s *Server) unavailable(c *gin.Context, rq *request) {
	c.Writer.Header()["Retry-After"] = []string{retryAfter}
	s.problem(c, rq, http.StatusServiceUnavailable, "the database does not answer, or not in time: try again in a second")
}

// fail answers a request that could not be served, and logs why: the answer shows no internals. An outage has log lines of its own.
func (s *Server) fail(c *gin.Context, rq *request, err error) {
	ctx := c.Request.Context()
	if rq != nil {
		ctx = rq.ctx
	}
	switch {
	case ctx.Err() != nil:
		s.Log.DebugContext(ctx, "the client went away", "path", c.Request.URL.Path, "error", err)
	case errors.As(err, new(*outage.Error)):
		s.Log.DebugContext(ctx, "request failed in an outage", "path", c.Request.URL.Path, "error", err)
		s.unavailable(c, rq)
		return
	default:
		s.Log.ErrorContext(ctx, "request failed", "path", c.Request.URL.Path, "error", err)
	}
	s.problem(c, rq, http.StatusInternalServerError, "the page could not be made; the app's log says why")
}

// recover turns a panic into a 500.
func (s *Server) recover(c *gin.Context) {
	defer func() {
		if p := recover(); p != nil {
			s.Log.ErrorContext(c.Request.Context(), "panic", "path", c.Request.URL.Path, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			if !c.Writer.Written() {
				s.problem(c, nil, http.StatusInternalServerError, "the app panicked; its log says where")
			}
		}
	}()
	c.Next()
}

// decode reads a request's body into v: one JSON value without unknown fields and without a key twice, and nothing after it.
func decode(body io.Reader, v any) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON object: send the object alone")
	}
	if key := repeated(json.NewDecoder(bytes.NewReader(text))); key != "" {
		return fmt.Errorf("the key %q is there twice: send it once", key)
	}
	return nil
}

// repeated returns a key that an object has twice in the next value, which is valid; empty if none has. The case of a key does not count: package json takes
// the last of "price" and "Price".
func repeated(dec *json.Decoder) string {
	opening, _ := dec.Token()
	keys := map[string]bool{}
	for opening == json.Delim('{') || opening == json.Delim('[') {
		if !dec.More() {
			_, _ = dec.Token() // what closes it
			return ""
		}
		if opening == json.Delim('{') {
			token, _ := dec.Token()
			key, _ := token.(string)
			folded := strings.ToLower(key)
			if keys[folded] {
				return key
			}
			keys[folded] = true
		}
		if key := repeated(dec); key != "" {
			return key
		}
	}
	return ""
}
