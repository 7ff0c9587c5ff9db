package lab_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
)

// Replicas get the settings that the first has otherwise, and no others; what they have in common is not sent.
func TestAlign(t *testing.T) {
	t.Parallel()
	configs := []api.Config{
		{"ttl": "10s", "beta": "2", "lock_ttl": "5s"},
		{"ttl": "1m0s", "beta": "1", "lock_ttl": "5s"},
		{"ttl": "10s", "beta": "2", "lock_ttl": "5s"},
	}
	sent := make([]api.Config, len(configs))
	var urls []string
	for i := range configs {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut {
				if err := json.NewDecoder(r.Body).Decode(&sent[i]); err != nil {
					t.Error(err)
				}
			}
			_ = json.NewEncoder(w).Encode(configs[i]) // the client may be gone
		}))
		defer server.Close()
		urls = append(urls, server.URL)
	}
	c := lab.New(urls, urls)
	defer c.Close()
	if err := c.Align(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := (api.Config{"ttl": "10s", "beta": "2"}); sent[0] != nil || !maps.Equal(sent[1], want) || sent[2] != nil {
		t.Errorf("got %v, want %v for the second alone", sent, want)
	}
}
