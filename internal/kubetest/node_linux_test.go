package kubetest_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"loadlab/internal/kubetest"
	"loadlab/internal/testkit"
)

// TestNode checks what the tests of runs in a cluster believe of it: that its pods live as pods do.
func TestNode(t *testing.T) {
	c := start(t)
	t.Run("job", c.testJob)
	t.Run("container", c.testContainer)
	t.Run("names", c.testNames)
	t.Run("port", c.testPort)
	t.Run("deleted", c.testDeleted)
	t.Run("not started", c.testNotStarted)
}

// namespace makes a namespace that admits restricted pods alone.
func (c *cluster) namespace(t *testing.T) string {
	t.Helper()
	ns, err := c.client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: "test-", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the namespace has a service account", func() bool {
		_, err := c.client.CoreV1().ServiceAccounts(ns.Name).Get(t.Context(), "default", metav1.GetOptions{})
		return err == nil
	})
	return ns.Name
}

// restricted is a pod that a restricted namespace admits.
func restricted(image string, command ...string) corev1.PodSpec {
	return corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: new(bool),
		SecurityContext: &corev1.PodSecurityContext{RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), RunAsGroup: new(int64(65532)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}},
		Containers: []corev1.Container{{
			Name: "main", Image: image, Command: command,
			SecurityContext: &corev1.SecurityContext{AllowPrivilegeEscalation: new(bool), ReadOnlyRootFilesystem: new(true), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}},
		}},
	}
}

func (c *cluster) pod(t *testing.T, ns, name string, spec corev1.PodSpec) {
	t.Helper()
	if _, err := c.client.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": "x"}}, Spec: spec}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// await waits until a pod is in a phase.
func (c *cluster) await(t *testing.T, ns, name string, phases ...corev1.PodPhase) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	testkit.Eventually(t, fmt.Sprintf("pod %s is %s", name, phases), func() bool {
		var err error
		pod, err = c.client.CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
		return err == nil && slices.Contains(phases, pod.Status.Phase)
	})
	return pod
}

// log returns what a pod has written.
func (c *cluster) log(t *testing.T, ns, name string) string {
	t.Helper()
	text, err := c.client.CoreV1().Pods(ns).GetLogs(name, &corev1.PodLogOptions{}).DoRaw(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func (c *cluster) testJob(t *testing.T) {
	ns := c.namespace(t)
	const n = 3
	version := restricted("loadgen")
	version.Containers[0].Args = []string{"--version"}
	job, err := c.client.BatchV1().Jobs(ns).Create(t.Context(), &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "versions"}, Spec: batchv1.JobSpec{
		Completions: new(int32(n)), Parallelism: new(int32(n)), BackoffLimit: new(int32), CompletionMode: new(batchv1.IndexedCompletion), TTLSecondsAfterFinished: new(int32(2)),
		Template: corev1.PodTemplateSpec{Spec: version},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "the job is complete", func() bool {
		job, err = c.client.BatchV1().Jobs(ns).Get(t.Context(), job.Name, metav1.GetOptions{})
		return err == nil && job.Status.CompletionTime != nil
	})
	if job.Status.CompletedIndexes != "0-2" {
		t.Errorf("completed indexes %q", job.Status.CompletedIndexes)
	}
	pods, err := c.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(pods.Items) != n {
		t.Fatalf("%d pods, %v", len(pods.Items), err)
	}
	for _, p := range pods.Items {
		if text := c.log(t, ns, p.Name); !strings.HasPrefix(text, "loadgen ") {
			t.Errorf("%s wrote %q", p.Name, text)
		}
	}
	testkit.Eventually(t, "the job and its pods are gone after its TTL", func() bool {
		jobs, err := c.client.BatchV1().Jobs(ns).List(t.Context(), metav1.ListOptions{})
		pods, errPods := c.client.CoreV1().Pods(ns).List(t.Context(), metav1.ListOptions{})
		return err == nil && errPods == nil && len(jobs.Items)+len(pods.Items) == 0
	})
}

// script is a container that executes a line of shell.
func script(line string) corev1.PodSpec { return restricted("busybox", "/bin/sh", "-c", line) }

func (c *cluster) testContainer(t *testing.T) {
	ns := c.namespace(t)
	core := c.client.CoreV1()
	if _, err := core.Secrets(ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"token": "geheim", "other": "more"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := core.ConfigMaps(ns).Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "c"}, Data: map[string]string{"a.yaml": "a: 1"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	spec := script(`b=/bin/busybox
echo user $($b id -u):$($b id -g) groups $($b id -G)
echo pids $($b ps -o pid,comm | $b grep -c sh) me $$$$
echo host $($b hostname) env $UID_OF_POD $TOKEN $IP $JOINED
echo secret $($b cat /secret/t) config $($b cat /config/a.yaml)
$b touch /x 2>&1; $b touch /secret/x 2>&1; $b touch /scratch/x && echo scratch is written
$b ls -ln /secret/..data /secret/t 2>/dev/null | $b awk '{print "mode", $1, $3, $4}'
$b grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status
$b ls /
exit 7`)
	spec.SecurityContext.FSGroup = new(int64(65532))
	spec.Volumes = []corev1.Volume{
		{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s", Items: []corev1.KeyToPath{{Key: "token", Path: "t"}}, DefaultMode: new(int32(0o400))}}},
		{Name: "c", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}}},
		{Name: "e", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
	}
	spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "s", MountPath: "/secret", ReadOnly: true}, {Name: "c", MountPath: "/config"}, {Name: "e", MountPath: "/scratch"}}
	field := func(path string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	}
	spec.Containers[0].Env = []corev1.EnvVar{
		{Name: "UID_OF_POD", ValueFrom: field("metadata.uid")}, {Name: "IP", ValueFrom: field("status.podIP")}, {Name: "JOINED", Value: "$(IP)/$$(IP)"},
		{Name: "TOKEN", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Key: "token"}}},
	}
	c.pod(t, ns, "one", spec)
	p := c.await(t, ns, "one", corev1.PodSucceeded, corev1.PodFailed)
	if state := p.Status.ContainerStatuses[0].State.Terminated; state == nil || state.ExitCode != 7 || p.Status.Phase != corev1.PodFailed {
		t.Errorf("%s, %+v", p.Status.Phase, state)
	}
	text := c.log(t, ns, "one")
	ip := p.Status.PodIP
	for _, want := range []string{
		"user 65532:65532 groups 65532\n", "me 1\n", "host one env ", string(p.UID) + " geheim " + ip + " " + ip + "/$(IP)\n", "secret geheim config a: 1\n", "/x: Read-only file system", "/secret/x: Read-only file system",
		"scratch is written\n", "mode -r--r----- 0 65532\n", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q:\n%s", want, text)
		}
	}
}

