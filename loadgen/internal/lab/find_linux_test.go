package lab_test

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"loadlab/app/api"
	"loadlab/loadgen/internal/lab"
)

// TestFind checks that the lab controls beside an API are found if they are of the same process, and that a service that is no lab's app is not asked for more than
// its health. Each case has an address of the loopback interface of its own, which Linux has without being told.
func TestFind(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		host        string
		health, lab any // nil: nothing is there
		want        bool
	}{
		"its own":        {"127.81.0.1", api.Health{Status: "ok", Instance: "a"}, api.Info{Instance: "a"}, true},
		"another app's":  {"127.81.0.2", api.Health{Status: "ok", Instance: "a"}, api.Info{Instance: "b"}, false},
		"none":           {"127.81.0.3", api.Health{Status: "ok", Instance: "a"}, nil, false},
		"another's port": {"127.81.0.4", map[string]string{"status": "ok"}, api.Info{}, false},
		"no health":      {"127.81.0.5", nil, api.Info{Instance: "a"}, false},
		"no JSON":        {"127.81.0.6", "fine", api.Info{Instance: "a"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			target := serveAt(t, net.JoinHostPort(test.host, "0"), api.PathHealthz, test.health, nil)
			want := serveAt(t, net.JoinHostPort(test.host, api.LabPort), api.PathLabBuildInfo, test.lab, &asked)
			got, ok := lab.Find(t.Context(), target+"/")
			if ok != test.want || ok && got != want {
				t.Errorf("got %s, %v, want %s, %v", got, ok, want, test.want)
			}
			if health, is := test.health.(api.Health); (!is || health.Instance == "") && asked > 0 {
				t.Error("a service that is not the lab's app was asked for lab controls")
			}
		})
	}
}

// serveAt answers one path of an address with JSON, and counts in asked how often anything was asked of it. A nil answer is 404.
func serveAt(t *testing.T, addr, path string, answer any, asked *int) (url string) {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked != nil {
			*asked++
		}
		if answer == nil || r.URL.Path != path {
			http.NotFound(w, r)
			return
		}
		_ = json.NewEncoder(w).Encode(answer) // the client may be gone
	}))
	s.Listener.Close()
	s.Listener = listener
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}
