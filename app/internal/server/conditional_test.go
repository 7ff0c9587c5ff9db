package server_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"loadlab/app/api"
	"loadlab/app/internal/pagecache"
)

const httpPath = api.PathCached + pagecache.HTTP + "/"

// configure changes knobs of the app while it runs.
func (r *rig) configure(t *testing.T, knobs string) {
	t.Helper()
	if a := do(t, http.MethodPut, r.lab.URL+api.PathLabConfig, knobs); a.StatusCode != http.StatusOK {
		t.Fatalf("got %d: %s", a.StatusCode, a.body)
	}
}

// TestNotModified: a 304 has no body, and of the headers of the 200 in its place all but those of the body.
func TestNotModified(t *testing.T) {
	r := newRig(t, "", false)
	r.configure(t, `{"ttl": "100s", "grace": "20s"}`)
	if a := get(t, r.api.URL+httpPath, "If-None-Match", `"0000000000000001"`); a.StatusCode != http.StatusOK || a.Header.Get("Age") != "0" ||
		a.Header.Get("ETag") == "" || a.Header.Get(api.HeaderCacheStatus) != "loadlab; fwd=miss; stored" {
		t.Fatalf("the miss: got %d with %v", a.StatusCode, a.Header)
	}
	r.redis.FastForward(30 * time.Second)
	full := get(t, r.api.URL+httpPath)
	etag := full.Header.Get("ETag")
	if full.StatusCode != http.StatusOK || full.body == "" || !api.IsETag([]byte(etag)) || etag[0] != '"' {
		t.Fatalf("got %d with the ETag %q", full.StatusCode, etag)
	}
	if got, want := full.Header.Get("Cache-Control"), "public, max-age=100, stale-while-revalidate=20, stale-if-error=20"; got != want {
		t.Errorf("Cache-Control %q, want %q", got, want)
	}
	for _, match := range []string{etag, "W/" + etag, `"x", ` + etag, "*"} {
		a := get(t, r.api.URL+httpPath, "If-None-Match", match)
		if a.StatusCode != http.StatusNotModified || a.body != "" || a.ContentLength > 0 || a.Header.Get("Content-Length") != "" || a.Header.Get("Content-Type") != "" {
			t.Errorf("%s: got %d with %q and %v, want a 304 without a body", match, a.StatusCode, a.body, a.Header)
		}
		for _, name := range []string{"ETag", "Cache-Control", "Age", api.HeaderVersion} {
			if got, want := a.Header.Get(name), full.Header.Get(name); got != want || got == "" {
				t.Errorf("%s: %s %q, want that of the 200, %q", match, name, got, want)
			}
		}
		if a.Header.Get("Date") == "" || len(a.Header.Values("Vary")) > 0 || len(full.Header.Values("Vary")) > 0 {
			t.Errorf("%s: got %v, want a Date, and no Vary as nothing is negotiated", match, a.Header)
		}
		if got, want := a.Header.Get(api.HeaderCacheStatus), "loadlab; hit; ttl=70; detail=not-modified"; got != want {
			t.Errorf("%s: Cache-Status %q, want %q", match, got, want)
		}
		if queries, commands := a.cost(t); queries != "0" || commands != "2" {
			t.Errorf("%s: took %s queries and %s commands, want 0 and 2", match, queries, commands)
		}
	}
	for _, match := range []string{`"0000000000000001"`, strings.Trim(etag, `"`), "junk", "", `"`} {
		if a := get(t, r.api.URL+httpPath, "If-None-Match", match); a.StatusCode != http.StatusOK || a.body != full.body || a.Header.Get("ETag") != etag {
			t.Errorf("%q: got %d and %d bytes, want the page", match, a.StatusCode, len(a.body))
		}
	}
	if got := r.log.String(); strings.Contains(got, "level=ERROR") || strings.Contains(got, "level=WARN") {
		t.Errorf("logged %s", got)
	}
}

// TestNotModifiedIsOfOneBody: a price change makes a page another, and a recompute of the same does not.
func TestNotModifiedIsOfOneBody(t *testing.T) {
	r := newRig(t, "", false)
	first := get(t, r.api.URL+httpPath)
	expire := func() {
		t.Helper()
		if a := do(t, http.MethodPost, r.lab.URL+api.PathLabFlush, ""); a.StatusCode >= http.StatusBadRequest {
			t.Fatalf("got %d: %s", a.StatusCode, a.body)
		}
	}
	expire()
	etag := first.Header.Get("ETag")
	if a := get(t, r.api.URL+httpPath, "If-None-Match", etag); a.StatusCode != http.StatusNotModified || a.Header.Get(api.HeaderCacheStatus) != "loadlab; fwd=miss; stored; detail=not-modified" {
		t.Errorf("recomputed to the same: got %d, %q", a.StatusCode, a.Header.Get(api.HeaderCacheStatus))
	}
	id := decode[api.Page](t, first).Results[0].ID
	if a := do(t, http.MethodPatch, fmt.Sprint(r.api.URL, api.PathProperties, id, "/"), `{"price": "1.00"}`); a.StatusCode != http.StatusOK {
		t.Fatalf("got %d: %s", a.StatusCode, a.body)
	}
	expire()
	a := get(t, r.api.URL+httpPath, "If-None-Match", etag)
	if a.StatusCode != http.StatusOK || a.Header.Get("ETag") == etag || a.body == first.body {
		t.Errorf("after a price change: got %d with the ETag %s, want another page than %s", a.StatusCode, a.Header.Get("ETag"), etag)
	}
}

