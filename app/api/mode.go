package api

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Names of modes, under which the app counts, beyond those of loaders and strategies.
const (
	ModeProperty    = "property"
	ModePriceChange = "price-change"
	ModeRelay       = "relay" // the publishing of price changes, which no request waits for
	ModeNone        = "none"  // requests that ask for no page
)

// CachedMode is the mode of a cached page: the strategy's, and with a loader other than the default "strategy+loader". That of a cached property has
// ModeProperty for the loader: "negative+property".
func CachedMode(strategy, loader string) string {
	if loader == "" || loader == DefaultLoader {
		return strategy
	}
	return strategy + "+" + loader
}

// ModeOf returns the mode under which the app counts a request: "naive", "ttl+batched", "negative+property", ModeProperty. It is empty for a request that asks
// for no page, which the app counts under ModeNone. Which loaders and strategies there are is not known here: a request for one that the
// app does not have is taken for one that it has.
func ModeOf(method, pathAndQuery string) string {
	path, query := split(pathAndQuery)
	if method == http.MethodHead { // is served as GET
		method = http.MethodGet
	}
	if method == http.MethodGet {
		if loader, ok := segment(path, PathLive); ok {
			return loader
		}
		if strategy, ok := cachedProperty(path); ok {
			return CachedMode(strategy, ModeProperty)
		}
		if strategy := strategyOf(path); strategy != "" {
			values, _ := url.ParseQuery(query) // what can be read of it
			return CachedMode(strategy, values.Get("loader"))
		}
	}
	if text, _ := segment(path, PathProperties); !isID(text) {
		return ""
	}
	switch method {
	case http.MethodGet:
		return ModeProperty
	case http.MethodPatch:
		return ModePriceChange
	}
	return ""
}

// StrategyOf returns the caching strategy that a path asks for; empty if it asks for none. A query after the path is ignored.
func StrategyOf(path string) string {
	path, _ = split(path)
	return strategyOf(path)
}

func strategyOf(path string) string {
	if path == PathCached || path+"/" == PathCached {
		return DefaultStrategy
	}
	if strategy, ok := cachedProperty(path); ok {
		return strategy
	}
	strategy, _ := segment(path, PathCached)
	return strategy
}

// cachedProperty returns the strategy of a path that asks for a cached property: PathCached, a strategy and an id.
func cachedProperty(path string) (strategy string, ok bool) {
	rest, ok := strings.CutPrefix(path, PathCached)
	strategy, id, both := strings.Cut(strings.TrimSuffix(rest, "/"), "/")
	if !ok || !both || strategy == "" || !isID(id) {
		return "", false
	}
	return strategy, true
}

func isID(text string) bool {
	id, err := strconv.ParseInt(text, 10, 64)
	return err == nil && id >= 1
}

// split separates a path from its query, and decodes it as a server does.
func split(pathAndQuery string) (path, query string) {
	path, query, _ = strings.Cut(pathAndQuery, "?")
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return path, query
}

// segment returns the one segment that follows prefix in a path, with or without a slash after it.
func segment(path, prefix string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(path, prefix)
	name = strings.TrimSuffix(rest, "/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return "", false
	}
	return name, true
}
