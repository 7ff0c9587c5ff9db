package kubetest_test

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"loadlab/internal/testkit"
)

// testManifests checks a run whose objects somebody else applies, when there is somebody already who collects it, and before.
func (l *lab) testManifests(t *testing.T) {
	for _, early := range []bool{true, false} {
		t.Run(fmt.Sprintf("waited for %t", early), func(t *testing.T) {
			p := l.place(t, role(t, "loadgen-collect"))
			m := p.command(t, slices.Concat([]string{"manifests", "./short.yaml", "--image", "loadgen", "--workers", "3", "--name", "nightly", "--seed", "7"}, p.aimed())...)
			m.run(t, 0)
			objects := documents(m.stdout.String())
			hidden := base64.StdEncoding.EncodeToString([]byte(token))
			for kind, text := range objects {
				if has := strings.Contains(text, token) || strings.Contains(text, hidden); has != (kind == "Secret") {
					t.Errorf("the %s has what a variable of the environment is: %v", kind, has)
				}
			}
			c := p.command(t, "collect", "nightly", "--kubeconfig", p.kubeconfig)
			start := func() {
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
			}
			if early {
				start()
				p.asks(t, right("batch", "jobs", "watch"))
				p.apply(t, objects["Service"], objects["Secret"], objects["Job"])
				p.asks(t, right("", "pods", "watch"))
				p.apply(t, objects["ConfigMap"]) // pods wait for it
			} else {
				p.apply(t, objects["Service"], objects["Secret"], objects["ConfigMap"], objects["Job"])
				start()
			}
			c.end(t, 0)
			if r := c.report(t); r.Seed != 7 || len(r.Workers) != 3 || len(r.Invalid) > 0 {
				t.Errorf("got %+v", r)
			}
			testkit.Eventually(t, "the job says what the run said", func() bool {
				job, err := p.client.BatchV1().Jobs(p.ns).Get(t.Context(), "nightly", metav1.GetOptions{})
				return err == nil && job.Status.CompletionTime != nil && job.Status.Succeeded == 3
			})
			if early {
				p.used(t, role(t, "loadgen-collect"))
			}
		})
	}
}

// asks waits until User has asked for something.
func (p *place) asks(t *testing.T, what string) {
	t.Helper()
	testkit.Eventually(t, "it asks to "+what, func() bool {
		calls, _ := p.calls(t)
		return slices.Contains(calls, what)
	})
}

// documents returns the objects of a YAML file, by their kinds.
func documents(file string) map[string]string {
	all := map[string]string{}
	for text := range strings.SplitSeq(strings.TrimPrefix(file, "---\n"), "\n---\n") {
		var kind metav1.TypeMeta
		if yaml.Unmarshal([]byte(text), &kind) == nil {
			all[kind.Kind] = text
		}
	}
	return all
}

// apply creates objects, whose fields are all known, as the administrator.
func (p *place) apply(t *testing.T, objects ...string) {
	t.Helper()
	for _, text := range objects {
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
			t.Fatal(err)
		}
		core, options := p.client.CoreV1(), metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict}
		var err error
		switch kind.Kind {
		case "Service":
			_, err = core.Services(p.ns).Create(t.Context(), read(t, text, &corev1.Service{}), options)
		case "ConfigMap":
			_, err = core.ConfigMaps(p.ns).Create(t.Context(), read(t, text, &corev1.ConfigMap{}), options)
		case "Secret":
			_, err = core.Secrets(p.ns).Create(t.Context(), read(t, text, &corev1.Secret{}), options)
		case "Job":
			_, err = p.client.BatchV1().Jobs(p.ns).Create(t.Context(), read(t, text, &batchv1.Job{}), options)
		default:
			t.Fatalf("an object of kind %q", kind.Kind)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// read reads an object strictly.
func read[T runtime.Object](t *testing.T, text string, into T) T {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return into
}
