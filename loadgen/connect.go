package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/pflag"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/client"
)

// connectFlags are the flags for how requests are made; run and hit share them.
type connectFlags struct {
	insecure, http2, phases bool
	transport, proxy        string
	redirects               int
}

// define adds the flags to a command's.
func (f *connectFlags) define(flags *pflag.FlagSet) {
	flags.BoolVar(&f.insecure, "insecure", false, "do not verify the target's certificate")
	flags.StringVar(&f.transport, "transport", "", "raw (HTTP/1.1, the default and the cheapest) or net/http (which the next three imply)")
	flags.BoolVar(&f.http2, "http2", false, "HTTP/2")
	flags.StringVar(&f.proxy, "proxy", "", "URL of an HTTP proxy")
	flags.IntVar(&f.redirects, "redirects", 0, "how many redirects are followed")
	flags.BoolVar(&f.phases, "phases", false, "tell connecting, TLS, the first byte and the last apart")
}

// withScheme returns the URL of a server from what is typed for it: host:port means http://host:port.
func withScheme(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

// withSchemes is withScheme for each, without those that are empty.
func withSchemes(addresses []string) []string {
	var urls []string
	for _, a := range addresses {
		if a != "" {
			urls = append(urls, withScheme(a))
		}
	}
	return urls
}

// options returns the client's options, as the flags ask for them. target is the URL that requests go to, of any server if it is not
// known yet. What contradicts itself or the target is a usage error, before a stack is brought up for it.
func (f *connectFlags) options(target string) (client.Options, error) {
	o := client.Options{Insecure: f.insecure, Phases: f.phases, HTTP2: f.http2, Redirects: f.redirects, Transport: f.transport}
	if f.proxy != "" {
		u, err := url.Parse(f.proxy)
		if err != nil || u.Host == "" {
			return o, usageError{fmt.Errorf("--proxy is %q: use a URL like http://host:port", redact.URL(f.proxy))}
		}
		o.Proxy = u
	}
	if o.Transport == "" && (o.HTTP2 || o.Proxy != nil || o.Redirects > 0) {
		o.Transport = client.NetHTTP
	}
	if _, err := client.NewTarget(target, o); err != nil {
		return o, usageError{err}
	}
	return o, nil
}
