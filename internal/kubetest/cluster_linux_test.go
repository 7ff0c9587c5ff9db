package kubetest_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"loadlab/internal/kubetest"
	"loadlab/internal/testkit"
)

var program = flag.String("controlplane", "", "run the tests in a cluster of this control plane, which .ci/kubernetes builds")

func TestMain(m *testing.M) {
	kubetest.Contained()
	klog.SetSlogLogger(slog.New(slog.DiscardHandler)) // what is wrong with a connection, its two ends say
	os.Exit(m.Run())
}

// cluster is a control plane with a node.
type cluster struct {
	plane  *kubetest.ControlPlane
	node   *kubetest.Node
	client *kubernetes.Clientset
	images map[string]kubetest.Image
}

// start starts a cluster for a test.
func start(t *testing.T) *cluster {
	t.Helper()
	if *program == "" {
		t.Skip("SKIPPED, NOT TESTED: make test-kubernetes builds a control plane and runs this in it")
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED, NOT TESTED: pods are processes with a root and a user of their own, which takes root")
	}
	begin := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	plane, err := kubetest.Start(ctx, *program)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	client, err := plane.Client()
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]kubetest.Image{"busybox": {Folder: busybox(t)}, "loadgen": {Folder: loadgenImage(t), Entrypoint: []string{"/loadgen"}}}
	node, err := kubetest.StartNode(ctx, plane, kubetest.NodeConfig{Labels: map[string]string{"disk": "fast"}, Images: images})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(); err != nil {
			t.Error(err)
		}
	})
	t.Logf("the cluster is ready after %s", time.Since(begin).Round(100*time.Millisecond))
	return &cluster{plane, node, client, images}
}

// busybox is an image of that program.
func busybox(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "busybox")
	if err := os.MkdirAll(filepath.Join(folder, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("/bin/busybox")
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "bin", "busybox"), data, 0o755)
	}
	if err == nil {
		err = os.Symlink("busybox", filepath.Join(folder, "bin", "sh"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// loadgenImage is an image as loadgen/Dockerfile makes it.
func loadgenImage(t *testing.T) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "loadgen")
	for name, mode := range map[string]os.FileMode{"tmp": 0o777 | os.ModeSticky, "lab/runs": 0o777} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	build(t, filepath.Join(folder, "loadgen"), "./loadgen")
	return folder
}

// build builds a static program of the repository.
func build(t *testing.T, to, from string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", to, from)
	cmd.Dir = testkit.Root(t)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("build %s: %w\n%s", from, err, out))
	}
}
