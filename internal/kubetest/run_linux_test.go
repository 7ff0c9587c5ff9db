package kubetest_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"loadlab/internal/kubetest"
	"loadlab/internal/testkit"
)

// lab is a cluster, and something to load.
type lab struct {
	*cluster
	target
	loadgen string // the program that the pods have
}

// TestRuns checks runs of the load generator in a cluster, from the command to the report, and what is left of them: nothing.
func TestRuns(t *testing.T) {
	c := start(t)
	l := &lab{c, startTarget(t), filepath.Join(c.images["loadgen"].Folder, "loadgen")}
	t.Run("same as one process", l.testSame)
	t.Run("lost", l.testLost)
	t.Run("orphaned", l.testOrphaned)
}

// place is a namespace for one test, in which User has a Role of deploy/rbac/loadgen.yaml.
type place struct {
	*lab
	ns, kubeconfig string
}

// place makes a namespace in which User may do what a Role says, and checks at the end of the test that nothing of a run is left in it.
func (l *lab) place(t *testing.T, role *rbacv1.Role) *place {
	t.Helper()
	p := &place{lab: l, ns: l.namespace(t)}
	role = role.DeepCopy()
	role.Namespace = p.ns
	if _, err := l.client.RbacV1().Roles(p.ns).Create(t.Context(), role, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "loadgen"}, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: role.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: kubetest.User}},
	}
	if _, err := l.client.RbacV1().RoleBindings(p.ns).Create(t.Context(), binding, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	var err error
	if p.kubeconfig, err = l.plane.Kubeconfig(kubetest.User, p.ns); err != nil {
		t.Fatal(err)
	}
	return p
}

// role returns a Role of deploy/rbac/loadgen.yaml.
func role(t *testing.T, name string) *rbacv1.Role {
	t.Helper()
	for text := range strings.SplitSeq(string(testkit.ReadFile(t, "deploy/rbac/loadgen.yaml")), "\n---\n") {
		r := &rbacv1.Role{}
		if err := yaml.UnmarshalStrict([]byte(text), r); err != nil {
			t.Fatal(err)
		}
		if r.Name == name {
			return r
		}
	}
	t.Fatalf("there is no Role %s", name)
	return nil
}

// run returns a run of a scenario by three pods.
func (p *place) run(t *testing.T, scenario string, more ...string) *command {
	t.Helper()
	args := append([]string{"run", scenario, "--on", "kubernetes", "--kubeconfig", p.kubeconfig, "--image", "loadgen", "--workers", "3"}, p.aimed()...)
	return p.command(t, append(args, more...)...)
}

// aimed are the flags of what is loaded.
func (l *lab) aimed() []string {
	return []string{"--target", l.url, "--lab", l.target.lab, "--allow-limited", "--no-html"}
}

// left returns what is in the namespace that a run has made.
func (p *place) left(t *testing.T) (left []string) {
	t.Helper()
	add := func(kind string, n int, name func(int) string, err error) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			if name(i) != "kube-root-ca.crt" { // every namespace has it
				left = append(left, kind+"/"+name(i))
			}
		}
	}
	core, ctx, all := p.client.CoreV1(), t.Context(), metav1.ListOptions{}
	jobs, err := p.client.BatchV1().Jobs(p.ns).List(ctx, all)
	add("job", len(jobs.Items), func(i int) string { return jobs.Items[i].Name }, err)
	pods, err := core.Pods(p.ns).List(ctx, all)
	add("pod", len(pods.Items), func(i int) string { return pods.Items[i].Name }, err)
	services, err := core.Services(p.ns).List(ctx, all)
	add("service", len(services.Items), func(i int) string { return services.Items[i].Name }, err)
	configMaps, err := core.ConfigMaps(p.ns).List(ctx, all)
	add("configmap", len(configMaps.Items), func(i int) string { return configMaps.Items[i].Name }, err)
	secrets, err := core.Secrets(p.ns).List(ctx, all)
	add("secret", len(secrets.Items), func(i int) string { return secrets.Items[i].Name }, err)
	return left
}

// gone waits until nothing of a run is left, neither in the namespace nor of its processes.
func (p *place) gone(t *testing.T) {
	t.Helper()
	var left []string
	begin := time.Now()
	for time.Since(begin) < time.Minute {
		if left = p.left(t); len(left) == 0 && len(p.node.Running()) == 0 {
			t.Logf("nothing is left %s after the command", time.Since(begin).Round(100*time.Millisecond))
			return
		}
		pause := time.NewTimer(100 * time.Millisecond)
		<-pause.C
	}
	t.Errorf("left are %v, processes %v", left, p.node.Running())
}

// calls returns what User has asked for, as lines that are sorted, and fails the test for what was refused.
func (p *place) calls(t *testing.T) (verbs []string) {
	t.Helper()
	calls, err := p.plane.Calls(p.ns)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		if !c.Allowed {
			t.Errorf("refused: %+v", c)
		}
		verbs = append(verbs, right(c.Group, c.Resource, c.Verb))
	}
	slices.Sort(verbs)
	return slices.Compact(verbs)
}

func right(group, resource, verb string) string {
	return fmt.Sprintf("%s %s/%s", verb, group, resource)
}

// rights returns what a Role gives, as calls returns what was asked for.
func rights(r *rbacv1.Role) (verbs []string) {
	for _, rule := range r.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					verbs = append(verbs, right(group, resource, verb))
				}
			}
		}
	}
	slices.Sort(verbs)
	return verbs
}

// testSame checks that three pods, started by a user who has the Role alone, send what one process sends.
func (l *lab) testSame(t *testing.T) {
	p := l.place(t, role(t, "loadgen"))
	c := p.run(t, "./short.yaml", "--seed", "7")
	c.run(t, 0)
	t.Logf("%s", c)
	p.gone(t)
	alone := p.command(t, append([]string{"run", "./short.yaml", "--seed", "7"}, p.aimed()...)...)
	alone.run(t, 0)
	t.Logf("%s", alone)
	got, want := c.report(t), alone.report(t)
	if got.Requests.Hash != want.Requests.Hash || got.Requests.Arrivals != want.Requests.Arrivals || len(got.Requests.Without)+len(got.Invalid) > 0 {
		t.Errorf("pods sent %+v, one process %+v", got, want)
	}
	// An API server asks for create, too, where a WebSocket is opened by a GET; the log has the latter alone.
	if got, want := append(p.calls(t), right("", "pods/portforward", "create")), rights(role(t, "loadgen")); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("a run asked for\n%s\nthe Role gives\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
