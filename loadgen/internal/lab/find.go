package lab

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"loadlab/app/api"
)

// Find looks for the lab controls of the app that serves the API at a URL, where they are unless it was told another port, and returns their URL. They are of
// the same process: a port with lab controls that are another app's is none. A service that is not the lab's app is asked for its health and no more.
func Find(ctx context.Context, apiURL string) (labURL string, ok bool) {
	u, err := url.Parse(apiURL)
	if err != nil {
		return "", false
	}
	at := url.URL{Scheme: "http", Host: net.JoinHostPort(u.Hostname(), api.LabPort)}
	c := New([]string{apiURL}, []string{at.String()})
	defer c.Close()
	health, err := first[api.Health](ctx, c, c.apis, http.MethodGet, api.PathHealthz, nil)
	if err != nil || health.Instance == "" {
		return "", false
	}
	info, err := c.Info(ctx)
	return c.labs[0], err == nil && info.Instance == health.Instance
}
