package server_test

import (
	"net/http"
	"strings"
	"testing"

	"loadlab/app/api"
)

// HEAD is answered as GET is, without the body. 405 names the methods of what is there, and each of them is one; what is not there is 404 for every method.
func TestMethods(t *testing.T) {
	r := newRig(t, "", false)
	const page, row = "GET, HEAD", "GET, HEAD, PATCH"
	for path, allow := range map[string]string{
		api.PathCached: page, "/api/properties/cached": page, api.PathCached + "ttl": page, api.PathCached + "ttl/1/": page, api.PathLive + "naive/": page,
		"/api/properties/1/": row, "/api/properties/1": row, api.PathHealthz: page, api.PathReadyz: page,
		api.PathCached + "nope/": "", api.PathLive + "nope/": "", api.PathLive: "", "/api/properties/": "", "/api/properties/abc/": "", api.PathCached + "ttl/x/": "", "/nowhere": "",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			body := ""
			if method == "PATCH" {
				body = `{"price": "450000.00"}`
			}
			a := do(t, method, r.api.URL+path, body)
			want, header := http.StatusMethodNotAllowed, allow
			switch {
			case allow == "":
				want = http.StatusNotFound
			case strings.Contains(allow, method):
				want, header = http.StatusOK, ""
			}
			if a.StatusCode != want || a.Header.Get("Allow") != header {
				t.Errorf("%s %s: status %d, Allow %q; want %d, %q", method, path, a.StatusCode, a.Header.Get("Allow"), want, header)
			}
		}
		got, head := do(t, "GET", r.api.URL+path, ""), do(t, "HEAD", r.api.URL+path, "")
		if head.body != "" || head.Header.Get("Content-Type") != got.Header.Get("Content-Type") || head.ContentLength != int64(len(got.body)) {
			t.Errorf("HEAD %s: %q and %d bytes of %s; GET has %d of %s", path, head.body, head.ContentLength, head.Header.Get("Content-Type"), len(got.body), got.Header.Get("Content-Type"))
		}
	}
	metrics := get(t, r.lab.URL+api.PathMetrics).body
	if strings.Contains(metrics, "BREW") || !strings.Contains(metrics, `http_request_method="_OTHER"`) {
		t.Error("the label of a method that is none of HTTP's is not _OTHER")
	}
	if a := do(t, "HEAD", r.lab.URL+api.PathMetrics, ""); a.StatusCode != http.StatusOK || a.body != "" {
		t.Errorf("HEAD of the metrics: status %d, %q", a.StatusCode, a.body)
	}
}