func (c *cluster) testNames(t *testing.T) {
	ns := c.namespace(t)
	_, err := c.client.CoreV1().Services(ns).Create(t.Context(), &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "svc"}, Spec: corev1.ServiceSpec{
		ClusterIP: corev1.ClusterIPNone, Selector: map[string]string{"app": "x"}, PublishNotReadyAddresses: true, Ports: []corev1.ServicePort{{Port: 7946}},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	named := func(line, host string) corev1.PodSpec {
		spec := script(line)
		spec.Hostname, spec.Subdomain, spec.TerminationGracePeriodSeconds = host, "svc", new(int64(1)) // the first process of a container ends by what it handles alone
		return spec
	}
	c.pod(t, ns, "b", named("while ! /bin/busybox nslookup -type=a a.svc."+ns+".svc.cluster.local; do /bin/busybox usleep 100000; done; exec /bin/busybox wget -q -O - http://a.svc:8080/etc/hosts", "b"))
	c.await(t, ns, "b", corev1.PodRunning)
	testkit.Eventually(t, "there is no such name", func() bool { return strings.Contains(c.log(t, ns, "b"), "NXDOMAIN") })
	c.pod(t, ns, "a", named("exec /bin/busybox httpd -f -p $(/bin/busybox hostname -i):8080 -h /", "a"))
	a, b := c.await(t, ns, "a", corev1.PodRunning), c.await(t, ns, "b", corev1.PodSucceeded, corev1.PodFailed)
	text := c.log(t, ns, "b")
	if b.Status.Phase != corev1.PodSucceeded || !strings.Contains(text, "Address: "+a.Status.PodIP) || !strings.Contains(text, a.Status.PodIP+"\ta\n") {
		t.Errorf("%s:\n%s", b.Status.Phase, text)
	}
	c.remove(t, ns, "a")
}

// remove deletes a pod and waits until it is gone.
func (c *cluster) remove(t *testing.T, ns, name string) {
	t.Helper()
	if err := c.client.CoreV1().Pods(ns).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "pod "+name+" is gone", func() bool {
		_, err := c.client.CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
		return err != nil
	})
}

