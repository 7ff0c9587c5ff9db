package kubetest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"loadlab/internal/localserver"
)

// Times that starting and stopping a part of the control plane may take.
const (
	startLimit = 3 * time.Minute
	stopGrace  = 10 * time.Second
	pollEvery  = 100 * time.Millisecond
)

// ControlPlane is an etcd, an API server and its controllers.
type ControlPlane struct {
	// URL is where the API server is: https://127.0.0.1:PORT.
	URL string

	program   string
	folder    *localserver.Folder
	tokens    map[string]string // by user
	processes []*localserver.Process
}

// Start starts a control plane of the program that controlplane/ builds, and returns when it is ready.
func Start(ctx context.Context, program string) (_ *ControlPlane, err error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	c := &ControlPlane{program: program, tokens: map[string]string{Admin: rand.Text(), User: rand.Text()}}
	if c.folder, err = localserver.NewFolder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start the control plane: %w", err), c.Stop())
		}
	}()
	if err := c.writeFiles(); err != nil {
		return nil, err
	}
	etcd, err := c.startEtcd(ctx)
	if err != nil {
		return nil, err
	}
	if err := c.startAPIServer(ctx, etcd); err != nil {
		return nil, err
	}
	return c, c.startControllers(ctx)
}

// Stop ends all parts, the last one first, and removes what they wrote.
func (c *ControlPlane) Stop() error {
	var errs []error
	for i := len(c.processes) - 1; i >= 0; i-- {
		errs = append(errs, c.processes[i].Stop(stopGrace, syscall.SIGTERM))
	}
	return errors.Join(append(errs, c.folder.Remove())...)
}

// Client returns a client of the administrator.
func (c *ControlPlane) Client() (*kubernetes.Clientset, error) {
	return kubernetes.NewForConfig(c.config(Admin))
}

func (c *ControlPlane) config(user string) *rest.Config {
	return &rest.Config{Host: c.URL, BearerToken: c.tokens[user], TLSClientConfig: rest.TLSClientConfig{CAFile: c.path("certs/apiserver.crt")}, QPS: -1}
}

func (c *ControlPlane) path(name string) string { return filepath.Join(c.folder.Path(), name) }

// start starts the program under a name, which is what it is then.
func (c *ControlPlane) start(ctx context.Context, name string, args ...string) (*localserver.Process, error) {
	cmd := exec.CommandContext(context.WithoutCancel(ctx), c.program, args...)
	cmd.Args[0] = name
	p, err := c.folder.Start(name, cmd)
	if err == nil {
		c.processes = append(c.processes, p)
	}
	return p, err
}

// startEtcd returns etcd's URL.
func (c *ControlPlane) startEtcd(ctx context.Context) (string, error) {
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return "", err
	}
	client, peer := "http://"+ports[0], "http://"+ports[1]
	p, err := c.start(ctx, "etcd", "--data-dir", c.path("etcd"), "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer, "--unsafe-no-fsync", "--log-level", "warn")
	if err != nil {
		return "", err
	}
	return client, p.Await(ctx, pollEvery, func(ctx context.Context) error {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", ports[0])
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func (c *ControlPlane) startAPIServer(ctx context.Context, etcd string) error {
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return err
	}
	c.URL = "https://" + ports[0]
	_, port, _ := net.SplitHostPort(ports[0])
	p, err := c.start(ctx, "kube-apiserver", "--etcd-servers", etcd, "--bind-address", "127.0.0.1", "--advertise-address", "127.0.0.1", "--secure-port", port,
		"--cert-dir", c.path("certs"), "--token-auth-file", c.path("tokens.csv"), "--authorization-mode", "RBAC", "--service-cluster-ip-range", "10.96.0.0/16",
		"--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", c.path("accounts.key"), "--service-account-signing-key-file", c.path("accounts.key"),
		"--endpoint-reconciler-type", "none", "--audit-policy-file", c.path("audit.yaml"), "--audit-log-path", c.path("audit.log"), "--kubelet-preferred-address-types", "InternalIP")
	if err != nil {
		return err
	}
	return p.Await(ctx, pollEvery, func(ctx context.Context) error {
		client, err := c.Client() // when there is a certificate
		if err != nil {
			return err
		}
		return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// controllers are those that have a part in the life of a Job. Those of service accounts make the one that pods get when they name none.
const controllers = "job-controller,namespace-controller,garbage-collector-controller,ttl-after-finished-controller,pod-garbage-collector-controller,serviceaccount-controller,root-ca-certificate-publisher-controller"

func (c *ControlPlane) startControllers(ctx context.Context) error {
	if err := c.writeKubeconfig(c.path("controllers.yaml"), Admin, ""); err != nil {
		return err
	}
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return err
	}
	_, port, _ := net.SplitHostPort(ports[0])
	p, err := c.start(ctx, "kube-controller-manager", "--kubeconfig", c.path("controllers.yaml"), "--leader-elect=false", "--controllers", controllers,
		"--bind-address", "127.0.0.1", "--secure-port", port, "--cert-dir", c.path("controllers"), "--service-account-private-key-file", c.path("accounts.key"))
	if err != nil {
		return err
	}
	client, err := c.Client()
	if err != nil {
		return err
	}
	return p.Await(ctx, pollEvery, func(ctx context.Context) error {
		_, err := client.CoreV1().ServiceAccounts("default").Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// writeFiles writes what the API server reads: who its users are, what it logs, and a key for the tokens of service accounts.
func (c *ControlPlane) writeFiles() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return fmt.Errorf("make a key: %w", err)
	}
	tokens := fmt.Sprintf("%s,%s,1,system:masters\n%s,%s,2\n", c.tokens[Admin], Admin, c.tokens[User], User)
	files := map[string][]byte{
		"accounts.key": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"tokens.csv":   []byte(tokens),
		"audit.yaml":   []byte(auditPolicy),
	}
	for name, data := range files {
		if err := os.WriteFile(c.path(name), data, 0o600); err != nil {
			return fmt.Errorf("write a file of the control plane: %w", err)
		}
	}
	return nil
}

// freePorts returns n addresses on which nothing listened a moment ago.
func freePorts(ctx context.Context, n int) (addresses []string, err error) {
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer l.Close() //nolint:errcheck // nothing is under way on it. All at the end, so that no two are the same
		addresses = append(addresses, l.Addr().String())
	}
	return addresses, nil
}
