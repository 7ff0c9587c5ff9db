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
	"net/http"
	"net/url"
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
	bodyLimit   = 32 << 20
	settleEvery = 10 * time.Millisecond
)

// Client asks one app. Its methods may be called concurrently.
type Client struct {
	api, lab string
	http     *http.Client
}

// New makes a client of the API and the lab controls at these URLs ("http://127.0.0.1:8000"). Without a lab URL all but ChangePrice and
// FirstPage return ErrNoLab.
func New(apiURL, labURL string) *Client {
	return &Client{
		api: strings.TrimRight(apiURL, "/"),
		lab: strings.TrimRight(labURL, "/"),
		http: &http.Client{
			Timeout:   requestLimit,
			Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: idleLimit, MaxIdleConnsPerHost: 2},
		},
	}
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

// Info returns what the app is and what it runs on.
func (c *Client) Info(ctx context.Context) (api.Info, error) {
	return control[api.Info](ctx, c, http.MethodGet, api.PathLabBuildInfo, nil)
}

// Counters are the app's exact totals since it started.
func (c *Client) Counters(ctx context.Context) (api.Counters, error) {
	return control[api.Counters](ctx, c, http.MethodGet, api.PathLabCounters, nil)
}

// Strategies are the caching strategies that the app has, with their laws.
func (c *Client) Strategies(ctx context.Context) ([]api.Strategy, error) {
	return control[[]api.Strategy](ctx, c, http.MethodGet, api.PathLabStrategy, nil)
}

// PutConfig changes the fields of the app's configuration that are set, and returns all of them.
func (c *Client) PutConfig(ctx context.Context, change api.Config) (api.Config, error) {
	return control[api.Config](ctx, c, http.MethodPut, api.PathLabConfig, change)
}

// Flush empties the cache.
func (c *Client) Flush(ctx context.Context) error {
	_, err := control[json.RawMessage](ctx, c, http.MethodPost, api.PathLabFlush, nil)
	return err
}

// Expire lets every cached page reach its expiry now.
func (c *Client) Expire(ctx context.Context) error {
	_, err := control[json.RawMessage](ctx, c, http.MethodPost, api.PathLabExpire, nil)
	return err
}

// Usage returns what the app and its Redis have used since they started, and how many pages of the strategy are cached; of no pages if
// strategy is empty.
func (c *Client) Usage(ctx context.Context, strategy string) (api.Usage, error) {
	path := api.PathLabUsage
	if strategy != "" {
		path += "?strategy=" + url.QueryEscape(strategy)
	}
	return control[api.Usage](ctx, c, http.MethodGet, path, nil)
}

// LimitMemory sets how much memory Redis may use and what it evicts beyond that, and returns what is in force. A limit of 0 puts back what Redis
// had before the first change.
func (c *Client) LimitMemory(ctx context.Context, limit api.RedisMemory) (api.RedisMemory, error) {
	return control[api.RedisMemory](ctx, c, http.MethodPut, api.PathLabMemory, limit)
}

// Settle waits until no recompute and no background refresh runs, and returns the counters as they are then: only with those are a
// phase's totals final. When ctx ends first, the error has how many still ran.
func (c *Client) Settle(ctx context.Context) (api.Counters, error) {
	tick := time.NewTicker(settleEvery)
	defer tick.Stop()
	for {
		counters, err := c.Counters(ctx)
		if err != nil || counters.Running == 0 {
			return counters, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return counters, fmt.Errorf("wait for %d recomputes to end: %w", counters.Running, context.Cause(ctx))
		}
	}
}

// ChangePrice sets the price ("450000.00") of one property, and returns it as it is then and the time at which the change was known to
// be committed: whoever sends a read after that and gets a lower version was served a stale page.
func (c *Client) ChangePrice(ctx context.Context, id int64, price string) (api.Property, time.Time, error) {
	url := c.api + api.PathProperties + strconv.FormatInt(id, 10) + "/"
	body, err := c.call(ctx, http.MethodPatch, url, api.PriceChange{Price: price})
	committed := time.Now()
	if err != nil {
		return api.Property{}, time.Time{}, err
	}
	property, err := decode[api.Property](http.MethodPatch, url, body)
	return property, committed, err
}

// FirstPage is the first page of properties, past every cache: the ids that a price change can name.
func (c *Client) FirstPage(ctx context.Context) (api.Page, error) {
	url := c.api + api.PathLive + "optimized/"
	body, err := c.call(ctx, http.MethodGet, url, nil)
	if err != nil {
		return api.Page{}, err
	}
	return decode[api.Page](http.MethodGet, url, body)
}

func control[T any](ctx context.Context, c *Client, method, path string, body any) (T, error) {
	var zero T
	if c.lab == "" {
		return zero, ErrNoLab
	}
	answer, err := c.call(ctx, method, c.lab+path, body)
	if err != nil {
		return zero, err
	}
	return decode[T](method, c.lab+path, answer)
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
