// Package kubetest runs Kubernetes for a test: a real control plane (etcd, API server, controllers) on loopback, and a node whose kubelet runs pods as processes of this
// machine. What the API server admits, what the Job controller makes of a Job, who may do what and what is deleted with what is real; a pod is a process with a root folder,
// mounts, a process tree, a user and an address of its own.
//
//	program := ... // controlplane/ builds it
//	c, err := kubetest.Start(ctx, program)
//	defer c.Stop()
//	n, err := kubetest.StartNode(ctx, c, kubetest.NodeConfig{Images: map[string]kubetest.Image{"loadgen": {Folder: folder}}})
//	defer n.Stop()
//
// A test binary that starts a node calls Contained first thing in TestMain: containers are started by this binary.
//
// It is for Linux, and root. What the node does not do: limits of memory and CPU, seccomp, probes, init containers, restarts, networks of pods (they share this machine's
// loopback: two pods cannot listen on one port on all addresses), Services other than headless ones.
package kubetest
