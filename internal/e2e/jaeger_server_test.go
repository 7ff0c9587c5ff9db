package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"loadlab/internal/localserver"
	"loadlab/internal/testkit"
)

// jaeger is a Jaeger with the tree's configuration, on ports of the loopback interface.
type jaeger struct {
	addrs  map[string]string // by the port that the configuration has
	client http.Client
}

// start starts it, and returns when it is healthy.
func (j *jaeger) start(ctx context.Context, t *testing.T, program, prometheus string) {
	t.Helper()
	folder, err := localserver.NewFolder()
	if err != nil {
		t.Fatal(err)
	}
	text := string(testkit.ReadFile(t, "otel/jaeger/config.yaml"))
	text = regexp.MustCompile(`0\.0\.0\.0:(\d+)`).ReplaceAllStringFunc(text, func(s string) string {
		_, port, _ := strings.Cut(s, ":")
		return j.addrs[port]
	})
	_, own, _ := strings.Cut(j.addrs["8888"], ":")
	text = strings.NewReplacer("host: 0.0.0.0", "host: 127.0.0.1", "port: 8888", "port: "+own, "http://prometheus:9090", prometheus).Replace(text)
	config := filepath.Join(folder.Path(), "config.yaml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "--config", config)
	cmd.Env = append(environment(), "OTEL_TRACES_SAMPLER=always_off")
	process, err := folder.Start("jaeger", cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(process.Stop(10*time.Second, syscall.SIGTERM), folder.Remove()); err != nil {
			t.Error(err)
		}
	})
	err = process.Await(ctx, 20*time.Millisecond, func(ctx context.Context) error {
		_, err := j.get(ctx, "13133", "/status", nil)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// jaegerTrace is a trace of the API.
type jaegerTrace struct {
	ID        string       `json:"traceID"`
	Spans     []jaegerSpan `json:"spans"`
	Processes map[string]struct {
		Service string `json:"serviceName"`
	} `json:"processes"`
}

type jaegerSpan struct {
	Process string `json:"processID"`
	Tags    []struct {
		Key   string `json:"key"`
		Value any    `json:"value"`
	} `json:"tags"`
}

// tag is the value of a tag of text.
func (s jaegerSpan) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// search is what the page Search asks for.
func (j *jaeger) search(t *testing.T, service, operation, least string, tags map[string]string) (found []jaegerTrace) {
	t.Helper()
	text, err := json.Marshal(tags)
	if err != nil {
		t.Fatal(err)
	}
	query := url.Values{"service": {service}, "tags": {string(text)}, "limit": {"20"}, "lookback": {"1h"}}
	if operation != "" {
		query.Set("operation", operation)
	}
	if least != "" {
		query.Set("minDuration", least)
	}
	j.data(t, "/api/traces", query, &found)
	return found
}

// trace is the spans of a trace; none if it is not there.
func (j *jaeger) trace(t *testing.T, id string) []jaegerSpan {
	t.Helper()
	data, err := j.get(t.Context(), "16686", "/api/traces/"+id, nil)
	if err != nil {
		return nil // 404
	}
	var answer struct {
		Data []jaegerTrace `json:"data"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Data) != 1 {
		return nil
	}
	return answer.Data[0].Spans
}

// data reads what an answer of the API has in its envelope.
func (j *jaeger) data(t *testing.T, path string, query url.Values, into any) {
	t.Helper()
	data, err := j.get(t.Context(), "16686", path, query)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &struct {
		Data any `json:"data"`
	}{into}); err != nil {
		t.Fatalf("%s: %v: %s", path, err, data)
	}
}

// get fetches a path from the port that the configuration has.
func (j *jaeger) get(ctx context.Context, port, path string, query url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+j.addrs[port]+path+"?"+query.Encode(), nil)
	if err != nil {
		return nil, err
	}
	return j.do(req)
}

func (j *jaeger) do(req *http.Request) ([]byte, error) {
	resp, err := j.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", req.URL, resp.Status, data)
	}
	return data, err
}
