// Package lab is a client of the app's lab controls, and of the two calls of its API that a scenario needs beside its load: the price
// change and a page of ids. It knows nothing of load: what it asks for is not measured.
package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"loadlab/app/api"
)

// ErrNoLab is the error of every lab control when there is no lab to ask: a service of one's own, or a lab out of reach.
var ErrNoLab = errors.New("no lab controls: give their address with --lab")

const (
	// requestLimit bounds one call. An explain of a large table is the longest.
	requestLimit = 30 * time.Second
	// idleLimit is shorter than any server's, so that no call is sent on a connection that the server is about to close.
	idleLimit = 20 * time.Second
	// bodyLimit is far above any answer.
	bodyLimit = 32 << 20
)

// Client asks an app, or its replicas. Its methods may be called concurrently.
type Client struct {
	apis, labs []string
	lives      []life // of the replicas
	http       *http.Client
}

// New makes a client of the APIs and the lab controls at these URLs ("http://127.0.0.1:8000"), one of each a replica. Without lab URLs all but
// ChangePrice and FirstPage return ErrNoLab.
func New(apiURLs, labURLs []string) *Client {
	return &Client{
		apis: trimmed(apiURLs), labs: trimmed(labURLs), lives: make([]life, len(labURLs)),
		http: &http.Client{
			Timeout:   requestLimit,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: idleLimit, MaxIdleConnsPerHost: 2},
		},
	}
}

func trimmed(urls []string) []string {
	out := make([]string, len(urls))
	for i, u := range urls {
		out[i] = strings.TrimRight(u, "/")
	}
	return out
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// StatusError is an answer other than 200.
type StatusError struct {
	Method, URL string
	Status      int
	Detail      string // of the answer: a problem's detail, or the begin of its body
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("%s %s: %d %s", e.Method, e.URL, e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
}

// Info returns what the app is and what it runs on. It is an error that a replica is not what the first is.
func (c *Client) Info(ctx context.Context) (api.Info, error) {
	all, err := everyone[api.Info](ctx, c, http.MethodGet, api.PathLabBuildInfo, nil)
	if err != nil {
		return api.Info{}, err
	}
	return all[0], alike(c.labs, all)
}

// Align gives every replica the settings of the first, of those that can be changed while it runs: an earlier run, of fewer replicas, has left that one others.
func (c *Client) Align(ctx context.Context) error {
	if len(c.labs) < 2 {
		return nil
	}
	all, err := everyone[api.Config](ctx, c, http.MethodGet, api.PathLabConfig, nil)
	if err != nil {
		return err
	}
	for i, config := range all {
		other := maps.Clone(all[0])
		maps.DeleteFunc(other, func(name, value string) bool { return config[name] == value })
		if len(other) == 0 {
			continue
		}
		if _, err := ask[api.Config](ctx, c, http.MethodPut, c.labs[i]+api.PathLabConfig, other); err != nil {
			return err
		}
	}
	return nil
}

// Strategies are the caching strategies that the app has, with their laws.
func (c *Client) Strategies(ctx context.Context) ([]api.Strategy, error) {
	return control[[]api.Strategy](ctx, c, http.MethodGet, api.PathLabStrategy, nil)
}

// PutConfig changes the fields of every replica's configuration that are set, and returns all of them.
func (c *Client) PutConfig(ctx context.Context, change api.Config) (api.Config, error) {
	all, err := everyone[api.Config](ctx, c, http.MethodPut, api.PathLabConfig, change)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Flush empties the cache, which replicas share.
func (c *Client) Flush(ctx context.Context) error {
	_, err := control[json.RawMessage](ctx, c, http.MethodPost, api.PathLabFlush, nil)
	return err
}

// Keys returns how many keys the cache has.
func (c *Client) Keys(ctx context.Context) (int, error) {
	keys, err := control[[]json.RawMessage](ctx, c, http.MethodGet, api.PathLabKeys, nil)
	return len(keys), err
}

// Expire lets every cached page reach its expiry now.
func (c *Client) Expire(ctx context.Context) error {
	_, err := control[json.RawMessage](ctx, c, http.MethodPost, api.PathLabExpire, nil)
	return err
}

// ChangePrice sets the price ("450000.00") of one property, and returns it as it is then and the time at which the change was known to
// be committed: whoever sends a read after that and gets a lower version was served a stale page.
func (c *Client) ChangePrice(ctx context.Context, id int64, price string) (api.Property, time.Time, error) {
	path := api.PathProperties + strconv.FormatInt(id, 10) + "/"
	property, err := first[api.Property](ctx, c, c.apis, http.MethodPatch, path, api.PriceChange{Price: price})
	committed := time.Now()
	if err != nil {
		return api.Property{}, time.Time{}, err
	}
	return property, committed, nil
}

// FirstPage is the first page of properties, past every cache: the ids that a price change can name.
func (c *Client) FirstPage(ctx context.Context) (api.Page, error) {
	return first[api.Page](ctx, c, c.apis, http.MethodGet, api.PathLive+"optimized/", nil)
}

// control asks the lab controls of one replica, whichever answers.
func control[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	if len(c.labs) == 0 {
		var zero T
		return zero, ErrNoLab
	}
	return first[T](ctx, c, c.labs, method, path, body)
}

// call sends body, if there is one, as JSON, and returns the body of a 200.
func (c *Client) call(ctx context.Context, method, url string, body any) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, fmt.Errorf("%s %s: encode the request: %w", method, url, err)
		}
		reader = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, url, err)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err // a *url.Error: it names the method and the URL
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, bodyLimit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s %s: read the answer: %w", method, url, err)
	case response.StatusCode != http.StatusOK:
		return nil, &StatusError{Method: method, URL: url, Status: response.StatusCode, Detail: detail(answer)}
	case len(answer) > bodyLimit:
		return nil, fmt.Errorf("%s %s: the answer is longer than %d bytes", method, url, bodyLimit)
	}
	return answer, nil
}

// decode reads an answer. Fields it does not know are those of a newer app, and no error.
func decode[T any](method, url string, answer []byte) (T, error) {
	var v T
	if err := json.Unmarshal(answer, &v); err != nil {
		return v, fmt.Errorf("%s %s: the answer is not the lab's: %w", method, url, err)
	}
	return v, nil
}

// detail is the part of an error answer that fits on a line.
func detail(answer []byte) string {
	const longest = 200
	var problem api.Problem
	text := string(answer)
	if json.Unmarshal(answer, &problem) == nil && problem.Detail != "" {
		text = problem.Detail
		if len(problem.Allowed) > 0 {
			text += " (allowed: " + strings.Join(problem.Allowed, ", ") + ")"
		}
	}
	text = strings.ToValidUTF8(strings.Join(strings.Fields(text), " "), "")
	if runes := []rune(text); len(runes) > longest {
		text = string(runes[:longest]) + "..."
	}
	return text
}
