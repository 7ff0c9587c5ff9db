package scenario

import (
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"loadlab/loadgen/internal/keys"
)

// Target is where a scenario's requests go, and how:
//
//	target: http://localhost:3000
//	target:
//	  url: https://api.example          # or unix:///run/app.sock
//	  user: me:${PASSWORD}              # Basic credentials
//	  cacert: ca.pem                    # files stand beside the scenario's unless their paths are absolute
//	  cert: me.pem
//	  key: me.key
//	  insecure: true                    # do not verify its certificate
//	  unix_socket: /run/app.sock        # what is dialled, whatever the URL's host is
//	  connect_to: 127.0.0.1:8443        # what is dialled in the place of the URL's host and port
//	  connect_timeout: 3s               # of connecting, with TLS; the request's own timeout bounds it too
//	  proxy: http://proxy:3128
//	  http2: true
//	  redirects: 3                      # that are followed
type Target struct {
	URL, User         string
	CACert, Cert, Key string // paths
	Insecure, HTTP2   bool
	Socket, Proxy     string
	ConnectTo         string // host:port
	ConnectTimeout    time.Duration
	Redirects         int
}

// maxRedirects is more than any browser follows.
const maxRedirects = 100

// target reads the short form of a target, or the long one.
func (r *reader) target(n ast.Node) *Target {
	t := &Target{}
	set := func(s *string, what string) func(ast.Node) {
		return func(n ast.Node) { *s = r.filled(n, what) }
	}
	file := func(s *string, what string) func(ast.Node) {
		return func(n ast.Node) { *s = r.beside(r.filled(n, what)) }
	}
	if _, ok := n.(*ast.MappingNode); !ok {
		t.URL = r.filled(n, "target")
		return t
	}
	has := r.object(n, "target",
		key{"url", set(&t.URL, "url")},
		key{"user", set(&t.User, "user")},
		key{"cacert", file(&t.CACert, "cacert")},
		key{"cert", file(&t.Cert, "cert")},
		key{"key", file(&t.Key, "key")},
		key{"insecure", func(n ast.Node) { t.Insecure = r.boolean(n, "insecure") }},
		key{"unix_socket", set(&t.Socket, "unix_socket")},
		key{"connect_to", func(n ast.Node) { t.ConnectTo = r.hostPort(n, "connect_to") }},
		key{"connect_timeout", func(n ast.Node) { t.ConnectTimeout = r.timeout(n, "connect_timeout") }},
		key{"proxy", set(&t.Proxy, "proxy")},
		key{"http2", func(n ast.Node) { t.HTTP2 = r.boolean(n, "http2") }},
		key{"redirects", func(n ast.Node) { t.Redirects = r.count(n, "redirects", 0, maxRedirects) }},
	)
	if has["url"] == nil {
		r.errorf(n, "target wants a url: http://localhost:3000")
	}
	if t.User != "" && !strings.Contains(t.User, ":") {
		r.errorf(has["user"], "user wants a name and a password: name:${PASSWORD}")
	}
	return t
}

// hostPort reads the address of a server.
func (r *reader) hostPort(n ast.Node, what string) string {
	text := r.filled(n, what)
	if host, port, err := net.SplitHostPort(text); err != nil || host == "" || port == "" {
		r.errorf(n, "%s wants host:port, such as 127.0.0.1:8443", what)
	}
	return text
}

// filled reads a text of one line with variables of the environment alone.
func (r *reader) filled(n ast.Node, what string) string { return r.fill(n, r.line(n, what), what) }

// filledText is filled for a text of any lines.
func (r *reader) filledText(n ast.Node, what string) string { return r.fill(n, r.text(n, what), what) }

func (r *reader) fill(n ast.Node, s, what string) string {
	if r.literal {
		return s
	}
	return r.parsed(n, s, 0, keys.InValue, keys.Names{Why: func(string) string { return what + " takes no data" }, Env: r.environ}).Plain()
}

// parsed reads a text that begins so many characters into the scalar n, and reports what is unfit in it.
func (r *reader) parsed(n ast.Node, s string, skip int, where keys.Where, names keys.Names) keys.Text {
	t, unfit := keys.Parse(s, where, names)
	for _, u := range unfit {
		line, col := position(n)
		r.errs = append(r.errs, Error{r.file, line, col + offset(n, skip+u.Offset), u.Msg})
	}
	return t
}

// environ returns a variable of the environment, and remembers that its value is not to be shown.
func (r *reader) environ(name string) (string, bool) {
	if r.env == nil {
		return "", false
	}
	value, ok := r.env(name)
	if ok && value != "" {
		r.secrets = append(r.secrets, value)
	}
	return value, ok
}

// beside is the path of a file that stands beside the scenario's.
func (r *reader) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(r.file), path)
}
