package kubetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"loadlab/internal/localserver"
)

// NodeConfig is what a node is.
type NodeConfig struct {
	Name   string            // "node" by default
	Labels map[string]string // a pod whose node selector wants others is not scheduled
	Images map[string]Image  // that can be had, by their names
}

// Image is what a container is made of.
type Image struct {
	Folder     string   // has the files that are found at /. It is not changed
	Entrypoint []string // is executed where a container has no command
}

// Node is a machine of the cluster: its scheduler, which gives it every pod that is on no node, and its kubelet, which runs them.
type Node struct {
	cfg     NodeConfig
	client  *kubernetes.Clientset
	folder  *localserver.Folder
	dns     net.PacketConn
	network network
	server  *http.Server
	port    int
	cancel  context.CancelFunc
	work    sync.WaitGroup

	mu   sync.Mutex // guards pods
	pods map[types.UID]*pod
}

// StartNode starts a node and registers it.
func StartNode(ctx context.Context, c *ControlPlane, cfg NodeConfig) (_ *Node, err error) {
	if cfg.Name == "" {
		cfg.Name = "node"
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	n := &Node{cfg: cfg, cancel: cancel, pods: map[types.UID]*pod{}}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("start a node: %w", err), n.Stop())
		}
	}()
	if n.client, err = c.Client(); err != nil {
		return nil, err
	}
	if n.folder, err = localserver.NewFolder(); err != nil {
		return nil, err
	}
	if err := n.serveNames(running); err != nil {
		return nil, err
	}
	if err := n.serveStreams(ctx); err != nil {
		return nil, err
	}
	if err := n.register(ctx); err != nil {
		return nil, err
	}
	pods := cache.NewListWatchFromClient(n.client.CoreV1().RESTClient(), "pods", metav1.NamespaceAll, fields.Everything())
	_, watch := cache.NewInformerWithOptions(cache.InformerOptions{ListerWatcher: pods, ObjectType: &corev1.Pod{}, Handler: cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { n.observe(running, o.(*corev1.Pod)) },
		UpdateFunc: func(_, o any) { n.observe(running, o.(*corev1.Pod)) },
		DeleteFunc: func(o any) { n.forget(o) },
	}})
	n.work.Go(func() { watch.RunWithContext(running) })
	return n, nil
}

// Stop kills what runs on the node, and removes what it wrote. The control plane is not told.
func (n *Node) Stop() error {
	n.cancel()
	var errs []error
	if n.server != nil {
		errs = append(errs, n.server.Close())
	}
	if n.dns != nil {
		errs = append(errs, n.dns.Close())
	}
	n.work.Wait()
	if n.folder != nil {
		errs = append(errs, n.folder.Remove())
	}
	return errors.Join(errs...)
}

// register makes the node known, with the address at which the API server finds its kubelet.
func (n *Node) register(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.cfg.Name, Labels: n.cfg.Labels}}
	node, err := n.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("register: %w", err)
	}
	node.Status = corev1.NodeStatus{
		Addresses:       []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: n.network.node()}},
		DaemonEndpoints: corev1.NodeDaemonEndpoints{KubeletEndpoint: corev1.DaemonEndpoint{Port: int32(n.port)}}, //nolint:gosec // a port
		Conditions:      []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady", LastHeartbeatTime: metav1.Now()}},
	}
	if _, err = n.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("register: %w", err)
	}
	return nil
}

// observe does what a pod's state asks for. It is called for one pod after the other.
func (n *Node) observe(ctx context.Context, o *corev1.Pod) {
	if o.Spec.NodeName == "" {
		if o.DeletionTimestamp == nil {
			n.schedule(ctx, o)
		}
		return
	}
	if o.Spec.NodeName != n.cfg.Name {
		return
	}
	n.mu.Lock()
	p := n.pods[o.UID]
	if p == nil {
		p = &pod{node: n, object: o, ip: n.network.pod(), deleted: make(chan struct{})}
		n.pods[o.UID] = p
		n.work.Go(func() { p.live(ctx) })
	}
	n.mu.Unlock()
	if o.DeletionTimestamp != nil {
		p.delete(time.Duration(*o.DeletionGracePeriodSeconds) * time.Second)
	}
}

