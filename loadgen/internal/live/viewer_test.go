package live_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"loadlab/loadgen/internal/live"
)

// message is one server-sent event.
type message struct{ id, name, data string }

// viewer reads events.
type viewer struct {
	t    testing.TB
	body io.ReadCloser
	r    *bufio.Reader
}

func view(t testing.TB, url, last string) *viewer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		req.Header.Set("Last-Event-ID", last)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return &viewer{t, resp.Body, bufio.NewReader(resp.Body)}
}

// next returns the next event of that name.
func (v *viewer) next(name string) message {
	v.t.Helper()
	var m message
	for {
		line, err := v.r.ReadString('\n')
		if err != nil {
			v.t.Fatalf("waiting for %q: %v", name, err)
		}
		switch key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); key {
		case "id":
			m.id = value
		case "event":
			m.name = value
		case "data":
			m.data = value
		case "":
			if m.name == name {
				return m
			}
			m = message{}
		}
	}
}

func points(t testing.TB, m message) (all []live.Point) {
	t.Helper()
	if err := json.Unmarshal([]byte(m.data), &all); err != nil {
		t.Fatalf("%v in %s", err, m.data)
	}
	var seconds []live.Point
	for _, p := range all {
		if !strings.Contains(m.data, "quantiles") || p.Heat != nil {
			seconds = append(seconds, p)
		}
	}
	return seconds
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}
