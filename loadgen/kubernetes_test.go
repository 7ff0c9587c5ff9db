package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

const podScenario = `why: x
target: {url: "http://my-service", user: "me:${PASSWORD}", cacert: certs/ca.pem}
data: {user: {csv: users.csv, column: name}}
modes: {one: "GET /{user}", two: {request: POST /, headers: {Authorization: "Bearer ${TOKEN:-none}"}, body: {file: body.txt}}}
rounds: 1
phases: [{name: load, rate: 10/s, for: 60s}]
`

func podWorkplace(t *testing.T) {
	t.Helper()
	workplace(t)
	write(t, "my.yaml", podScenario)
	write(t, "users.csv", "name\na\nb\n")
	write(t, "body.txt", "text")
	server := httptest.NewTLSServer(nil)
	t.Cleanup(server.Close)
	write(t, "certs/ca.pem", authority(server))
	t.Setenv("PASSWORD", "s3cr3t-pass")
	t.Setenv("KUBECONFIG", "none")
}

// TestManifests checks that what is printed is what the API takes, strictly, with all that the scenario is read from, and that no secret is outside of the Secret.
func TestManifests(t *testing.T) {
	podWorkplace(t)
	r := loadgen(t, "manifests", "my.yaml", "--workers", "8", "--name", "nightly", "--namespace", "lab", "--seed", "7", "--modes", "one,two", "--node-selector", "disk=ssd",
		"--toleration", "load=yes:NoSchedule", "--toleration", "spot", "--cpu", "2", "--pull-policy", "Never", "--pull-secret", "registry", "--service-account", "runner")
	if r.code != 0 {
		t.Fatal(r)
	}
	var service core.Service
	var config core.ConfigMap
	var secret core.Secret
	var job batch.Job
	documents := strings.Split(r.stdout, "---\n")[1:]
	for i, object := range []any{&service, &config, &secret, &job} {
		if err := yaml.UnmarshalStrict([]byte(documents[i]), object); err != nil {
			t.Errorf("%v in\n%s", err, documents[i])
		}
		if i != 2 && strings.Contains(documents[i], "s3cr3t-pass") {
			t.Errorf("the password is in\n%s", documents[i])
		}
	}
	if config.Data["my.yaml"] != podScenario || config.Data["users.csv"] != "name\na\nb\n" || config.Data["body.txt"] != "text" {
		t.Errorf("config map %v", config.Data)
	}
	if string(secret.Data["PASSWORD"]) != "s3cr3t-pass" || len(secret.Data["run-secret"]) < leastSecret || len(secret.Data["certs_2fca.pem"]) == 0 || secret.Data["TOKEN"] != nil {
		t.Errorf("secret %v", secret.Data)
	}
	pod := job.Spec.Template.Spec
	args := strings.Join(pod.Containers[0].Args, " ")
	for _, want := range []string{"/scenario/my.yaml", "--workers 8", "--modes=one", "--modes=two", "--seed=7", "--hold=10m0s", "--coordinator nightly-0.nightly:7946"} {
		if !strings.Contains(args, want) {
			t.Errorf("args %s, want %s", args, want)
		}
	}
	if pod.NodeSelector["disk"] != "ssd" || len(pod.Tolerations) != 2 || pod.Tolerations[1].Operator != core.TolerationOpExists || pod.Containers[0].Resources.Requests.Cpu().String() != "2" ||
		pod.ServiceAccountName != "runner" || pod.ImagePullSecrets[0].Name != "registry" || *job.Spec.Completions != 8 || job.Namespace != "lab" {
		t.Errorf("job %+v", job)
	}
	again := loadgen(t, "manifests", "my.yaml", "--workers", "8", "--name", "nightly", "--secret-name", "mine")
	if again.code != 0 || strings.Contains(again.stdout, "kind: Secret\n") || !strings.Contains(again.stderr, "the Secret mine is to have: PASSWORD, certs_2fca.pem, run-secret") {
		t.Error(again)
	}
}

// TestPodsRefuse checks what is refused before a cluster is asked for anything.
func TestPodsRefuse(t *testing.T) {
	podWorkplace(t)
	write(t, "none.yaml", "why: x\nmodes: {a: GET /}\nphases: [{name: p, rate: 1/s, for: 1s}]\n")
	write(t, "far.yaml", "why: x\nmodes: {a: GET /}\nphases: [{name: p, requests: 1}, {name: q, requests: 1, world: {database: {rtt: 1ms}}}]\n")
	for args, want := range map[string]string{
		"run my.yaml --on kubernetes":                                               "--workers is 0: with --on kubernetes it is how many pods there are, from 1 to 1000",
		"run my.yaml --on nomad":                                                    `--on is "nomad": use kubernetes`,
		"run my.yaml --on kubernetes --workers 2":                                   "no cluster: ",
		"run none.yaml --on kubernetes --workers 2":                                 "pods need the address of a service that they reach: --target",
		"run none.yaml --on kubernetes --workers 2 --stack local":                   "--stack local does not go with pods",
		"run my.yaml --on kubernetes --workers 2 --cacert certs/ca.pem":             "--cacert does not go with --on kubernetes: name it in the scenario's target",
		"run my.yaml --on kubernetes --workers 2 --user a:b":                        "--user does not go with --on kubernetes",
		"run my.yaml --on kubernetes --workers 2 --cpu lots":                        `--cpu is "lots": use a number such as 2, or 500m`,
		"run my.yaml --on kubernetes --workers 2 --memory big":                      `--memory is "big"`,
		"run my.yaml --on kubernetes --workers 2 --pull-policy Sometimes":           `--pull-policy is "Sometimes": use Always, IfNotPresent or Never`,
		"run my.yaml --on kubernetes --workers 2 --toleration x:Never":              `--toleration is "x:Never": use key=value:Effect`,
		"run my.yaml --on kubernetes --workers 2 --name A":                          `the name "A": want at most 52 lower-case letters`,
		"run far.yaml --on kubernetes --workers 2 --target http://x":                "far.yaml:3:1: a distance that is not that of the phase before takes links",
		"run my.yaml --workers 2 --workers-at 127.0.0.1:0":                          "--workers-at and --secret go together",
		"run my.yaml --workers-at 127.0.0.1:0 --secret users.csv":                   "--workers-at goes with --workers",
		"run my.yaml --workers 2 --workers-at 127.0.0.1:0 --secret users.csv":       "--secret: users.csv has 8 characters: the least is 16",
		"manifests my.yaml --workers 2 --live 127.0.0.1:0":                          "--live goes with loadgen collect",
		"run my.yaml --collect-at 127.0.0.1:0":                                      "--collect-at goes with --workers-at and --secret",
		"worker my.yaml":                                                            "a worker wants --coordinator host:port and --secret FILE of its run",
		"collect A":                                                                 `the name "A"`,
		"collect nightly":                                                           "no cluster: ",
		"pod my.yaml --coordinator nowhere --secret users.csv -- --target http://x": "--coordinator: ",
	} {
		if r := loadgen(t, strings.Fields(args)...); r.code != exitUsage || !strings.Contains(r.stderr, want) {
			t.Errorf("%s: %s\nwant exit code %d and %q", args, r, exitUsage, want)
		}
	}
}
