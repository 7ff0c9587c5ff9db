package run

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/result"
)

// modeComparison is the dashboard that shows a run first: its UID in package board of the dashboards.
const modeComparison = "loadlab-modes"

// aroundRun is how much of the time before and after a run its dashboard shows: the last figures are scraped when the run has ended.
const aroundRun = 2 * time.Second

// Grafana is where dashboards are, such as http://localhost:3000. The empty one is nowhere.
type Grafana string

// ParseGrafana reads the URL of a Grafana, which may stand below a path.
func ParseGrafana(text string) (Grafana, error) {
	at, err := parseViewer(text, "Grafana", "http://localhost:3000")
	return Grafana(at), err
}

// ParseJaeger reads the URL of a Jaeger, likewise.
func ParseJaeger(text string) (string, error) {
	return parseViewer(text, "Jaeger", "http://localhost:16686")
}

// parseViewer reads the URL of what is opened in a browser, without the slash at its end.
func parseViewer(text, of, like string) (string, error) {
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("%q is not the URL of a %s, like %s", text, of, like)
	}
	return strings.TrimRight(text, "/"), nil
}

// Run returns the URL of the dashboard of a run that ended at a time, or goes on if end is zero; empty if dashboards are nowhere.
func (g Grafana) Run(r *result.Run, end time.Time) string {
	if g == "" {
		return ""
	}
	to := "now"
	if !end.IsZero() {
		to = strconv.FormatInt(end.Add(aroundRun).UnixMilli(), 10)
	}
	query := url.Values{"var-run": {r.ID}, "from": {strconv.FormatInt(r.Started.Add(-aroundRun).UnixMilli(), 10)}, "to": {to}}
	return string(g) + "/d/" + modeComparison + "?" + query.Encode()
}