func (c *cluster) testPort(t *testing.T) {
	ns := c.namespace(t)
	c.pod(t, ns, "web", script("b=/bin/busybox; $b httpd -f -p 127.0.0.1:18080 -h /etc & while ! $b wget -q -O /dev/null http://127.0.0.1:18080/hosts; do $b usleep 10000; done; echo listening; wait"))
	c.await(t, ns, "web", corev1.PodRunning)
	testkit.Eventually(t, "the pod listens", func() bool { return strings.Contains(c.log(t, ns, "web"), "listening") })
	config := c.config(t, kubetest.Admin, ns)
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		t.Fatal(err)
	}
	url := c.client.CoreV1().RESTClient().Post().Resource("pods").Namespace(ns).Name("web").SubResource("portforward").URL()
	stop, ready := make(chan struct{}), make(chan struct{})
	var stderr bytes.Buffer
	forwarder, err := portforward.New(spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", url), []string{"0:18080"}, stop, ready, io.Discard, &stderr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/hosts", ports[0].Local))
		if err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if !strings.Contains(string(body), "localhost") {
			t.Errorf("got %q", body)
		}
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func (c *cluster) config(t *testing.T, user, ns string) *rest.Config {
	t.Helper()
	path, err := c.plane.Kubeconfig(user, ns)
	if err != nil {
		t.Fatal(err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		t.Fatal(err)
	}
	return config
}

func (c *cluster) testDeleted(t *testing.T) {
	ns := c.namespace(t)
	obeys := script("trap 'echo bye; exit 0' TERM; while :; do /bin/busybox usleep 50000; done")
	ignores := script("trap '' TERM; while :; do /bin/busybox usleep 50000; done")
	ignores.TerminationGracePeriodSeconds = new(int64(1))
	for name, spec := range map[string]corev1.PodSpec{"obeys": obeys, "ignores": ignores} {
		c.pod(t, ns, name, spec)
		c.await(t, ns, name, corev1.PodRunning)
	}
	if got := slices.Sorted(maps.Keys(c.node.Running())); !slices.Contains(got, "obeys") || !slices.Contains(got, "ignores") {
		t.Errorf("running are %v", got)
	}
	pid := c.node.Running()["ignores"]
	family := testkit.Descendants(pid)
	begin := time.Now()
	c.remove(t, ns, "obeys")
	c.remove(t, ns, "ignores")
	testkit.Gone(t, pid)
	for _, p := range family {
		testkit.Gone(t, p.PID)
	}
	t.Logf("gone after %s", time.Since(begin))

	c.pod(t, ns, "killed", obeys)
	c.await(t, ns, "killed", corev1.PodRunning)
	if err := c.node.Kill(ns, "killed"); err != nil {
		t.Fatal(err)
	}
	p := c.await(t, ns, "killed", corev1.PodFailed)
	if code := p.Status.ContainerStatuses[0].State.Terminated.ExitCode; code != 137 {
		t.Errorf("exit code %d, want 137", code)
	}
}

func (c *cluster) testNotStarted(t *testing.T) {
	ns := c.namespace(t)
	c.pod(t, ns, "image", restricted("elsewhere/none:1", "/x"))
	volume, variable := script("exit 0"), script("exit 0")
	volume.Volumes = []corev1.Volume{{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "late"}}}}
	variable.Containers[0].Env = []corev1.EnvVar{{Name: "V", ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "missing"}, Key: "v"}}}}
	c.pod(t, ns, "volume", volume)
	c.pod(t, ns, "variable", variable)
	for name, reason := range map[string]string{"image": "ImagePullBackOff", "volume": "ContainerCreating", "variable": "CreateContainerConfigError"} {
		testkit.Eventually(t, name+" waits: "+reason, func() bool {
			p, err := c.client.CoreV1().Pods(ns).Get(t.Context(), name, metav1.GetOptions{})
			return err == nil && len(p.Status.ContainerStatuses) == 1 && p.Status.ContainerStatuses[0].State.Waiting != nil && p.Status.ContainerStatuses[0].State.Waiting.Reason == reason
		})
	}
	if _, err := c.client.CoreV1().Secrets(ns).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	c.await(t, ns, "volume", corev1.PodSucceeded)
	for _, name := range []string{"image", "volume", "variable"} {
		c.remove(t, ns, name)
	}
	selected := script("exit 0")
	selected.NodeSelector = map[string]string{"disk": "slow"}
	c.pod(t, ns, "selected", selected)
	testkit.Eventually(t, "the pod is not scheduled", func() bool {
		p, err := c.client.CoreV1().Pods(ns).Get(t.Context(), "selected", metav1.GetOptions{})
		return err == nil && len(p.Status.Conditions) == 1 && p.Status.Conditions[0].Reason == corev1.PodReasonUnschedulable
	})
	privileged := script("exit 0")
	privileged.SecurityContext = nil
	_, err := c.client.CoreV1().Pods(ns).Create(t.Context(), &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "privileged"}, Spec: privileged}, metav1.CreateOptions{})
	if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
		t.Errorf("a pod that may be root: %v", err)
	}
}
