package run

import (
	"net/http"
	"net/url"
	"time"

	"loadlab/loadgen/internal/client"
)

// job is what every worker is to know of the run.
type job struct {
	Seed    uint64   `json:"seed"`
	Modes   []string `json:"modes"`
	Workers int      `json:"workers"`
	URLs    []string `json:"urls"` // of the replicas
	Connect connect  `json:"connect"`
	Traces  float64  `json:"traces"` // requests a second that are traced, in phases that leave it open
	Traced  bool     `json:"traced"`
}

// connect is how requests are made.
type connect struct {
	Transport string        `json:"transport"`
	Timeout   time.Duration `json:"timeout"`
	Phases    bool          `json:"phases"`
	Insecure  bool          `json:"insecure"`
	HTTP2     bool          `json:"http2"`
	Proxy     string        `json:"proxy"`
	Redirects int           `json:"redirects"`
	Header    http.Header   `json:"header,omitempty"`
	Socket    string        `json:"socket,omitempty"`
	Address   string        `json:"address,omitempty"`
	Within    time.Duration `json:"within,omitempty"` // connecting
	PEM       client.PEM    `json:"pem"`
}

// job describes the run.
func (r *runner) job() job {
	o := r.subject.client
	j := job{
		Seed: r.Seed, Workers: r.Workers.N, URLs: r.subject.stack.APIs,
		Connect: connect{
			Transport: o.Transport, Timeout: o.Timeout, Phases: o.Phases, Insecure: o.Insecure, HTTP2: o.HTTP2, Redirects: o.Redirects,
			Header: o.Header, Socket: o.Socket, Address: o.Address, Within: o.ConnectTimeout, PEM: o.PEM,
		},
		Traces: r.Traces, Traced: r.observers.tracing.on(),
	}
	if o.Proxy != nil {
		j.Connect.Proxy = o.Proxy.String()
	}
	for _, m := range r.Scenario.Compared() {
		j.Modes = append(j.Modes, m.Name)
	}
	return j
}

// options returns how requests are made, from what a worker was told.
func (c connect) options() (o client.Options, err error) {
	o = client.Options{
		Transport: c.Transport, Timeout: c.Timeout, Phases: c.Phases, Insecure: c.Insecure, HTTP2: c.HTTP2, Redirects: c.Redirects,
		Header: c.Header, Socket: c.Socket, Address: c.Address, ConnectTimeout: c.Within, PEM: c.PEM,
	}
	if o.TLS, err = c.PEM.Config(); err != nil || c.Proxy == "" {
		return o, err
	}
	o.Proxy, err = url.Parse(c.Proxy)
	return o, err
}
