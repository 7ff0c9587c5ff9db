package cluster_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"

	"loadlab/loadgen/internal/cluster"
)

// TestObjects checks what a cluster would not: that what refers to something refers to what is there.
func TestObjects(t *testing.T) {
	s := spec()
	o := s.Objects()
	p := o.Job.Spec.Template
	if *o.Job.Spec.Completions != 3 || *o.Job.Spec.Parallelism != 3 || *o.Job.Spec.ActiveDeadlineSeconds != 90 || o.Job.Spec.BackoffLimit != nil || *o.Job.Spec.BackoffLimitPerIndex != 0 {
		t.Errorf("job %+v", o.Job.Spec)
	}
	for name, value := range o.Service.Spec.Selector {
		if p.Labels[name] != value {
			t.Errorf("the service wants pods with %s=%s, which have %v", name, value, p.Labels)
		}
	}
	if p.Spec.Subdomain != o.Service.Name {
		t.Errorf("subdomain %q, service %q", p.Spec.Subdomain, o.Service.Name)
	}
	for _, v := range p.Spec.Volumes {
		switch {
		case v.Projected != nil:
			for _, item := range v.Projected.Sources[0].ConfigMap.Items {
				if _, text := o.Config.Data[item.Key]; !text && o.Config.BinaryData[item.Key] == nil {
					t.Errorf("the config map has no %s", item.Key)
				}
			}
			for _, item := range v.Projected.Sources[1].Secret.Items {
				if o.Secret.Data[item.Key] == nil {
					t.Errorf("the secret has no %s", item.Key)
				}
			}
		case v.Secret != nil && o.Secret.Data[v.Secret.Items[0].Key] == nil:
			t.Errorf("the secret has no %s", v.Secret.Items[0].Key)
		}
	}
	c := p.Spec.Containers[0]
	args := strings.Join(c.Args, " ")
	if !strings.Contains(args, "--coordinator run-1-0.run-1:7946") || !strings.HasSuffix(args, "-- --workers 3 --target=http://x --modes=$$(X)") {
		t.Errorf("args %s", args)
	}
	if strings.Contains(args, "t0k3n") || len(c.Env) != 2 || c.Env[1].ValueFrom.SecretKeyRef.Key != "TOKEN" {
		t.Errorf("env %+v", c.Env)
	}
}

// TestCheck checks what is refused before the cluster is asked.
func TestCheck(t *testing.T) {
	big := spec()
	big.Files["users.csv"] = make([]byte, 1<<20)
	if err := big.Check(); err == nil || !strings.Contains(err.Error(), "a cluster's object takes 1048576") {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"", "Run", "1run", "run-", "a.b", strings.Repeat("a", 53)} {
		s := spec()
		s.Name = name
		if s.Check() == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}

// TestRunName checks that any name of a scenario gives a name of a run, and never twice the same.
func TestRunName(t *testing.T) {
	for _, scenario := range []string{"stampede", "Ärger_mit Umlauten", "", strings.Repeat("long-", 40), "--"} {
		a, b := cluster.RunName(scenario), cluster.RunName(scenario)
		if err := cluster.CheckName(a); err != nil || a == b {
			t.Errorf("%q: %q and %q: %v", scenario, a, b, err)
		}
	}
}

// FuzzKey checks that paths become keys that an object takes, and two paths never the same.
func FuzzKey(f *testing.F) {
	f.Add("data/users.csv", "data_2fusers.csv")
	f.Add("a b", "a_b")
	f.Fuzz(func(t *testing.T, a, b string) {
		ka, kb := cluster.Key(a), cluster.Key(b)
		if (ka == kb) != (a == b) {
			t.Errorf("%q is %q, %q is %q", a, ka, b, kb)
		}
		if a != "" && a != "." && !strings.HasPrefix(a, "..") && len(ka) <= validation.DNS1123SubdomainMaxLength {
			if problems := validation.IsConfigMapKey(ka); len(problems) > 0 {
				t.Errorf("%q is %q: %v", a, ka, problems)
			}
		}
	})
}
