package kubetest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientapi "k8s.io/client-go/tools/clientcmd/api"
)

// The users of the control plane. Admin may do everything, User what a test binds to it.
const (
	Admin = "admin"
	User  = "loadgen"
)

// Kubeconfig writes the file with which a user reaches the control plane, for a namespace, and returns its path.
func (c *ControlPlane) Kubeconfig(user, namespace string) (string, error) {
	path := c.path(user + "-" + namespace + ".yaml")
	return path, c.writeKubeconfig(path, user, namespace)
}

func (c *ControlPlane) writeKubeconfig(path, user, namespace string) error {
	const cluster = "kubetest"
	cfg := clientapi.NewConfig()
	cfg.Clusters[cluster] = &clientapi.Cluster{Server: c.URL, CertificateAuthority: c.path("certs/apiserver.crt")}
	cfg.AuthInfos[user] = &clientapi.AuthInfo{Token: c.tokens[user]}
	cfg.Contexts[cluster] = &clientapi.Context{Cluster: cluster, AuthInfo: user, Namespace: namespace}
	cfg.CurrentContext = cluster
	if err := clientcmd.WriteToFile(*cfg, path); err != nil {
		return fmt.Errorf("write the kubeconfig of %s: %w", user, err)
	}
	return nil
}

// auditPolicy makes the API server log what User asks for, once it is decided whether it may.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: Metadata, users: [` + User + `]}
- {level: None}
`

// Call is something that User asked of the API server.
type Call struct {
	Verb     string // as RBAC has it: "create"
	Resource string // as RBAC has it: "pods", "pods/portforward"
	Group    string // of the API: "", "batch"
	Name     string
	Allowed  bool
}

// Calls returns what User has asked of the resources of a namespace.
func (c *ControlPlane) Calls(namespace string) (calls []Call, err error) {
	f, err := os.Open(c.path("audit.log"))
	if err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct {
			Verb      string `json:"verb"`
			ObjectRef struct {
				Resource, Subresource, Namespace, Name string
				Group                                  string `json:"apiGroup"`
			} `json:"objectRef"`
			Annotations map[string]string `json:"annotations"`
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			return nil, fmt.Errorf("read the audit log: %w", err)
		}
		o := event.ObjectRef
		if o.Namespace != namespace {
			continue
		}
		if o.Subresource != "" {
			o.Resource += "/" + o.Subresource
		}
		calls = append(calls, Call{Verb: event.Verb, Resource: o.Resource, Group: o.Group, Name: o.Name, Allowed: event.Annotations["authorization.k8s.io/decision"] == "allow"})
	}
	return calls, lines.Err()
}
