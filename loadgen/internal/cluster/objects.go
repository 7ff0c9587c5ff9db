package cluster

import (
	"maps"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	// appLabel and runLabel are on every object of a run.
	appLabel = "app.kubernetes.io/name"
	runLabel = "loadlab.dev/run"

	appName       = "loadgen"
	container     = "loadgen"
	workersPort   = 7946 // of the coordinator, to the other pods
	metricsPort   = 9464
	scenarioMount = "/scenario"
	secretMount   = "/run/loadgen"
	workMount     = "/work" // results are written there
	// graceful is how long a run that is stopped may take to its end.
	graceful = 60
	nobody   = 65532
)

const (
	// CollectPort is where pod 0 offers the results of a run, on its loopback alone.
	CollectPort = 7947
	// Kept is how long a Job that is over stays, for who wants to look at it.
	Kept = 10 * time.Minute
)

// Objects are what a run is made of.
type Objects struct {
	Job     *batch.Job
	Service *core.Service
	Config  *core.ConfigMap
	Secret  *core.Secret // nil if it is there already
}

// All returns the objects in the order in which they are to be applied.
func (o *Objects) All() []runtime.Object {
	all := []runtime.Object{o.Service, o.Config}
	if o.Secret != nil {
		all = append(all, o.Secret)
	}
	return append(all, o.Job)
}

// Objects makes the objects of a run.
func (s *Spec) Objects() *Objects {
	o := &Objects{
		Job: &batch.Job{TypeMeta: meta.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: s.meta(), Spec: s.job()},
		Service: &core.Service{
			TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "Service"}, ObjectMeta: s.meta(),
			Spec: core.ServiceSpec{
				ClusterIP: core.ClusterIPNone, Selector: s.labels(),
				// Pods look for pod 0 before any of them is ready.
				PublishNotReadyAddresses: true,
				Ports:                    []core.ServicePort{{Name: "workers", Port: workersPort, TargetPort: intstr.FromString("workers")}},
			},
		},
		Config: &core.ConfigMap{TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: s.meta(), BinaryData: map[string][]byte{}, Data: map[string]string{}},
	}
	for file, text := range s.Files {
		if plain(text) {
			o.Config.Data[key(file)] = string(text)
		} else {
			o.Config.BinaryData[key(file)] = text
		}
	}
	if s.SecretName == "" {
		o.Secret = &core.Secret{TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: s.meta(), Data: s.keys()}
	}
	return o
}

// plain reports whether a text is one that YAML shows as it is.
func plain(text []byte) bool { return strings.ToValidUTF8(string(text), "") == string(text) }

func (s *Spec) labels() map[string]string {
	return map[string]string{appLabel: appName, runLabel: s.Name}
}

func (s *Spec) meta() meta.ObjectMeta {
	return meta.ObjectMeta{Name: s.Name, Namespace: s.Namespace, Labels: s.labels()}
}

// job is a pod for each worker, none of which is started again. A limit by index, and not one of the Job, lets the others report when one has failed: the Job would delete them.
func (s *Spec) job() batch.JobSpec {
	n := int32(s.Workers) //nolint:gosec // it is below a thousand
	return batch.JobSpec{
		Completions: &n, Parallelism: &n, CompletionMode: new(batch.IndexedCompletion), BackoffLimitPerIndex: new(int32(0)),
		PodReplacementPolicy:    new(batch.Failed),
		ActiveDeadlineSeconds:   new(int64(math.Ceil(s.Deadline.Seconds()))),
		TTLSecondsAfterFinished: new(int32(Kept.Seconds())),
		Template: core.PodTemplateSpec{
			ObjectMeta: meta.ObjectMeta{Labels: s.labels()},
			Spec: core.PodSpec{
				Subdomain: s.Name, RestartPolicy: core.RestartPolicyNever, TerminationGracePeriodSeconds: new(int64(graceful)),
				ServiceAccountName: s.Pod.ServiceAccount, AutomountServiceAccountToken: new(false), EnableServiceLinks: new(false),
				ImagePullSecrets: s.pullSecrets(), NodeSelector: s.Pod.NodeSelector, Tolerations: s.Pod.Tolerations,
				TopologySpreadConstraints: []core.TopologySpreadConstraint{{
					MaxSkew: 1, TopologyKey: core.LabelHostname, WhenUnsatisfiable: core.ScheduleAnyway, LabelSelector: &meta.LabelSelector{MatchLabels: s.labels()},
				}},
				SecurityContext: &core.PodSecurityContext{
					RunAsNonRoot: new(true), RunAsUser: new(int64(nobody)), RunAsGroup: new(int64(nobody)), FSGroup: new(int64(nobody)),
					SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
				},
				Containers: []core.Container{s.container()},
				Volumes:    s.volumes(),
			},
		},
	}
}

