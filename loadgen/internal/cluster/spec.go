// Package cluster has a run driven by the pods of a Kubernetes cluster: what a run is made of there (an Indexed Job, a headless Service, a ConfigMap and a Secret),
// how that is created, watched and deleted, and a way to pod 0, which leads the others. It does not know what the pods do beyond the command line that they get.
package cluster

import (
	"crypto/rand"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// Spec is a run in a cluster.
type Spec struct {
	Name      string // of its objects
	Namespace string // empty: that of who applies them
	Image     string
	Workers   int
	// Scenario is the name of the scenario's file among Files.
	Scenario string
	Files    map[string][]byte // by path in the scenario's folder
	// Private are files of the same folder that nobody but the pods is to read, as keys are.
	Private   map[string][]byte
	Variables map[string]string // of the environment, that the scenario names
	Secret    []byte            // of the run
	// SecretName is a Secret that is there already, with the run's under RunSecret and each variable and each private file under its own key; empty: one is made.
	SecretName string
	Args       []string      // of loadgen run, beside the scenario and who the workers are
	Join       time.Duration // that pods may take to register
	Silence    time.Duration // that a pod may be silent
	Deadline   time.Duration // of the whole: then the cluster ends it
	Pod        Pod
}

// Pod is what can be chosen of the pods.
type Pod struct {
	PullPolicy     core.PullPolicy // empty: the cluster's default
	PullSecret     string          // empty: none
	ServiceAccount string          // empty: the namespace's default. Its token is not mounted
	CPU, Memory    resource.Quantity
	NodeSelector   map[string]string
	Tolerations    []core.Toleration
}

// Limits of what the API takes.
const (
	maxName = 52      // of a Job, whose pods' hostnames have an index after it and at most 63 characters; the pods' own names have more
	maxData = 1 << 20 // of a ConfigMap or a Secret
)

// RunSecret is the key of a run's secret in its Secret.
const RunSecret = "run-secret"

// RunName makes a name of a scenario's, which no other run has.
func RunName(scenario string) string {
	name := strings.Trim(notInName().ReplaceAllString(strings.ToLower("loadgen-"+scenario), "-"), "-")
	return name[:min(len(name), maxName-6)] + "-" + strings.ToLower(rand.Text()[:5])
}

func notInName() *regexp.Regexp { return regexp.MustCompile(`[^a-z0-9]+`) }

// CheckName refuses what is no name of a run.
func CheckName(name string) error {
	if len(name) > maxName || !regexp.MustCompile(`^[a-z]([-a-z0-9]*[a-z0-9])?$`).MatchString(name) {
		return fmt.Errorf("want at most %d lower-case letters, digits and dashes, of which the first is a letter and the last no dash", maxName)
	}
	return nil
}

// Check refuses what the API would.
func (s *Spec) Check() error {
	if err := CheckName(s.Name); err != nil {
		return fmt.Errorf("the name %q: %w", s.Name, err)
	}
	for what, files := range map[string]map[string][]byte{"the scenario and its data": s.Files, "certificates and keys": s.Private} {
		size := 0
		for _, text := range files {
			size += len(text)
		}
		if size > maxData {
			return fmt.Errorf("%s have %d bytes, and a cluster's object takes %d: draw the data (zipf, uniform, sequence), or build an image that has the files and start loadgen worker in it", what, size, maxData)
		}
	}
	return nil
}

// SecretKeys are the keys that the run's Secret has.
func (s *Spec) SecretKeys() []string { return slices.Sorted(maps.Keys(s.keys())) }

// keys are the keys of the Secret, and what is under them.
func (s *Spec) keys() map[string][]byte {
	all := map[string][]byte{RunSecret: s.Secret}
	for name, value := range s.Variables {
		all[name] = []byte(value)
	}
	for path, text := range s.Private {
		all[key(path)] = text
	}
	return all
}

// key is a path as a key of a ConfigMap or a Secret. No two paths have the same.
func key(path string) string {
	var b strings.Builder
	for _, c := range []byte(path) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "_%02x", c)
		}
	}
	return b.String()
}
