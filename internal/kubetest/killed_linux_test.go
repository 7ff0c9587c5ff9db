package kubetest_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/clientcmd"
)

// testKilled checks that a command that is killed while it creates a run leaves nothing that stays: before the Job, and before and after each object that the Job owns.
func (l *lab) testKilled(t *testing.T) {
	for _, tt := range []struct {
		call string
		done bool // before the command is killed
		left []string
	}{
		{"POST jobs", false, nil},
		{"POST jobs", true, []string{"job"}},
		{"POST services", false, []string{"job"}},
		{"POST services", true, []string{"job", "service"}},
		{"POST configmaps", true, []string{"job", "service", "configmap"}},
		{"POST secrets", true, []string{"job", "service", "configmap", "secret"}},
	} {
		t.Run(fmt.Sprintf("%s done %t", strings.ReplaceAll(tt.call, " ", "_"), tt.done), func(t *testing.T) {
			p := l.place(t, role(t, "loadgen"))
			reached := p.hold(t, tt.call, tt.done)
			c := p.run(t, "./endless.yaml")
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			limit := time.NewTimer(time.Minute)
			defer limit.Stop()
			select {
			case <-reached:
			case <-limit.C:
				_ = c.Process.Kill()
				_ = c.Wait()
				t.Fatalf("it does not come to %s\n%s", tt.call, c)
			}
			if err := c.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = c.Wait() // it was killed
			left := p.left(t)
			for _, kind := range tt.left {
				if !strings.Contains(strings.Join(left, " "), kind+"/loadgen-endless-") {
					t.Errorf("there is no %s: %v", kind, left)
				}
			}
			jobs := p.client.BatchV1().Jobs(p.ns)
			list, err := jobs.List(t.Context(), metav1.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(tt.left) == 0 && len(left) > 0 {
				t.Errorf("what is there is %v", left)
			}
			for _, job := range list.Items { // what it waits for, some minutes at least, is shortened
				if s := job.Spec; s.ActiveDeadlineSeconds == nil || s.TTLSecondsAfterFinished == nil || s.Suspend != nil && *s.Suspend {
					t.Errorf("the job has no deadline that runs: %+v", s)
				}
				patch := []byte(`{"spec":{"activeDeadlineSeconds":1,"ttlSecondsAfterFinished":1}}`)
				if _, err := jobs.Patch(t.Context(), job.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			p.gone(t)
		})
	}
}

// hold puts a proxy before the API server, for the commands that follow, which holds a call for ever: before the API server has it, or after it has answered. It returns what is
// closed then.
func (p *place) hold(t *testing.T, call string, done bool) (reached <-chan struct{}) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(p.kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cluster := config.Clusters[config.Contexts[config.CurrentContext].Cluster]
	server, err := url.Parse(cluster.Server)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := os.ReadFile(cluster.CertificateAuthority)
	if err != nil {
		t.Fatal(err)
	}
	known := x509.NewCertPool()
	known.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: known, MinVersion: tls.VersionTLS13}}
	t.Cleanup(transport.CloseIdleConnections)

	here, over, once := make(chan struct{}), make(chan struct{}), sync.Once{}
	wait := func(r *http.Request) (waited bool) {
		if parts := strings.Split(r.URL.Path, "/"); r.Method+" "+parts[len(parts)-1] != call {
			return false
		}
		once.Do(func() { close(here) })
		<-over // the command is killed meanwhile
		return true
	}
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(server) }, ErrorHandler: func(http.ResponseWriter, *http.Request, error) {}}
	if done {
		proxy.ModifyResponse = func(r *http.Response) error {
			if wait(r.Request) && r.StatusCode != http.StatusCreated {
				t.Errorf("%s: %s", call, r.Status)
			}
			return nil
		}
	}
	between := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if done || !wait(r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(between.Close)
	t.Cleanup(func() { close(over) })
	cluster.Server, cluster.CertificateAuthority = between.URL, "" // clientcmd passes no token on without TLS
	cluster.CertificateAuthorityData = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: between.Certificate().Raw})
	p.kubeconfig = filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(*config, p.kubeconfig); err != nil {
		t.Fatal(err)
	}
	return here
}
