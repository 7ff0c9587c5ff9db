package server_test

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"

	"loadlab/app/api"
	"loadlab/app/internal/housing"
	"loadlab/app/internal/server"
)

// Every route is counted under the mode that api.ModeOf names, with every loader and every strategy, and so is what is no page.
func TestRoutesAreCountedUnderModeOf(t *testing.T) {
	r := newRig(t, "", false)
	requests := [][2]string{
		{"GET", "/nowhere"}, {"GET", "/api/properties/"}, {"GET", "/api/properties/live"}, {"GET", "/api/properties/live/"},
		{"GET", "/api/properties/live/naive/more"}, {"GET", "/api/properties/live/%6eaive"}, {"GET", "/api/properties/0/"},
		{"GET", "/api/properties/cached/ttl//"}, {"GET", "/api/properties/cached/ttl/?loader=batched&loader=naive"},
		{"POST", "/api/properties/live/naive/"}, {"HEAD", "/api/properties/cached/ttl/"}, {"PATCH", "/api/properties/cached/"},
	}
	for _, route := range r.server.API().(*gin.Engine).Routes() {
		for _, path := range paths(t, route.Path) {
			requests = append(requests, [2]string{route.Method, path})
		}
	}
	if least := 2 * len(server.Strategies()) * len(housing.Loaders()); len(requests) < least {
		t.Errorf("%d requests, want a strategy and a loader each, at least %d", len(requests), least)
	}
	for _, request := range requests {
		method, path := request[0], request[1]
		before := r.counted(t)
		body := ""
		if method == http.MethodPatch {
			body = `{"price": "450000.00"}`
		}
		do(t, method, r.api.URL+path, body)
		var modes []string
		for mode, n := range r.counted(t) {
			if n > before[mode] {
				modes = append(modes, mode)
			}
		}
		if want := []string{cmp.Or(api.ModeOf(method, path), api.ModeNone)}; !slices.Equal(modes, want) {
			t.Errorf("%s %s is counted under %q, want %q", method, path, modes, want)
		}
	}
}

// counted returns the app's requests by mode.
func (r *rig) counted(t *testing.T) map[string]int64 {
	t.Helper()
	counted := map[string]int64{}
	for mode, c := range decode[api.Counters](t, get(t, r.lab.URL+api.PathLabCounters)).Modes {
		counted[mode] = c.Counts[api.CountRequests]
	}
	return counted
}

// paths returns the requests that a route is for: its parameters are all that there are, and a cached page has each loader.
func paths(t *testing.T, route string) []string {
	t.Helper()
	all := []string{route}
	fill := func(parameter string, values []string) {
		if !strings.Contains(route, parameter) {
			return
		}
		open := all
		all = nil
		for _, path := range open {
			for _, v := range values {
				all = append(all, strings.Replace(path, parameter, v, 1))
			}
		}
	}
	var strategies []string
	for _, s := range server.Strategies() {
		strategies = append(strategies, s.Name)
	}
	fill(":loader", housing.Loaders())
	fill(":strategy", strategies)
	fill(":id", []string{"1", "999999"})
	if strings.ContainsAny(all[0], ":*") {
		t.Fatalf("the route %s has a parameter that this test does not know", route)
	}
	if strings.HasPrefix(route, strings.TrimSuffix(api.PathCached, "/")) {
		for _, path := range slices.Clone(all) {
			for _, loader := range housing.Loaders() {
				all = append(all, path+"?loader="+loader)
			}
		}
	}
	return all
}
