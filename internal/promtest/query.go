package promtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Series is one element of a result. A scalar is one without labels.
type Series struct {
	Labels map[string]string
	Points []Point // one of an instant query, one a step of a range query
}

// Point is a value at a time.
type Point struct {
	Time      time.Time
	Value     float64    // of a histogram: its count
	Histogram *Histogram // nil for a plain number
}

// Histogram is a native histogram.
type Histogram struct {
	Count, Sum float64
	Buckets    []Bucket
}

// Bucket is how many observations lay between two bounds.
type Bucket struct{ Lower, Upper, Count float64 }

// Exemplar is a sampled observation.
type Exemplar struct {
	Series map[string]string // the labels of the series that it was observed on
	Labels map[string]string // trace_id
	Value  float64
	Time   time.Time
}

// Empty reports whether no element of the result has a number: not one series, or NaN alone.
func Empty(result []Series) bool {
	for _, s := range result {
		for _, p := range s.Points {
			if p.Histogram != nil || !math.IsNaN(p.Value) {
				return false
			}
		}
	}
	return true
}

// HasNaN reports whether a result has a point that is no number.
func HasNaN(result []Series) bool {
	return slices.ContainsFunc(result, func(s Series) bool {
		return slices.ContainsFunc(s.Points, func(p Point) bool { return p.Histogram == nil && math.IsNaN(p.Value) })
	})
}

// Query evaluates an expression at a time; the zero time is the server's now.
func (s *Server) Query(ctx context.Context, expr string, at time.Time) ([]Series, error) {
	form := url.Values{"query": {expr}}
	if !at.IsZero() {
		form.Set("time", seconds(at))
	}
	return s.ask(ctx, "/api/v1/query", form)
}

// Show evaluates an expression as a browser has it for a panel: at the end of a time range, or for each second of it.
func (s *Server) Show(ctx context.Context, expr string, instant bool, from, to time.Time) ([]Series, error) {
	if instant {
		return s.Query(ctx, expr, to)
	}
	return s.QueryRange(ctx, expr, from, to, time.Second)
}

// Await evaluates an expression until it has a number, and returns the result. If ctx ends before, the error names the expression.
func (s *Server) Await(ctx context.Context, expr string) ([]Series, error) {
	var result []Series
	err := s.process.Await(ctx, pollEvery, func(ctx context.Context) (err error) {
		if result, err = s.Query(ctx, expr, time.Time{}); err == nil && Empty(result) {
			err = fmt.Errorf("no data: %s", expr)
		}
		return err
	})
	return result, err
}

// QueryRange evaluates an expression at every step of a range.
func (s *Server) QueryRange(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]Series, error) {
	return s.ask(ctx, "/api/v1/query_range", url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}, "step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	})
}

// Exemplars returns the exemplars of the series that an expression selects.
func (s *Server) Exemplars(ctx context.Context, expr string, from, to time.Time) ([]Exemplar, error) {
	data, err := s.get(ctx, "/api/v1/query_exemplars", url.Values{"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)}})
	if err != nil {
		return nil, err
	}
	var answer []struct {
		Series    map[string]string `json:"seriesLabels"`
		Exemplars []struct {
			Labels    map[string]string `json:"labels"`
			Value     float64           `json:"value,string"`
			Timestamp float64           `json:"timestamp"`
		} `json:"exemplars"`
	}
	if err := unpack(data, &answer); err != nil {
		return nil, err
	}
	var all []Exemplar
	for _, series := range answer {
		for _, e := range series.Exemplars {
			all = append(all, Exemplar{Series: series.Series, Labels: e.Labels, Value: e.Value, Time: instant(e.Timestamp)})
		}
	}
	return all, nil
}

// Names are the names of all metrics that the server has.
func (s *Server) Names(ctx context.Context) ([]string, error) {
	data, err := s.get(ctx, "/api/v1/label/__name__/values", nil)
	if err != nil {
		return nil, err
	}
	var names []string
	return names, unpack(data, &names)
}

func seconds(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }

func instant(seconds float64) time.Time { return time.UnixMilli(int64(math.Round(seconds * 1000))) }

// ask runs a query and reads its result, whatever its type.
func (s *Server) ask(ctx context.Context, path string, form url.Values) ([]Series, error) {
	data, err := s.get(ctx, path, form)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	if err := unpack(data, &answer); err != nil {
		return nil, err
	}
	if answer.Type == "scalar" {
		var p point
		if err := json.Unmarshal(answer.Result, &p); err != nil {
			return nil, fmt.Errorf("read a scalar: %w", err)
		}
		return []Series{{Points: []Point{Point(p)}}}, nil
	}
	var elements []element
	if err := json.Unmarshal(answer.Result, &elements); err != nil {
		return nil, fmt.Errorf("read a %s: %w", answer.Type, err)
	}
	result := make([]Series, len(elements))
	for i, e := range elements {
		result[i] = e.series()
	}
	return result, nil
}

// get fetches a path. An error that Prometheus explains has its explanation.
func (s *Server) get(ctx context.Context, path string, form url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL()+path+"?"+form.Encode(), nil)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	defer resp.Body.Close() // it was read to its end, or is given up
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("ask Prometheus: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask Prometheus: it answered %s to %s: %s", resp.Status, form.Get("query"), data)
	}
	return data, nil
}

