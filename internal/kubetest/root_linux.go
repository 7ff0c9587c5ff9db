package kubetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// prepare makes the folder that the container has for its root, the volumes beside it, and what the container is to be started with.
func (p *pod) prepare(ctx context.Context) (*box, error) {
	spec := &p.object.Spec
	if len(spec.Containers) != 1 || len(spec.InitContainers) > 0 || spec.RestartPolicy != corev1.RestartPolicyNever {
		return nil, waitError{"CreateContainerError", errors.New("this kubelet runs pods of one container that is never restarted")}
	}
	c := &spec.Containers[0]
	image, ok := p.node.cfg.Images[c.Image]
	if !ok {
		return nil, waitError{"ErrImagePull", fmt.Errorf("failed to resolve image %q: not found", c.Image)}
	}
	home := filepath.Join(p.node.folder.Path(), string(p.object.UID))
	if err := os.RemoveAll(home); err != nil { // of an attempt before this one
		return nil, err
	}
	root := filepath.Join(home, "root")
	if err := os.Mkdir(home, 0o711); err != nil { //nolint:gosec // the pod's user finds its way through
		return nil, err
	}
	if err := linkTree(image.Folder, root); err != nil {
		return nil, fmt.Errorf("unpack the image: %w", err)
	}
	if err := p.writeEtc(root); err != nil {
		return nil, err
	}
	b := &box{Root: root, Hostname: p.hostname()}
	var err error
	if b.Mounts, err = p.mounts(ctx, home, c); err != nil {
		return nil, waitError{"ContainerCreating", err}
	}
	if err := p.command(ctx, c, image.Entrypoint, b); err != nil {
		return nil, waitError{"CreateContainerConfigError", err}
	}
	return b, p.confine(c, b)
}

func (p *pod) hostname() string { return cmp.Or(p.object.Spec.Hostname, p.object.Name) }

// linkTree makes a folder of the same files.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if !entry.IsDir() {
			return os.Link(path, target)
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if err := os.Mkdir(target, info.Mode().Perm()); err != nil {
			return err
		}
		return os.Chmod(target, info.Mode()) // whatever the umask
	})
}

// writeEtc writes what a container runtime writes to /etc.
func (p *pod) writeEtc(root string) error {
	domain := "." + clusterDomain
	files := map[string]string{
		"hosts":       "127.0.0.1\tlocalhost\n" + p.ip + "\t" + p.hostname() + "\n",
		"resolv.conf": "nameserver " + p.node.network.node() + "\nsearch " + p.object.Namespace + ".svc" + domain + " svc" + domain + " " + clusterDomain + "\noptions ndots:5\n",
	}
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o755); err != nil {
		return fmt.Errorf("write /etc: %w", err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(root, "etc", name), []byte(text), 0o644); err != nil { //nolint:gosec // every user of the container reads it
			return fmt.Errorf("write /etc: %w", err)
		}
	}
	return nil
}

// mounts makes the pod's volumes, and returns where the container has them.
func (p *pod) mounts(ctx context.Context, home string, c *corev1.Container) (mounts []mount, err error) {
	volumes := map[string]string{}
	for _, v := range p.object.Spec.Volumes {
		folder := filepath.Join(home, "volumes", v.Name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, fmt.Errorf("make the volume %s: %w", v.Name, err)
		}
		if err := p.fill(ctx, folder, v); err != nil {
			return nil, fmt.Errorf("MountVolume.SetUp failed for volume %q: %w", v.Name, err)
		}
		volumes[v.Name] = folder
	}
	for _, m := range c.VolumeMounts {
		from := filepath.Join(volumes[m.Name], m.SubPath)
		mounts = append(mounts, mount{From: from, To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	return mounts, nil
}

// fill puts into a volume's folder what it is of.
func (p *pod) fill(ctx context.Context, folder string, v corev1.Volume) error {
	switch {
	case v.EmptyDir != nil:
		return p.give(folder, 0o777)
	case v.ConfigMap != nil:
		return p.writeConfigMap(ctx, folder, v.ConfigMap.Name, v.ConfigMap.Items, *v.ConfigMap.DefaultMode)
	case v.Secret != nil:
		return p.writeSecret(ctx, folder, v.Secret.SecretName, v.Secret.Items, *v.Secret.DefaultMode)
	case v.Projected == nil:
		return errors.New("this kubelet has no volumes of its kind")
	}
	for _, from := range v.Projected.Sources {
		var err error
		switch {
		case from.ConfigMap != nil:
			err = p.writeConfigMap(ctx, folder, from.ConfigMap.Name, from.ConfigMap.Items, *v.Projected.DefaultMode)
		case from.Secret != nil:
			err = p.writeSecret(ctx, folder, from.Secret.Name, from.Secret.Items, *v.Projected.DefaultMode)
		default:
			err = errors.New("this kubelet projects ConfigMaps and Secrets alone")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (p *pod) writeConfigMap(ctx context.Context, folder, name string, items []corev1.KeyToPath, mode int32) error {
	o, err := p.node.client.CoreV1().ConfigMaps(p.object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	data := map[string][]byte{}
	maps.Copy(data, o.BinaryData)
	for key, text := range o.Data {
		data[key] = []byte(text)
	}
	return p.writeKeys(folder, data, items, mode)
}

func (p *pod) writeSecret(ctx context.Context, folder, name string, items []corev1.KeyToPath, mode int32) error {
	o, err := p.node.client.CoreV1().Secrets(p.object.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	return p.writeKeys(folder, o.Data, items, mode)
}

// writeKeys writes the keys of a ConfigMap or a Secret as files.
func (p *pod) writeKeys(folder string, data map[string][]byte, items []corev1.KeyToPath, mode int32) error {
	if len(items) == 0 {
		for key := range data {
			items = append(items, corev1.KeyToPath{Key: key, Path: key})
		}
	}
	for _, item := range items {
		text, ok := data[item.Key]
		if !ok {
			return fmt.Errorf("references non-existent config key: %s", item.Key)
		}
		path := filepath.Join(folder, item.Path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o600); err != nil {
			return err
		}
		of := mode
		if item.Mode != nil {
			of = *item.Mode
		}
		if err := p.give(path, fs.FileMode(of)); err != nil { //nolint:gosec // 9 bits
			return err
		}
	}
	return nil
}

// give sets the mode of a file of a volume. Volumes are root's, and belong to the pod's group, which reads them, if it has one.
func (p *pod) give(path string, mode fs.FileMode) error {
	if s := p.object.Spec.SecurityContext; s != nil && s.FSGroup != nil {
		mode |= 0o440
		if err := os.Chown(path, -1, int(*s.FSGroup)); err != nil {
			return err
		}
	}
	return os.Chmod(path, mode)
}
