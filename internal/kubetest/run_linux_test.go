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
	at      target
	loadgen string // the program that the pods have
}

// TestRuns checks runs of the load generator in a cluster, from the command to the report, and what is left of them: nothing.
func TestRuns(t *testing.T) {
	c := start(t)
	loadgen := filepath.Join(c.images["loadgen"].Folder, "loadgen")
	l := &lab{c, startTarget(t, loadgen), loadgen}
	t.Run("same as one process", l.testSame)
	t.Run("lost", l.testLost)
	t.Run("orphaned", l.testOrphaned)
	t.Run("killed", l.testKilled)
	t.Run("live", l.testLive)
	t.Run("not started", l.testNotStarted)
	t.Run("manifests", l.testManifests)
	t.Run("rights", l.testRights)
	t.Run("stampede", l.testStampede)
	if calls, err := c.plane.Calls(""); err != nil || len(calls) > 0 {
		t.Errorf("asked for outside of namespaces was %+v, %v", calls, err)
	}
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
	return []string{"--target", l.at.url, "--lab", l.at.lab, "--allow-limited", "--no-html"}
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

// calls returns what User has asked for, and what of it was refused, as lines that are sorted.
func (p *place) calls(t *testing.T) (verbs, refused []string) {
	t.Helper()
	calls, err := p.plane.Calls(p.ns)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls {
		what := right(c.Group, c.Resource, c.Verb)
		if verbs = append(verbs, what); !c.Allowed {
			refused = append(refused, what)
		}
	}
	slices.Sort(verbs)
	slices.Sort(refused)
	return slices.Compact(verbs), slices.Compact(refused)
}

// used checks that what User has asked for is what a Role gives.
func (p *place) used(t *testing.T, r *rbacv1.Role) {
	t.Helper()
	got, refused := p.calls(t)
	// An API server asks for create, too, where a WebSocket is opened by a GET. Its log has the latter alone.
	if slices.Contains(got, right("", "pods/portforward", "get")) {
		got = append(got, right("", "pods/portforward", "create"))
	}
	slices.Sort(got)
	if want := rights(r); !slices.Equal(got, want) || len(refused) > 0 {
		t.Errorf("asked for was\n%s\nof which refused was %v; the Role gives\n%s", strings.Join(got, "\n"), refused, strings.Join(want, "\n"))
	}
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
	p.gone(t)
	p.used(t, role(t, "loadgen"))
	alone := p.command(t, append([]string{"run", "./short.yaml", "--seed", "7"}, p.aimed()...)...)
	alone.run(t, 0)
	same(t, c.report(t), alone.report(t))
}

// same checks that two runs of a seed have sent the same. How long responses took is another matter: that histograms of workers are merged to those of one process is checked
// with recorded samples, by the tests of loadgen/internal/measure.
func same(t *testing.T, pods, alone report) {
	t.Helper()
	got, want := pods.Requests, alone.Requests
	if want.Hash == "" || got.Hash != want.Hash || got.Arrivals != want.Arrivals || len(got.Without)+len(pods.Invalid) > 0 {
		t.Errorf("pods sent %+v, invalid are %v; one process sent %+v", got, pods.Invalid, want)
	}
	if len(pods.Cells) != len(alone.Cells) || len(pods.Workers) != 3 {
		t.Fatalf("%d cells, want %d; %d workers", len(pods.Cells), len(alone.Cells), len(pods.Workers))
	}
	for i, cell := range pods.Cells {
		want := alone.Cells[i]
		if l := cell.Ledger; cell.Phase != want.Phase || cell.Mode != want.Mode || l.Scheduled != want.Ledger.Scheduled || l.Completed+l.Unsent != l.Scheduled {
			t.Errorf("pods: %+v, one process: %+v", cell, want)
		}
	}
}

// testNotStarted checks what is said of pods that cannot start.
func (l *lab) testNotStarted(t *testing.T) {
	for name, tt := range map[string]struct {
		args []string
		want string
	}{
		"no image": {[]string{"--image", "elsewhere/none:1"}, "no image elsewhere/none:1: ImagePullBackOff: "},
		"no node":  {[]string{"--node-selector", "disk=slow", "--start-timeout", "3s"}, "no node has room for it: 0/1 nodes are available"},
	} {
		t.Run(name, func(t *testing.T) {
			p := l.place(t, role(t, "loadgen"))
			c := p.run(t, "./short.yaml", tt.args...)
			c.run(t, 4)
			if !strings.Contains(c.stderr.String(), tt.want) {
				t.Errorf("it does not say %q", tt.want)
			}
			p.gone(t)
		})
	}
}

// testStampede checks the whole scenario of that name. Its gates are the machine's to hold.
func (l *lab) testStampede(t *testing.T) {
	p := l.place(t, role(t, "loadgen"))
	path := filepath.Join(testkit.Root(t), "scenarios", "stampede.yaml")
	c := p.run(t, path, "--seed", "7", "--links", l.at.links)
	_ = c.Run()
	t.Logf("%s", c)
	p.gone(t)
	alone := p.command(t, append([]string{"run", path, "--seed", "7", "--links", l.at.links}, p.aimed()...)...)
	_ = alone.Run()
	same(t, c.report(t), alone.report(t))
}
