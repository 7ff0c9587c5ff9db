package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"

	"loadlab/loadgen/internal/world/link"
)

// Client controls the links of one process. Its methods may be called concurrently.
type Client struct {
	addr link.Addr
	http *http.Client
}

// Dial returns a client of the API at an address, tcp:HOST:PORT or unix:PATH. It connects when it is asked for something first.
func Dial(addr string) (*Client, error) {
	a, err := link.ParseAddr(addr)
	if err != nil {
		return nil, fmt.Errorf("control of links: %w", err)
	}
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, a.Network, a.Address)
	}
	return &Client{addr: a, http: &http.Client{Timeout: 2 * requestLimit, Transport: &http.Transport{DialContext: dial}}}, nil
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// StatusError is an answer other than 200.
type StatusError struct {
	Status int // 400, 404, 409 or 503, as the package says
	Detail string
}

func (e *StatusError) Error() string { return e.Detail }

// Links returns every link as it is.
func (c *Client) Links(ctx context.Context) (all []link.Status, err error) {
	return all, c.ask(ctx, http.MethodGet, nil, &all)
}

// Link returns one of them as it is.
func (c *Client) Link(ctx context.Context, name string) (s link.Status, err error) {
	return s, c.ask(ctx, http.MethodGet, nil, &s, name)
}

// Set makes the wire of a link another, for bytes that are read after it.
func (c *Client) Set(ctx context.Context, name string, w link.Wire) (s link.Status, err error) {
	return s, c.ask(ctx, http.MethodPut, w, &s, name)
}

// Begin begins a fault of a link, and returns what it did to the connections that were open.
func (c *Client) Begin(ctx context.Context, name string, f link.Fault) (e link.Effect, err error) {
	return e, c.ask(ctx, http.MethodPost, f, &e, name, "fault")
}

// End ends the fault of a link, and returns what it did. If Effect.Nothing reports true, it had no effect.
func (c *Client) End(ctx context.Context, name string) (e link.Effect, err error) {
	return e, c.ask(ctx, http.MethodDelete, nil, &e, name, "fault")
}

// ask sends one request, and decodes its answer into out.
func (c *Client) ask(ctx context.Context, method string, in, out any, path ...string) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("control of links: %w", err)
		}
		body = bytes.NewReader(text)
	}
	u := url.URL{Scheme: "http", Host: "links", Path: "/links"}
	req, err := http.NewRequestWithContext(ctx, method, u.JoinPath(path...).String(), body)
	if err != nil {
		return fmt.Errorf("control of links: %w", err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("control of links at %s: %w (is loadgen link --control=%s running?)", c.addr, err, c.addr)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 16*bodyLimit))
	if err != nil {
		return fmt.Errorf("control of links at %s: %w", c.addr, err)
	}
	if resp.StatusCode != http.StatusOK {
		var p problem
		if json.Unmarshal(text, &p) != nil || p.Error == "" {
			p.Error = resp.Status
		}
		return fmt.Errorf("control of links at %s: %w", c.addr, &StatusError{resp.StatusCode, p.Error})
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("control of links at %s: %w", c.addr, err)
	}
	return nil
}
