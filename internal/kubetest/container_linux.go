package kubetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// command sets what the container executes, with which arguments and variables, and where.
func (p *pod) command(ctx context.Context, c *corev1.Container, entrypoint []string, b *box) error {
	vars := map[string]string{}
	for _, from := range c.EnvFrom {
		if err := p.envFrom(ctx, from, vars); err != nil {
			return err
		}
	}
	for _, v := range c.Env {
		value, err := p.value(ctx, c, v, vars)
		if err != nil {
			return fmt.Errorf("variable %s: %w", v.Name, err)
		}
		vars[v.Name] = value
	}
	for name, value := range vars {
		b.Env = append(b.Env, name+"="+value)
	}
	command := c.Command
	if len(command) == 0 {
		command = entrypoint
	}
	if len(command) == 0 {
		return errors.New("no command specified")
	}
	for _, arg := range slices.Concat(command, c.Args) {
		b.Args = append(b.Args, expand(arg, vars))
	}
	b.Dir = cmp.Or(c.WorkingDir, "/")
	return nil
}

// envFrom adds the variables of a whole Secret or ConfigMap.
func (p *pod) envFrom(ctx context.Context, from corev1.EnvFromSource, vars map[string]string) error {
	core, ns := p.node.client.CoreV1(), p.object.Namespace
	switch {
	case from.SecretRef != nil:
		o, err := core.Secrets(ns).Get(ctx, from.SecretRef.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for key, value := range o.Data {
			vars[from.Prefix+key] = string(value)
		}
	case from.ConfigMapRef != nil:
		o, err := core.ConfigMaps(ns).Get(ctx, from.ConfigMapRef.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for key, value := range o.Data {
			vars[from.Prefix+key] = value
		}
	}
	return nil
}

// value returns the value of a variable.
func (p *pod) value(ctx context.Context, c *corev1.Container, v corev1.EnvVar, vars map[string]string) (string, error) {
	from := v.ValueFrom
	if from == nil {
		return expand(v.Value, vars), nil
	}
	core, ns := p.node.client.CoreV1(), p.object.Namespace
	switch {
	case from.FieldRef != nil:
		return p.field(from.FieldRef.FieldPath)
	case from.SecretKeyRef != nil:
		o, err := core.Secrets(ns).Get(ctx, from.SecretKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		value, ok := o.Data[from.SecretKeyRef.Key]
		if !ok {
			return "", fmt.Errorf("couldn't find key %s in Secret %s/%s", from.SecretKeyRef.Key, ns, o.Name)
		}
		return string(value), nil
	case from.ConfigMapKeyRef != nil:
		o, err := core.ConfigMaps(ns).Get(ctx, from.ConfigMapKeyRef.Name, metav1.GetOptions{})
		if err != nil {
			return "", err
		}
		value, ok := o.Data[from.ConfigMapKeyRef.Key]
		if !ok {
			return "", fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", from.ConfigMapKeyRef.Key, ns, o.Name)
		}
		return value, nil
	case from.ResourceFieldRef != nil:
		return quantity(c, from.ResourceFieldRef)
	}
	return "", errors.New("this kubelet has no values of its kind")
}

var annotation = regexp.MustCompile(`^metadata\.(annotations|labels)\['(.+)'\]$`)

// field returns a field of the pod, by its path in the downward API.
func (p *pod) field(path string) (string, error) {
	o := p.object
	if m := annotation.FindStringSubmatch(path); m != nil {
		of := map[string]map[string]string{"annotations": o.Annotations, "labels": o.Labels}
		return of[m[1]][m[2]], nil
	}
	fields := map[string]string{
		"metadata.name": o.Name, "metadata.namespace": o.Namespace, "metadata.uid": string(o.UID), "spec.nodeName": o.Spec.NodeName, "spec.serviceAccountName": o.Spec.ServiceAccountName,
		"status.podIP": p.ip, "status.hostIP": p.node.network.node(),
	}
	value, ok := fields[path]
	if !ok {
		return "", fmt.Errorf("this kubelet does not know the field %s", path)
	}
	return value, nil
}

// quantity returns a limit or a request of a container, divided and rounded up.
func quantity(c *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	kind, name, _ := strings.Cut(ref.Resource, ".")
	list := map[string]corev1.ResourceList{"limits": c.Resources.Limits, "requests": c.Resources.Requests}[kind]
	q, ok := list[corev1.ResourceName(name)]
	if !ok {
		return "", fmt.Errorf("the container has no %s, and this kubelet does not know what the node can give", ref.Resource)
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	units := (q.MilliValue() + divisor.MilliValue() - 1) / divisor.MilliValue()
	return strconv.FormatInt(units, 10), nil
}

var reference = regexp.MustCompile(`\$\$|\$\([^)]+\)`)

// expand replaces $(NAME) by the variable's value where there is one, and $$ by $.
func expand(text string, vars map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, ok := vars[found[2:len(found)-1]]; ok {
			return value
		}
		return found
	})
}

// confine sets whom the container runs as, and what it may not. What a security context asks for and is not done here is refused, or named in the package's comment.
func (p *pod) confine(c *corev1.Container, b *box) error {
	pod, own := p.object.Spec.SecurityContext, c.SecurityContext
	if pod == nil {
		pod = &corev1.PodSecurityContext{}
	}
	if own == nil {
		own = &corev1.SecurityContext{}
	}
	first := func(pointers ...*int64) int {
		for _, v := range pointers {
			if v != nil {
				return int(*v)
			}
		}
		return 0
	}
	b.UID, b.GID = first(own.RunAsUser, pod.RunAsUser), first(own.RunAsGroup, pod.RunAsGroup)
	for _, group := range pod.SupplementalGroups {
		b.Groups = append(b.Groups, int(group))
	}
	if pod.FSGroup != nil {
		b.Groups = append(b.Groups, int(*pod.FSGroup))
	}
	is := func(pointers ...*bool) bool {
		for _, v := range pointers {
			if v != nil {
				return *v
			}
		}
		return false
	}
	if is(own.RunAsNonRoot, pod.RunAsNonRoot) && b.UID == 0 {
		return waitError{"CreateContainerConfigError", errors.New("container has runAsNonRoot and image will run as root")}
	}
	b.ReadOnly = is(own.ReadOnlyRootFilesystem)
	b.NoNewPrivileges = own.AllowPrivilegeEscalation != nil && !*own.AllowPrivilegeEscalation
	if own.Capabilities != nil {
		for _, capability := range own.Capabilities.Drop {
			b.NoCapabilities = b.NoCapabilities || capability == "ALL"
		}
	}
	for _, m := range b.Mounts {
		if !filepath.IsAbs(m.To) {
			return waitError{"CreateContainerError", fmt.Errorf("a volume is mounted at %s, which is no path from the root", m.To)}
		}
	}
	return nil
}
