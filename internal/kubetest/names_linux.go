package kubetest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const clusterDomain = "cluster.local"

// serveNames takes the first network that no other node on this machine has, and answers queries for the names of pods there.
func (n *Node) serveNames(ctx context.Context) (err error) {
	for third := range 256 {
		n.network = network{third: third, mu: new(sync.Mutex), next: new(int)}
		if n.dns, err = new(net.ListenConfig).ListenPacket(ctx, "udp", net.JoinHostPort(n.network.node(), "53")); err == nil {
			break
		}
	}
	if err != nil {
		n.dns = nil
		return fmt.Errorf("find a network for pods: %w", err)
	}
	n.work.Go(func() {
		query := make([]byte, 512)
		for {
			length, from, err := n.dns.ReadFrom(query)
			if err != nil {
				return // it is closed
			}
			if answer, err := n.answer(ctx, query[:length]); err == nil {
				_, _ = n.dns.WriteTo(answer, from) // who does not get it asks again
			}
		}
	})
	return nil
}

// answer returns the answer to a query.
func (n *Node) answer(ctx context.Context, query []byte) ([]byte, error) {
	var p dnsmessage.Parser
	head, err := p.Start(query)
	if err != nil {
		return nil, err
	}
	q, err := p.Question()
	if err != nil {
		return nil, err
	}
	addresses := n.resolve(ctx, strings.TrimSuffix(strings.ToLower(q.Name.String()), "."))
	code := dnsmessage.RCodeSuccess
	if len(addresses) == 0 {
		code = dnsmessage.RCodeNameError
	}
	b := dnsmessage.NewBuilder(nil, dnsmessage.Header{ID: head.ID, Response: true, Authoritative: true, RecursionDesired: head.RecursionDesired, RecursionAvailable: true, RCode: code})
	if err := b.StartQuestions(); err != nil {
		return nil, err
	}
	if err := b.Question(q); err != nil {
		return nil, err
	}
	if err := b.StartAnswers(); err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if q.Type != dnsmessage.TypeA {
			break // there are no others
		}
		if err := b.AResource(dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, dnsmessage.AResource{A: [4]byte(net.ParseIP(a).To4())}); err != nil {
			return nil, err
		}
	}
	return b.Finish()
}

// resolve returns the addresses of NAME.SERVICE.NAMESPACE.svc.cluster.local, which is a pod of a headless Service, or of all its pods without a NAME. Pods that are not ready are there if
// the Service says so.
func (n *Node) resolve(ctx context.Context, name string) (addresses []string) {
	parts := strings.Split(strings.TrimSuffix(name, ".svc."+clusterDomain), ".")
	if !strings.HasSuffix(name, ".svc."+clusterDomain) || len(parts) < 2 || len(parts) > 3 {
		return nil
	}
	host := ""
	if len(parts) == 3 {
		host, parts = parts[0], parts[1:]
	}
	service, err := n.client.CoreV1().Services(parts[1]).Get(ctx, parts[0], metav1.GetOptions{})
	if err != nil || service.Spec.ClusterIP != corev1.ClusterIPNone {
		return nil
	}
	pods, err := n.client.CoreV1().Pods(parts[1]).List(ctx, metav1.ListOptions{LabelSelector: labels.FormatLabels(service.Spec.Selector)})
	if err != nil {
		return nil
	}
	for _, o := range pods.Items {
		named := host == "" || o.Spec.Hostname == host && o.Spec.Subdomain == service.Name
		ends := o.Status.Phase == corev1.PodSucceeded || o.Status.Phase == corev1.PodFailed
		if named && !ends && o.Status.PodIP != "" && (service.Spec.PublishNotReadyAddresses || isReady(&o)) {
			addresses = append(addresses, o.Status.PodIP)
		}
	}
	return addresses
}

func isReady(o *corev1.Pod) bool {
	for _, c := range o.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
