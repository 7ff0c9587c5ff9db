package composetest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// held is how a container is started: as restricted as deploy/ has it.
const held = "docker run --rm --read-only --cap-drop ALL --security-opt no-new-privileges --network lab "

// TestImages builds the images as make images does, from the tree alone: the engine has no golang, and nothing to pull one from. They run held, the app without
// servers of its own, and loadgen against it.
func TestImages(t *testing.T) {
	if !*withEngine {
		t.Skip("make test-compose runs it")
	}
	e := startEngine(t)
	tree := copyTree(t)
	caches, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	paths := strings.Fields(string(caches))
	e.env = append(e.env, "GOCACHE="+paths[0], "GOMODCACHE="+paths[1]) // the engine has a home of its own
	if r := e.shell(t, tree, "make images REGISTRY=registry.test/team TAG=v1"); r.code != 0 || strings.Count(r.stdout, "registry.test/team/") != 2 {
		t.Fatal(r)
	} else {
		t.Log(r.stdout)
	}
	e.docker(t, nil, "network", "create", "lab")
	e.shell(t, tree, held+"--detach --name app --tmpfs /tmp --env LOADLAB_LAB_ADDR=:8001 registry.test/team/app:v1")
	if user := e.docker(t, nil, "inspect", "--format", "{{.Config.User}}", "app"); user != "65532:65532" {
		t.Errorf("the app runs as user %q", user)
	}
	e.shell(t, tree, "for i in $(seq 300); do docker exec app /app healthcheck && break; sleep 0.1; done")

	scenario := filepath.Join(t.TempDir(), "small.yaml")
	if err := os.WriteFile(scenario, []byte(strings.Replace(own, "world: {database: {rtt: 1ms}, replicas: 1}\n", "", 1)), 0o644); err != nil { //nolint:gosec // the container's user reads it
		t.Fatal(err)
	}
	loadgen := held + "--tmpfs /tmp --tmpfs /lab/runs:mode=1777 --volume " + scenario + ":/lab/small.yaml:ro registry.test/team/loadgen:v1 "
	for command, want := range map[string]string{
		"--version":                         "loadgen ",
		"hit http://app:8000/healthz -n 20": "20",
		"run small.yaml --target http://app:8000 --lab http://app:8001 --workers 2 --allow-limited": "all 2 gates hold",
	} {
		if r := e.shell(t, tree, loadgen+command); r.code != 0 || !strings.Contains(r.stdout, want) {
			t.Errorf("want %q: %s", want, r)
		}
	}
}
