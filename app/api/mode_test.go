package api_test

import (
	"strings"
	"testing"

	"loadlab/app/api"
)

func TestModeOf(t *testing.T) {
	for _, tt := range []struct{ method, path, mode, strategy string }{
		{"GET", "/api/properties/live/naive/", "naive", ""},
		{"GET", "/api/properties/live/optimized", "optimized", ""},
		{"GET", "/api/properties/live/batched/?page=3", "batched", ""},
		{"GET", "/api/properties/live/", "", ""},
		{"GET", "/api/properties/live", "", ""},
		{"GET", "/api/properties/live/naive/more/", "", ""},
		{"GET", "/api/properties/live/naive//", "", ""},
		{"GET", "/api/properties/live/%6eaive/", "naive", ""},
		{"POST", "/api/properties/live/naive/", "", ""},
		{"GET", "/api/properties/cached/", "ttl", "ttl"},
		{"GET", "/api/properties/cached", "ttl", "ttl"},
		{"GET", "/api/properties/cached?page=2", "ttl", "ttl"},
		{"GET", "/api/properties/cached/swr/", "swr", "swr"},
		{"GET", "/api/properties/cached/lock?page_size=5", "lock", "lock"},
		{"GET", "/api/properties/cached/ttl/?loader=naive", "ttl", "ttl"},
		{"GET", "/api/properties/cached/ttl/?loader=", "ttl", "ttl"},
		{"GET", "/api/properties/cached/ttl/?loader=%62atched", "ttl+batched", "ttl"},
		{"GET", "/api/properties/cached/ttl/?loader=batched&loader=naive", "ttl+batched", "ttl"},
		{"GET", "/api/properties/cached/early/?page=2&loader=batched", "early+batched", "early"},
		{"GET", "/api/properties/cached/?loader=optimized&page=2", "ttl+optimized", "ttl"},
		{"GET", "/api/properties/cached/ttl/more", "", ""},
		{"GET", "/api/properties/cached/negative/7/", "negative+property", "negative"},
		{"GET", "/api/properties/cached/ttl/7?loader=batched", "ttl+property", "ttl"},
		{"GET", "/api/properties/cached/ttl/0/", "", ""},
		{"GET", "/api/properties/cached/ttl/7//", "", ""},
		{"GET", "/api/properties/cached/ttl/7/7/", "", ""},
		{"GET", "/api/properties/cached//7/", "", ""},
		{"PATCH", "/api/properties/cached/ttl/7/", "", "ttl"},
		{"HEAD", "/api/properties/cached/ttl/", "ttl", "ttl"},
		{"GET", "/api/properties/7/", "property", ""},
		{"GET", "/api/properties/7?page=2", "property", ""},
		{"GET", "/api/properties/0/", "", ""},
		{"GET", "/api/properties/seven/", "", ""},
		{"GET", "/api/properties/", "", ""},
		{"PATCH", "/api/properties/7/", "price-change", ""},
		{"PATCH", "/api/properties/live/", "", ""},
		{"DELETE", "/api/properties/7/", "", ""},
		{"GET", "/healthz", "", ""},
		{"GET", "/somebody/elses", "", ""},
		{"", "", "", ""},
	} {
		if got := api.ModeOf(tt.method, tt.path); got != tt.mode {
			t.Errorf("%s %s is the mode %q, want %q", tt.method, tt.path, got, tt.mode)
		}
		if got := api.StrategyOf(tt.path); got != tt.strategy {
			t.Errorf("%s asks for the strategy %q, want %q", tt.path, got, tt.strategy)
		}
	}
}

// FuzzModeOf: whatever the request, there is an answer, and a cached page's mode begins with its strategy.
func FuzzModeOf(f *testing.F) {
	f.Add("GET", "/api/properties/cached/ttl/?loader=batched")
	f.Add("GET", "/api/properties/live/%zz?%zz")
	f.Add("PATCH", "/api/properties/7")
	f.Fuzz(func(t *testing.T, method, path string) {
		mode, strategy := api.ModeOf(method, path), api.StrategyOf(path)
		if method == "GET" && !strings.HasPrefix(mode, strategy) {
			t.Errorf("%q: mode %q of the strategy %q", path, mode, strategy)
		}
	})
}