// unpack takes the envelope off an answer.
func unpack(data []byte, into any) error {
	var envelope struct {
		Status string          `json:"status"`
		Data   json.RawMessage `json:"data"`
		Error  string          `json:"error"`
	}
	if err := json.Unmarshal(data, &envelope); err != nil {
		return fmt.Errorf("read Prometheus' answer: %w", err)
	}
	if envelope.Status != "success" {
		return errors.New("ask Prometheus: " + envelope.Error)
	}
	if err := json.Unmarshal(envelope.Data, into); err != nil {
		return fmt.Errorf("read Prometheus' answer: %w", err)
	}
	return nil
}

// element is a series of a vector or a matrix on the wire.
type element struct {
	Metric     map[string]string `json:"metric"`
	Value      *point            `json:"value"`
	Histogram  *histogramPoint   `json:"histogram"`
	Values     []point           `json:"values"`
	Histograms []histogramPoint  `json:"histograms"`
}

func (e element) series() Series {
	s := Series{Labels: e.Metric}
	for _, p := range e.Values {
		s.Points = append(s.Points, Point(p))
	}
	for _, p := range e.Histograms {
		s.Points = append(s.Points, Point(p))
	}
	if e.Value != nil {
		s.Points = append(s.Points, Point(*e.Value))
	}
	if e.Histogram != nil {
		s.Points = append(s.Points, Point(*e.Histogram))
	}
	return s
}

// point is [seconds, "value"].
type point Point

func (p *point) UnmarshalJSON(data []byte) error {
	var at float64
	var text string
	if err := json.Unmarshal(data, &[]any{&at, &text}); err != nil {
		return err
	}
	value, err := strconv.ParseFloat(text, 64)
	*p = point{Time: instant(at), Value: value}
	return err
}

// histogramPoint is [seconds, {"count": "3", "sum": "1.5", "buckets": [[boundaries, "lower", "upper", "count"]]}].
type histogramPoint Point

func (p *histogramPoint) UnmarshalJSON(data []byte) error {
	var at float64
	var h struct {
		Count, Sum string // which may be NaN
		Buckets    [][4]json.RawMessage
	}
	if err := json.Unmarshal(data, &[]any{&at, &h}); err != nil {
		return err
	}
	histogram := &Histogram{}
	if err := errors.Join(number(h.Count, &histogram.Count), number(h.Sum, &histogram.Sum)); err != nil {
		return err
	}
	for _, raw := range h.Buckets {
		var lower, upper, count string
		if err := errors.Join(json.Unmarshal(raw[1], &lower), json.Unmarshal(raw[2], &upper), json.Unmarshal(raw[3], &count)); err != nil {
			return err
		}
		var b Bucket
		if err := errors.Join(number(lower, &b.Lower), number(upper, &b.Upper), number(count, &b.Count)); err != nil {
			return err
		}
		histogram.Buckets = append(histogram.Buckets, b)
	}
	*p = histogramPoint{Time: instant(at), Value: histogram.Count, Histogram: histogram}
	return nil
}

func number(text string, into *float64) (err error) {
	*into, err = strconv.ParseFloat(text, 64)
	return err
}
