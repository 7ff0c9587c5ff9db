// Command controlplane is kube-apiserver, kube-controller-manager and etcd in one binary, which is each of them when it is started by that name. The tests of runs in a
// cluster have a real control plane of it. It is a module of its own, so that none of what Kubernetes requires is required by loadlab.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
)

func main() {
	switch name := filepath.Base(os.Args[0]); name {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		os.Exit(cli.Run(apiserver.NewAPIServerCommand()))
	case "kube-controller-manager":
		os.Exit(cli.Run(controllers.NewControllerManagerCommand()))
	default:
		fmt.Fprintf(os.Stderr, "%s: called by a name that is none of etcd, kube-apiserver and kube-controller-manager\n", name)
		os.Exit(2)
	}
}
