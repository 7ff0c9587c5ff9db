// Command record writes what a Prometheus has of some series as the input_series of a promtool test: real samples for the tests of rules.
//
//	go run ./otel/prometheus/record -prometheus http://127.0.0.1:9090 -from 1795950000 -to 1795950180 -step 5s > samples.yml
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// objective selects what the rules of the cached page ask for.
const objective = `{__name__=~"http_server_request_duration_seconds_(count|bucket)", http_route=~"/api/properties/cached/.*", le=~"|0.1"}`

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("record", flag.ContinueOnError)
	server := flags.String("prometheus", "http://127.0.0.1:9090", "the Prometheus that has the samples")
	from := flags.Int64("from", 0, "the first sample's Unix time, in seconds")
	to := flags.Int64("to", 0, "the last sample's")
	step := flags.Duration("step", 5*time.Second, "between two samples: the interval of the test")
	match := flags.String("match", objective, "which series")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *from <= 0 || *to <= *from || *step < time.Second {
		return fmt.Errorf("-from %d, -to %d, -step %v: want a time range and a step of a second or more", *from, *to, *step)
	}
	all, err := ask(ctx, *server, *match, *from, *to, *step)
	if err != nil {
		return err
	}
	return write(out, all, *from, *to, *step)
}

// series is one of a range query.
type series struct {
	Metric map[string]string    `json:"metric"`
	Values [][2]json.RawMessage `json:"values"` // time, and value as a string
}

func ask(ctx context.Context, server, match string, from, to int64, step time.Duration) ([]series, error) {
	form := url.Values{
		"query": {match}, "start": {strconv.FormatInt(from, 10)}, "end": {strconv.FormatInt(to, 10)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(server, "/")+"/api/v1/query_range", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // it has been read
	var answer struct {
		Error string `json:"error"`
		Data  struct {
			Result []series `json:"result"`
		} `json:"data"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("read Prometheus' answer: %w", err)
	}
	if answer.Error != "" || len(answer.Data.Result) == 0 {
		return nil, fmt.Errorf("%s has no series of %s %s", server, match, answer.Error)
	}
	return answer.Data.Result, nil
}

// write writes the series by their names, with "_" where there is no sample.
func write(out io.Writer, all []series, from, to int64, step time.Duration) error {
	seconds := int64(step / time.Second)
	lines := make([]string, 0, len(all))
	for _, s := range all {
		values := slices.Repeat([]string{"_"}, int((to-from)/seconds)+1)
		for _, v := range s.Values {
			at, err := strconv.ParseFloat(string(v[0]), 64)
			if err != nil {
				return fmt.Errorf("a sample's time: %w", err)
			}
			var value string
			if err := json.Unmarshal(v[1], &value); err != nil {
				return fmt.Errorf("a sample's value: %w", err)
			}
			values[(int64(at)-from)/seconds] = value
		}
		lines = append(lines, fmt.Sprintf("      - series: '%s'\n        values: %s\n", name(s.Metric), strings.Join(values, " ")))
	}
	slices.Sort(lines)
	_, err := fmt.Fprintf(out, "    interval: %v\n    input_series:\n%s", step, strings.Join(lines, ""))
	return err
}

// name is a series as PromQL selects it, without who scraped it from where.
func name(metric map[string]string) string {
	var labels []string
	for label, value := range metric {
		if label != "__name__" && label != "instance" && label != "job" {
			labels = append(labels, label+"="+strconv.Quote(value))
		}
	}
	slices.Sort(labels)
	return metric["__name__"] + "{" + strings.Join(labels, ", ") + "}"
}