func (s *Spec) pullSecrets() []core.LocalObjectReference {
	if s.Pod.PullSecret == "" {
		return nil
	}
	return []core.LocalObjectReference{{Name: s.Pod.PullSecret}}
}

// container is the same for all pods: which worker it is, its index says.
func (s *Spec) container() core.Container {
	args := []string{
		"pod", path.Join(scenarioMount, s.Scenario), "--index", "$(JOB_COMPLETION_INDEX)", "--uid", "$(POD_UID)", "--secret", path.Join(secretMount, RunSecret),
		"--coordinator", s.Name + "-0." + s.Name + ":" + strconv.Itoa(workersPort), "--collect-at", "127.0.0.1:" + strconv.Itoa(CollectPort), "--join", s.Join.String(), "--timeout", s.Silence.String(), "--", "--workers", strconv.Itoa(s.Workers),
	}
	// What loadgen adds itself is the Job controller's: JOB_COMPLETION_INDEX.
	env := []core.EnvVar{{Name: "POD_UID", ValueFrom: &core.EnvVarSource{FieldRef: &core.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.uid"}}}}
	for _, name := range slices.Sorted(maps.Keys(s.Variables)) {
		env = append(env, core.EnvVar{Name: name, ValueFrom: &core.EnvVarSource{SecretKeyRef: &core.SecretKeySelector{LocalObjectReference: core.LocalObjectReference{Name: s.secretName()}, Key: name}}})
	}
	return core.Container{
		Name: container, Image: s.Image, ImagePullPolicy: s.Pod.PullPolicy, Args: append(args, escaped(s.Args)...), Env: env, WorkingDir: workMount,
		Ports:     []core.ContainerPort{{Name: "workers", ContainerPort: workersPort}, {Name: "metrics", ContainerPort: metricsPort}},
		Resources: s.resources(),
		SecurityContext: &core.SecurityContext{
			RunAsNonRoot: new(true), ReadOnlyRootFilesystem: new(true), AllowPrivilegeEscalation: new(false), Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
			SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault},
		},
		VolumeMounts: []core.VolumeMount{
			{Name: "scenario", MountPath: scenarioMount, ReadOnly: true}, {Name: "secret", MountPath: secretMount, ReadOnly: true},
			{Name: "work", MountPath: workMount}, {Name: "tmp", MountPath: "/tmp"},
		},
	}
}

// escaped are arguments in which the kubelet finds no variables: $(NAME) is one, and $$ a dollar sign.
func escaped(args []string) []string {
	list := make([]string, 0, len(args))
	for _, a := range args {
		list = append(list, strings.ReplaceAll(a, "$", "$$"))
	}
	return list
}

// resources asks for what a pod needs. A limit of processors would hold a pod back in the middle of the load, so that there is none.
func (s *Spec) resources() core.ResourceRequirements {
	r := core.ResourceRequirements{Requests: core.ResourceList{}, Limits: core.ResourceList{}}
	if !s.Pod.CPU.IsZero() {
		r.Requests[core.ResourceCPU] = s.Pod.CPU
	}
	if !s.Pod.Memory.IsZero() {
		r.Requests[core.ResourceMemory], r.Limits[core.ResourceMemory] = s.Pod.Memory, s.Pod.Memory
	}
	return r
}

func (s *Spec) secretName() string {
	if s.SecretName != "" {
		return s.SecretName
	}
	return s.Name
}

// volumes has the scenario's folder as it was, with what is private in it.
func (s *Spec) volumes() []core.Volume {
	folder := &core.ProjectedVolumeSource{Sources: []core.VolumeProjection{{
		ConfigMap: &core.ConfigMapProjection{LocalObjectReference: core.LocalObjectReference{Name: s.Name}, Items: items(s.Files)},
	}}}
	if len(s.Private) > 0 {
		folder.Sources = append(folder.Sources, core.VolumeProjection{
			Secret: &core.SecretProjection{LocalObjectReference: core.LocalObjectReference{Name: s.secretName()}, Items: items(s.Private)},
		})
	}
	return []core.Volume{
		{Name: "scenario", VolumeSource: core.VolumeSource{Projected: folder}},
		{Name: "secret", VolumeSource: core.VolumeSource{Secret: &core.SecretVolumeSource{SecretName: s.secretName(), Items: []core.KeyToPath{{Key: RunSecret, Path: RunSecret}}}}},
		{Name: "work", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}},
		{Name: "tmp", VolumeSource: core.VolumeSource{EmptyDir: &core.EmptyDirVolumeSource{}}},
	}
}

func items(files map[string][]byte) []core.KeyToPath {
	list := make([]core.KeyToPath, 0, len(files))
	for _, file := range slices.Sorted(maps.Keys(files)) {
		list = append(list, core.KeyToPath{Key: key(file), Path: file})
	}
	return list
}
