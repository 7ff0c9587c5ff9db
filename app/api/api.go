// Package api is the wire contract of the lab's app: paths, headers with what writes them and what reads them, and JSON bodies. It imports
// the standard library only, so that the load generator can share it without sharing any code of the system it measures.
package api

import "time"

// Paths of the public API. Each is also served without its trailing slash.
const (
	PathProperties = "/api/properties/"        // + {id}/: one property (GET, PATCH)
	PathLive       = "/api/properties/live/"   // + {loader}/
	PathCached     = "/api/properties/cached/" // + {strategy}/, a page, or {strategy}/{id}/, one property; alone it is the strategy ttl
	PathHealthz    = "/healthz"
	PathReadyz     = "/readyz"
)

// Paths of the lab controls, on a port of their own.
const (
	PathMetrics      = "/metrics"
	PathLabConfig    = "/lab/config"
	PathLabFlush     = "/lab/cache/flush"
	PathLabExpire    = "/lab/cache/expire"
	PathLabKeys      = "/lab/cache/keys"
	PathLabMemory    = "/lab/redis/memory"
	PathLabCounters  = "/lab/counters"
	PathLabOutages   = "/lab/outages"
	PathLabUsage     = "/lab/usage"    // ?strategy=
	PathLabExplain   = "/lab/explain/" // + {loader}
	PathLabStrategy  = "/lab/strategies"
	PathLabBuildInfo = "/lab/info"
)

// Header names beyond the standard ones. Cache-Status is RFC 9211, Server-Timing the W3C's, traceparent W3C Trace Context.
const (
	HeaderCacheStatus  = "Cache-Status"
	HeaderServerTiming = "Server-Timing"
	HeaderAge          = "Age"
	HeaderETag         = "Etag"          // in net/http's spelling
	HeaderIfNoneMatch  = "If-None-Match" // of a request: see Matches
	HeaderCacheControl = "Cache-Control"
	HeaderTraceparent  = "Traceparent"
	// HeaderVersion carries the version of the page or property in the body: the greatest version of any row in it. Versions are
	// handed out in commit order, so a reader that has seen a price change commit as version v and then reads a page with a lower
	// version has read a stale page.
	HeaderVersion = "Loadlab-Version"
)

// What a cached page is served with if the request does not choose: the original experiment's.
const (
	DefaultLoader   = "naive"
	DefaultStrategy = "ttl"
)

// Page limits.
const (
	DefaultPageSize = 20
	MaxPageSize     = 100
)

// Page is the body of every list endpoint.
type Page struct {
	Count    int        `json:"count"`
	Next     *string    `json:"next"`
	Previous *string    `json:"previous"`
	Results  []Property `json:"results"`
}

// Property is one listing with everything the portal's page shows of it.
type Property struct {
	ID           int64     `json:"id"`
	Title        string    `json:"title"`
	PropertyType string    `json:"property_type"`
	Status       string    `json:"status"`
	Price        string    `json:"price"` // decimal string with two digits: "450000.00"
	Bedrooms     int       `json:"bedrooms"`
	Bathrooms    int       `json:"bathrooms"`
	SquareFeet   int       `json:"square_feet"`
	Version      int64     `json:"version"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	Agent        Agent     `json:"agent"`
	Location     Location  `json:"location"`
	Description  string    `json:"description"`
}

// Agent sells a property for an office.
type Agent struct {
	ID     int64  `json:"id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Phone  string `json:"phone"`
	Office Office `json:"office"`
}

// Office employs agents.
type Office struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Address string `json:"address"`
	Phone   string `json:"phone"`
}

// Location is where a property stands.
type Location struct {
	ID        int64   `json:"id"`
	Address   string  `json:"address"`
	City      string  `json:"city"`
	State     string  `json:"state"`
	ZipCode   string  `json:"zip_code"`
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// PriceChange is the body of PATCH /api/properties/{id}/.
type PriceChange struct {
	Price string `json:"price"`
}

// Problem is the body of every 4xx and 5xx answer (RFC 9457, application/problem+json).
type Problem struct {
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`
	Allowed []string `json:"allowed,omitempty"`
}
