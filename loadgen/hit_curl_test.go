package main

import (
	"fmt"
	"io"
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
	var got atomic.Value
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s", r.Method, r.RequestURI)
		for _, name := range []string{"Cookie", "Authorization"} {
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
	} {
		r := loadgen(t, append([]string{"hit", server.URL, "-n", "1", "--allow-limited"}, tt.args...)...)
		if r.code != 0 || got.Load() != tt.want {
			t.Errorf("hit %q: the server got %q, want %q\n%s", tt.args, got.Load(), tt.want, r)
		}
	}
}
