package main

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"loadlab/internal/redact"
	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
)

// connectFlags are the flags for how requests are made; run, hit and ab share them. Those that curl has mean what they mean there.
type connectFlags struct {
	scenario.Target // without its URL

	location, phases bool
	transport        string
	detours          detours // that the target's own address may be one of
}

// curlRedirects is how many redirects curl follows with --location.
const curlRedirects = 50

// define adds the flags to a command's.
func (f *connectFlags) define(flags *pflag.FlagSet) {
	flags.BoolVarP(&f.Insecure, "insecure", "k", false, "do not verify the target's certificate")
	flags.StringVar(&f.CACert, "cacert", "", "`file` of the authorities that the target's certificate is verified by, in PEM (default: the system's)")
	flags.StringVar(&f.Cert, "cert", "", "`file` of the certificate that is shown to the target, in PEM; its key may be in it")
	flags.StringVar(&f.Key, "key", "", "`file` of the key of --cert")
	flags.StringVarP(&f.User, "user", "u", "", "Basic credentials, `name:password`")
	flags.StringVar(&f.Socket, "unix-socket", "", "`path` of a Unix socket that is connected to, whatever the URL's host is")
	flags.Var(detourFlag{connectTo, &f.detours}, "connect-to", "host1:port1:host2:port2: connections for the first go to the second; the request, its Host and what TLS verifies stay")
	flags.Var(detourFlag{resolve, &f.detours}, "resolve", "host:port:address: the address of a host, which is not looked up")
	flags.Var(secondsFlag{&f.ConnectTimeout}, "connect-timeout", "how long connecting may take, with TLS, in `seconds` or as a duration (default: as long as the request)")
	flags.StringVar(&f.transport, "transport", "", "raw (HTTP/1.1, the default and the cheapest) or net/http (which the next four imply)")
	flags.BoolVar(&f.HTTP2, "http2", false, "HTTP/2; it is an error if the target does not speak it")
	flags.StringVarP(&f.Proxy, "proxy", "x", "", "URL of a proxy, of HTTP or SOCKS 5, the only one that is connected to; the environment's are not used")
	flags.IntVar(&f.Redirects, "redirects", 0, "how many redirects are followed")
	flags.BoolVarP(&f.location, "location", "L", false, fmt.Sprintf("follow redirects: --redirects %d", curlRedirects))
	flags.BoolVar(&f.phases, "phases", false, "tell connecting, TLS, the first byte and the last apart")
}

// over returns the target of a scenario with what the flags set in its place, at a URL. t is nil if the scenario has none.
func (f *connectFlags) over(t *scenario.Target, url string) scenario.Target {
	var all scenario.Target
	if t != nil {
		all = *t
	}
	all.Insecure, all.HTTP2 = all.Insecure || f.Insecure, all.HTTP2 || f.HTTP2
	if f.Cert != "" {
		all.Key = "" // of another certificate
	}
	all.CACert, all.Cert, all.Key = cmp.Or(f.CACert, all.CACert), cmp.Or(f.Cert, all.Cert), cmp.Or(f.Key, all.Key)
	all.User, all.Socket, all.Proxy = cmp.Or(f.User, all.User), cmp.Or(f.Socket, all.Socket), cmp.Or(f.Proxy, all.Proxy)
	all.URL, all.ConnectTo, all.ConnectTimeout = url, cmp.Or(f.detours.address(url), all.ConnectTo), cmp.Or(f.ConnectTimeout, all.ConnectTimeout)
	all.Redirects = cmp.Or(f.Redirects, all.Redirects)
	if f.location && f.Redirects == 0 {
		all.Redirects = curlRedirects
	}
	return all
}

// options returns the client's options for requests to a target, whose URL may be that of any server if it is not known yet. What contradicts itself or the target is
// a usage error, before a stack is brought up for it.
func (f *connectFlags) options(t scenario.Target) (client.Options, error) {
	o := client.Options{Insecure: t.Insecure, Phases: f.phases, HTTP2: t.HTTP2, Redirects: t.Redirects, Transport: f.transport, Socket: t.Socket, Address: t.ConnectTo, ConnectTimeout: t.ConnectTimeout}
	if len(f.detours) > 0 && t.ConnectTo == "" {
		return o, usageError{fmt.Errorf("--resolve and --connect-to are of other hosts than the target's, which is %s", redact.URL(t.URL))}
	}
	if t.User != "" {
		name, password, ok := strings.Cut(t.User, ":")
		if !ok {
			return o, usageError{errors.New("--user wants a name and a password: name:password")}
		}
		o.Header = http.Header{"Authorization": {client.Basic(name, password)}}
	}
	if t.Proxy != "" {
		u, err := redact.Parse(withScheme(t.Proxy))
		switch {
		case err != nil:
			return o, usageError{fmt.Errorf("--proxy: %w", err)}
		case u.Host == "" || u.Path != "" && u.Path != "/":
			return o, usageError{fmt.Errorf("--proxy is %q: use a URL like http://host:port", redact.URL(t.Proxy))}
		case !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme):
			return o, usageError{fmt.Errorf("--proxy is %q: the scheme must be http, https, socks5 or socks5h", redact.URL(t.Proxy))}
		}
		o.Proxy = u
	}
	if o.Transport == "" && (o.HTTP2 || o.Proxy != nil || o.Redirects > 0) {
		o.Transport = client.NetHTTP
	}
	var err error
	if o.PEM, o.TLS, err = certificates(t); err != nil {
		return o, usageError{err}
	}
	if _, err := client.NewTarget(t.URL, o); err != nil {
		return o, usageError{err}
	}
	return o, nil
}

// certificates reads the files of a target, and returns the configuration of TLS with them; nil if it has none.
func certificates(t scenario.Target) (pem client.PEM, c *tls.Config, err error) {
	if t.CACert != "" {
		if pem.Authorities, err = os.ReadFile(t.CACert); err != nil {
			return pem, nil, fmt.Errorf("--cacert: %w", err)
		}
	}
	switch {
	case t.Cert != "":
		if pem.Certificate, err = os.ReadFile(t.Cert); err == nil {
			pem.Key, err = os.ReadFile(cmp.Or(t.Key, t.Cert))
		}
	case t.Key != "":
		return pem, nil, errors.New("--key goes with --cert")
	}
	if err == nil {
		c, err = pem.Config()
	}
	switch {
	case err == nil:
		return pem, c, nil
	case errors.Is(err, client.ErrNoPEM):
		return pem, nil, fmt.Errorf("--cacert: %s has %w", t.CACert, err)
	case t.Key == "" && !os.IsNotExist(err):
		return pem, nil, fmt.Errorf("--cert %s: %w (a key in a file of its own is given by --key)", t.Cert, err)
	}
	return pem, nil, fmt.Errorf("--cert %s: %w", t.Cert, err)
}

// withScheme returns the URL of a server from what is typed for it: host:port means http://host:port, and so does http:/host:port, as it does to curl.
func withScheme(address string) string {
	for _, scheme := range []string{"http", "https"} {
		if rest, ok := strings.CutPrefix(address, scheme+":/"); ok && !strings.HasPrefix(rest, "/") {
			return scheme + "://" + rest
		}
	}
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
