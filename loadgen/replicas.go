package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/balance"
	"loadlab/loadgen/internal/run"
	"loadlab/loadgen/internal/scenario"
)

// everyAddress is what the URL of a service begins with whose name has several addresses, each of a replica: those of a headless Service of Kubernetes, or of the
// containers of one alias of Docker.
const everyAddress = "dns+"

// lookupLimit is how long a name server may take.
const lookupLimit = 5 * time.Second

// lookup returns the addresses of a name, as net.Resolver does in LookupNetIP.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

// reached is config with the replicas that names stand for now.
func (f runFlags) reached(ctx context.Context, s *scenario.Scenario, env environment, seeded bool) (run.Config, error) {
	if err := f.resolve(ctx, net.DefaultResolver.LookupNetIP); err != nil {
		return run.Config{}, err
	}
	return f.config(s, env, seeded)
}

// resolve replaces the targets and lab controls that stand for several replicas by one for each. They are in the order of their addresses, so that a replica's API
// and its lab controls are at the same place of both lists.
func (f *runFlags) resolve(ctx context.Context, ask lookup) (err error) {
	if f.targets, err = eachAddress(ctx, f.targets, ask); err != nil {
		return usageError{fmt.Errorf("--target: %w", err)}
	}
	if f.labs, err = eachAddress(ctx, f.labs, ask); err != nil {
		return usageError{fmt.Errorf("--lab: %w", err)}
	}
	return nil
}

// eachAddress returns the URLs, with one for each address in the place of those that begin with dns+.
func eachAddress(ctx context.Context, urls []string, ask lookup) (all []string, err error) {
	for _, text := range urls {
		service, several := strings.CutPrefix(text, everyAddress)
		if !several {
			all = append(all, text)
			continue
		}
		u, err := url.Parse(withScheme(service))
		if err != nil || u.Scheme != "http" || u.Hostname() == "" {
			return nil, fmt.Errorf("%q is not like dns+http://name:port: a certificate would be of the name, and not of an address", redact.URL(text))
		}
		addresses, err := addresses(ctx, u.Hostname(), ask)
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			one := *u
			one.Host = a.String()
			if a.Is6() {
				one.Host = "[" + one.Host + "]"
			}
			if port := u.Port(); port != "" {
				one.Host = net.JoinHostPort(a.String(), port)
			}
			all = append(all, one.String())
		}
	}
	return all, nil
}

// addresses returns those of a name in ascending order. Of a name that has IPv4 addresses no other counts: a replica may have one of each.
func addresses(ctx context.Context, host string, ask lookup) ([]netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupLimit)
	defer cancel()
	all, err := ask(ctx, "ip", host)
	if err != nil {
		return nil, fmt.Errorf("find the replicas: %w", err)
	}
	for i, a := range all {
		all[i] = a.Unmap()
	}
	if slices.ContainsFunc(all, netip.Addr.Is4) {
		all = slices.DeleteFunc(all, netip.Addr.Is6)
	}
	slices.SortFunc(all, netip.Addr.Compare)
	all = slices.Compact(all)
	if len(all) > balance.MaxReplicas {
		return nil, fmt.Errorf("%s has %d addresses: a run has at most %d replicas", host, len(all), balance.MaxReplicas)
	}
	return all, nil
}
