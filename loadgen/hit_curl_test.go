package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// What stands in command lines of curl makes the request that curl makes.
func TestHitTakesWhatCurlTakes(t *testing.T) {
	workplace(t)
	write(t, "a.txt", "x y\n")
	write(t, "lines.txt", "# who asks\r\nCookie: a=1\r\nCookie: b=2\r\n")
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s", r.Method, r.RequestURI)
		for _, name := range []string{"Cookie", "Authorization", "Range"} {
			for _, value := range r.Header.Values(name) {
				fmt.Fprintf(&b, " %s=%s", name, value)
			}
		}
		form, err := r.MultipartReader()
		if err != nil {
			body, _ := io.ReadAll(r.Body) // checked by its text
			fmt.Fprintf(&b, " %s", body)
		}
		for form != nil {
			part, err := form.NextPart()
			if err != nil {
				break
			}
			body, _ := io.ReadAll(part) // as above
			fmt.Fprintf(&b, " [%s %q %s %q]", part.FormName(), part.FileName(), part.Header.Get("Content-Type"), body)
		}
		got.Store(b.String())
	}))
	t.Cleanup(server.Close)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--data-urlencode", "q=a b&c=é"}, "POST / q=a+b%26c%3D%C3%A9"},
		{[]string{"--data-urlencode", "=a b", "--data-urlencode", "c d", "--data-urlencode", "f@a.txt", "-d", "x=1"}, "POST / a+b&c+d&f=x+y%0A&x=1"},
		{[]string{"-G", "--data-urlencode", "q=a b"}, "GET /?q=a+b "},
		{[]string{"-F", "a=1;2", "-F", `q="x"`, "-F", "g=<a.txt"}, `POST / [a ""  "1;2"] [q ""  "x"] [g ""  "x y\n"]`},
		{[]string{"--form", `f=@"a.txt";type=a/b`, "-F", `g=@a.txt;filename="b c";type=c/d`}, `POST / [f "a.txt" a/b "x y\n"] [g "b c" c/d "x y\n"]`},
		{[]string{"-X", "PUT", "-F", "a=1"}, `PUT / [a ""  "1"]`},
		{[]string{"-b", "a=1", "-b", "b=2"}, "GET / Cookie=a=1; b=2 "},
		{[]string{"--oauth2-bearer", "tok"}, "GET / Authorization=Bearer tok "},
		{[]string{"-sSvifgN", "-o", "/dev/null", "-w", "%{http_code}", "--http1.1", "-m", "5"}, "GET / "},
		{[]string{"-T", "a.txt"}, "PUT /a.txt x y\n"},
		{[]string{"-T", "a.txt", "-X", "POST"}, "POST /a.txt x y\n"},
		{[]string{"-r", "0-9"}, "GET / Range=bytes=0-9 "},
		{[]string{"-H", "@lines.txt"}, "GET / Cookie=a=1 Cookie=b=2 "},
		{[]string{"--max-redirs", "3", "-L"}, "GET / "},
		{[]string{"--connect-timeout", "30"}, "GET / "},
	} {
		r := loadgen(t, append([]string{"hit", server.URL, "-n", "1", "--allow-limited"}, tt.args...)...)
		if r.code != 0 || got.Load() != tt.want {
			t.Errorf("hit %q: the server got %q, want %q\n%s", tt.args, got.Load(), tt.want, r)
		}
	}
}

// A host that is not looked up, a URL that is given by a flag, and the backslashes of a browser's: what comes to the server, and what the server is called.
func TestHitReachesWhatCurlReaches(t *testing.T) {
	workplace(t)
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got.Store(r.Host + r.RequestURI) }))
	t.Cleanup(server.Close)
	addr := server.Listener.Addr().String()
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ args, want string }{
		{"http://shop.test:" + port + "/a --resolve *:" + port + ":127.0.0.1", "shop.test:" + port + "/a"},
		{"http://shop.test:" + port + "/a --resolve shop.test:" + port + ":127.0.0.1 -L", "shop.test:" + port + "/a"},
		{"http://shop.test/a --resolve other.test:80:127.0.0.2 --connect-to SHOP.test:80:127.0.0.1:" + port, "shop.test/a"},
		{"--url " + server.URL + "/b", addr + "/b"},
		{server.URL + `/?a=\[1-3\]&b=\{c,d\}`, addr + "/?a=[1-3]&b={c,d}"},
		{server.URL + "/?a=[1-3]&b={c,d} -g", addr + "/?a=[1-3]&b={c,d}"},
		{server.URL + "/?filter[name]=x", addr + "/?filter[name]=x"},
	} {
		r := loadgen(t, append([]string{"hit", "-n", "1", "--allow-limited"}, strings.Fields(tt.args)...)...)
		if r.code != 0 || got.Load() != tt.want {
			t.Errorf("hit %s: the server got %q, want %q\n%s", tt.args, got.Load(), tt.want, r)
		}
	}
	// The scenario that it saves reaches it, too.
	if r := loadgen(t, "hit", "http://shop.test/saved", "--connect-to", "::"+addr, "--connect-timeout", "9", "-n", "1", "--save", "./saved.yaml"); r.code != 0 {
		t.Fatal(r)
	}
	if r := loadgen(t, "run", "./saved.yaml", "--allow-limited"); r.code != 0 || got.Load() != "shop.test/saved" {
		t.Errorf("the server got %q\n%s", got.Load(), r)
	}
}

// What curl would make several requests of, or hide failures by, is refused with the reason.
func TestHitRefusesWhatItCannotMean(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"http://h/ --retry 3", "--retry: what failed is counted, and not tried again: a load generator must not hide failures"},
		{"http://h/ --next http://h/b", "--next: hit makes one request: several are modes, or the steps of a session, in a scenario, which --save begins"},
		{"http://h/ -Z", "--parallel: -c is the number of connections, and --rate a rate that does not wait for responses"},
		{"http://h/ http://h/b", "hit makes one request, and these are 2 URLs: http://h/, http://h/b; several are modes of a scenario"},
		{"", "there is no URL (usage: loadgen hit URL [flags])"},
		{`http://h/ --json {"a":1}`, "--json prints one object and takes no value: a body of JSON is --json-body"},
		{"http://h/{a,b}", "curl makes several URLs of {a,b}, and hit makes one request"},
		{"http://h/[01-10:2]", "curl makes several URLs of [01-10:2], and hit makes one request"},
		{"http://h/ --resolve other:80:127.0.0.1", "--resolve and --connect-to are of other hosts than the target's, which is http://h"},
		{"http://h/ --resolve h:80", "want host:port:address, such as api.example:443:10.0.0.1"},
		{"http://h/ --resolve h:80:other", "want one IP address after host:port"},
		{"http://h/ --connect-to h:80:b:99999", "want host1:port1:host2:port2"},
		{"http://h/ --connect-to h:80:b: -x http://proxy", "does not go with a Unix socket, nor with a proxy"},
		{"http://h/ --connect-timeout 0", "want seconds, such as 3 or 0.5, or a duration, such as 500ms"},
		{"http://h/ -T none", "--upload-file: open none: no such file or directory"},
		{"http://h/ -T none -d x", "--upload-file goes with no other body, nor with --get or --head"},
		{"http://h/ -H @none", "-H @none: open none: no such file or directory"},
	} {
		if r := loadgen(t, append([]string{"hit", "-n", "1"}, strings.Fields(tt.args)...)...); r.code != 2 || !strings.Contains(r.stderr, tt.want) {
			t.Errorf("hit %s: want exit code 2 and %q: %s", tt.args, tt.want, r)
		}
	}
}