// forget ends a pod that is no longer there, whoever removed it.
func (n *Node) forget(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	uid := o.(*corev1.Pod).UID
	if p := n.pods[uid]; p != nil {
		p.delete(0)
		delete(n.pods, uid)
	}
}

// schedule binds a pod to this node, or reports that it has no node.
func (n *Node) schedule(ctx context.Context, o *corev1.Pod) {
	for key, value := range o.Spec.NodeSelector {
		if n.cfg.Labels[key] == value {
			continue
		}
		if slices.ContainsFunc(o.Status.Conditions, func(c corev1.PodCondition) bool { return c.Type == corev1.PodScheduled }) {
			return // it is known already
		}
		n.patch(ctx, o, corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{
			Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.",
			LastTransitionTime: metav1.Now(),
		}}})
		return
	}
	binding := &corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: o.Name, UID: o.UID}, Target: corev1.ObjectReference{Kind: "Node", Name: n.cfg.Name}}
	_ = n.client.CoreV1().Pods(o.Namespace).Bind(ctx, binding, metav1.CreateOptions{}) // fails when it is gone
}

// pod returns the pod of a name, and the latest one where several have had it.
func (n *Node) pod(namespace, name string) *pod {
	n.mu.Lock()
	defer n.mu.Unlock()
	var latest *pod
	for _, p := range n.pods {
		if p.object.Namespace == namespace && p.object.Name == name && (latest == nil || latest.object.CreationTimestamp.Before(&p.object.CreationTimestamp)) {
			latest = p
		}
	}
	return latest
}

// Kill kills the container of a pod.
func (n *Node) Kill(namespace, name string) error { return n.kill(namespace, name, end{}) }

// KillForMemory kills it as the kernel does when it takes more than its limit.
func (n *Node) KillForMemory(namespace, name string) error {
	return n.kill(namespace, name, end{container: "OOMKilled"})
}

// Evict kills it as a kubelet does whose node has too little of something, which the message says.
func (n *Node) Evict(namespace, name, message string) error {
	return n.kill(namespace, name, end{pod: "Evicted", message: message})
}

func (n *Node) kill(namespace, name string, why end) error {
	p := n.pod(namespace, name)
	if p == nil {
		return fmt.Errorf("kill the container of %s: there is no such pod", name)
	}
	p.mu.Lock()
	process := p.process
	p.why = why
	p.mu.Unlock()
	if process == nil {
		return fmt.Errorf("kill the container of %s: it does not run", name)
	}
	process.Kill()
	return nil
}

// Running returns the process numbers of all containers, by the names of their pods.
func (n *Node) Running() map[string]int {
	n.mu.Lock()
	pods := slices.Collect(maps.Values(n.pods))
	n.mu.Unlock()
	running := map[string]int{}
	for _, p := range pods {
		if process := p.running(); process != nil && process.Err() == nil {
			running[p.object.Name] = process.PID()
		}
	}
	return running
}

// network is a /24 of the loopback interface, which answers to all of 127/8.
type network struct {
	third int
	mu    *sync.Mutex // guards next
	next  *int
}

func (w network) address(last int) string {
	return "127.77." + strconv.Itoa(w.third) + "." + strconv.Itoa(last)
}
func (w network) node() string { return w.address(nodeHost) }

// pod returns the address of a new pod. There are enough for a test.
func (w network) pod() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.next++
	return w.address(podHosts + *w.next%(255-podHosts))
}

// The last numbers of addresses: of the node, and the first of pods.
const (
	nodeHost = 53
	podHosts = 100
)