// TestAgeAndMaxAgeAddUp: nobody who uses a page for as long as its headers allow uses it longer than its TTL, whenever they got it.
func TestAgeAndMaxAgeAddUp(t *testing.T) {
	for _, ttl := range []time.Duration{400 * time.Millisecond, time.Second, 2500 * time.Millisecond, 4 * time.Second} {
		t.Run(ttl.String(), func(t *testing.T) {
			r := newRig(t, "", false)
			r.configure(t, fmt.Sprintf(`{"ttl": %q, "grace": "10s"}`, ttl))
			get(t, r.api.URL+httpPath)
			const step = 300 * time.Millisecond
			for age := time.Duration(0); age < ttl+2*step; age += step { // some of them are stale
				a := get(t, r.api.URL+httpPath)
				seconds := maxAge(t, a) - number(t, a.Header.Get("Age"))
				if left := ttl - age; max(seconds, 0) > max(left, 0) {
					t.Errorf("%s old: Age %s and %q leave %s, and its TTL %s", age, a.Header.Get("Age"), a.Header.Get("Cache-Control"), seconds, left)
				}
				if got := number(t, a.Header.Get("Age")); got < age && strings.Contains(a.Header.Get(api.HeaderCacheStatus), "hit") {
					t.Errorf("%s old: Age %s", age, got)
				}
				if age > 0 && age < ttl && !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "hit") {
					t.Errorf("%s old: %s, want a hit", age, a.Header.Get(api.HeaderCacheStatus))
				}
				if age+step < ttl { // a refresh in the background would begin anew
					r.redis.FastForward(step)
					continue
				}
				break
			}
		})
	}
}

func number(t *testing.T, seconds string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(seconds)
	if err != nil {
		t.Fatal(err)
	}
	return time.Duration(n) * time.Second
}

func maxAge(t *testing.T, a answer) time.Duration {
	t.Helper()
	for directive := range strings.SplitSeq(a.Header.Get("Cache-Control"), ", ") {
		if seconds, ok := strings.CutPrefix(directive, "max-age="); ok {
			return number(t, seconds)
		}
	}
	t.Fatalf("Cache-Control %q", a.Header.Get("Cache-Control"))
	return 0
}

// TestStaleIsNotModified: past its TTL a copy is current while the page is refreshed, and while that fails, and it says how old it is.
func TestStaleIsNotModified(t *testing.T) {
	r := newRig(t, "", false)
	r.configure(t, `{"ttl": "10s", "grace": "1h"}`)
	etag := get(t, r.api.URL+httpPath).Header.Get("ETag")
	if err := r.store.Close(); err != nil { // from now on every recompute fails
		t.Fatal(err)
	}
	r.redis.FastForward(15 * time.Second)
	for range 3 {
		a := get(t, r.api.URL+httpPath, "If-None-Match", etag)
		if status := a.Header.Get(api.HeaderCacheStatus); a.StatusCode != http.StatusNotModified || !strings.HasPrefix(status, "loadlab; fwd=stale; ttl=-5; detail=") ||
			a.Header.Get("Age") != "15" || maxAge(t, a) != 10*time.Second {
			t.Errorf("got %d, %q, %v, want a stale 304", a.StatusCode, status, a.Header)
		}
		if a := get(t, r.api.URL+httpPath); a.StatusCode != http.StatusOK || a.body == "" || a.Header.Get("ETag") != etag {
			t.Errorf("without a copy: got %d, %v, want the stale page", a.StatusCode, a.Header)
		}
	}
}

// TestNoValidatorWithoutRedis: a page that is not in the cache has no ETag, and whoever has a copy gets all of it.
func TestNoValidatorWithoutRedis(t *testing.T) {
	r := newRig(t, "", false)
	etag := get(t, r.api.URL+httpPath).Header.Get("ETag")
	r.redis.Close()
	for _, match := range []string{etag, "*"} {
		a := get(t, r.api.URL+httpPath, "If-None-Match", match)
		if a.StatusCode != http.StatusOK || a.body == "" || a.Header.Get("ETag") != "" || !strings.Contains(a.Header.Get(api.HeaderCacheStatus), "fwd=miss; detail=redis-") {
			t.Errorf("%s: got %d, %v, want the page", match, a.StatusCode, a.Header)
		}
	}
}

// TestOthersHaveNoValidators: what the other strategies answer has not changed.
func TestOthersHaveNoValidators(t *testing.T) {
	r := newRig(t, "", false)
	paths := []string{api.PathLive + "optimized/"}
	for _, s := range pagecache.Strategies() {
		if s.Name != pagecache.HTTP {
			paths = append(paths, api.PathCached+s.Name+"/")
		}
	}
	for _, path := range paths {
		get(t, r.api.URL+path)
		a := get(t, r.api.URL+path, "If-None-Match", "*")
		if a.StatusCode != http.StatusOK || a.Header.Get("ETag") != "" || a.Header.Get("Cache-Control") != "" {
			t.Errorf("%s: got %d, %v, want a plain answer", path, a.StatusCode, a.Header)
		}
	}
}
