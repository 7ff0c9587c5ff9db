package kubetest_test

import (
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testRights checks that a run needs each right that its Role gives: without it the run says what it may not do, and hangs nowhere.
func (l *lab) testRights(t *testing.T) {
	for without, r := range withouts(role(t, "loadgen")) {
		t.Run(strings.ReplaceAll(without, " ", "_"), func(t *testing.T) {
			p := l.place(t, r)
			c := p.run(t, "./short.yaml")
			_ = c.Run() // the exit code says more
			verb, _, _ := strings.Cut(without, " ")
			switch code := c.ProcessState.ExitCode(); {
			case without == right("", "pods/portforward", "get"):
				// The WebSocket is refused. There is the older protocol, which an API server takes, and what is in between may not.
				if _, refused := p.calls(t); code != 0 || !slices.Equal(refused, []string{without}) {
					t.Errorf("exit code %d, refused was %v\n%s", code, refused, c)
				}
			case verb == "delete": // the run is over, and passes
				p.said(t, c, verb)
				if code != 0 {
					t.Errorf("exit code %d\n%s", code, c)
				}
			default:
				p.said(t, c, verb)
				if code != 4 || len(c.reports()) > 0 {
					t.Errorf("exit code %d\n%s", code, c)
				}
			}
			background := metav1.DeletePropagationBackground // who may not delete leaves it
			if err := l.client.BatchV1().Jobs(p.ns).DeleteCollection(t.Context(), metav1.DeleteOptions{PropagationPolicy: &background}, metav1.ListOptions{}); err != nil {
				t.Fatal(err)
			}
			p.gone(t)
		})
	}
}

// said checks that the command says which right it lacks, and where it is.
func (p *place) said(t *testing.T, c *command, verb string) {
	t.Helper()
	for _, want := range []string{"is forbidden: User", "cannot " + verb + " resource", "deploy/rbac/loadgen.yaml has the rights that it takes"} {
		if !strings.Contains(c.stderr.String(), want) {
			t.Errorf("it does not say %q\n%s", want, c)
		}
	}
}

// withouts returns a Role without each of its rights, by what it lacks.
func withouts(r *rbacv1.Role) map[string]*rbacv1.Role {
	all := map[string]*rbacv1.Role{}
	for _, lacks := range rights(r) {
		less := r.DeepCopy()
		less.Rules = nil
		for _, rule := range r.Rules { // a rule for each right
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					if right(rule.APIGroups[0], resource, verb) != lacks {
						less.Rules = append(less.Rules, rbacv1.PolicyRule{APIGroups: rule.APIGroups[:1], Resources: []string{resource}, Verbs: []string{verb}})
					}
				}
			}
		}
		all[lacks] = less
	}
	return all
}
