package cluster_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"loadlab/loadgen/internal/cluster"
)

// api is an API server that keeps what is created, and refuses what it is told to.
type api struct {
	mu      sync.Mutex // guards all below
	calls   []string   // "POST jobs"
	objects map[string]json.RawMessage
	refuses string // the call that it answers with 403
	sees    func(call string)

	pods   []any      // each state of the pods: a list
	change chan []any // the states that a watch shows after it
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/api/v1/namespaces/lab/"), "/apis/batch/v1/namespaces/lab/"), "/")
	call := r.Method + " " + parts[0]
	w.Header().Set("Content-Type", "application/json")
	a.mu.Lock()
	a.calls = append(a.calls, call)
	refused := call == a.refuses
	a.mu.Unlock()
	if a.sees != nil {
		a.sees(call)
	}
	switch {
	case refused:
		w.WriteHeader(http.StatusForbidden)
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Message: "not allowed", Reason: metav1.StatusReasonForbidden, Code: http.StatusForbidden})
	case r.Method == http.MethodPost:
		var o map[string]any
		_ = json.NewDecoder(r.Body).Decode(&o)
		o["metadata"].(map[string]any)["uid"] = "uid-of-" + parts[0]
		text, _ := json.Marshal(o)
		a.mu.Lock()
		a.objects[parts[0]] = text
		a.mu.Unlock()
		_, _ = w.Write(text)
	case r.Method == http.MethodGet && parts[0] == "pods" && r.URL.Query().Get("watch") == "":
		_ = json.NewEncoder(w).Encode(map[string]any{"kind": "PodList", "apiVersion": "v1", "metadata": map[string]any{"resourceVersion": "1"}, "items": a.pods})
	case r.Method == http.MethodGet && parts[0] == "pods":
		for pods := range a.change {
			for _, p := range pods {
				_ = json.NewEncoder(w).Encode(map[string]any{"type": "MODIFIED", "object": p})
			}
			w.(http.Flusher).Flush()
		}
	default:
		_, _ = w.Write([]byte(`{"kind":"Status","apiVersion":"v1","status":"Success"}`))
	}
}

// serve starts an API server, and returns a namespace of it.
func serve(t *testing.T, a *api) *cluster.Cluster {
	t.Helper()
	a.objects = map[string]json.RawMessage{}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := `{apiVersion: v1, kind: Config, current-context: test, clusters: [{name: test, cluster: {server: "` + server.URL + `"}}], contexts: [{name: test, context: {cluster: test, user: test, namespace: lab}}], users: [{name: test, user: {token: x}}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Connect(cluster.Access{Kubeconfig: file})
	if err != nil {
		t.Fatal(err)
	}
	if c.Namespace != "lab" {
		t.Fatalf("namespace %q, want the context's", c.Namespace)
	}
	return c
}
