package run

import (
	"fmt"
	"strconv"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
)

// prepare returns the requests of a scenario's modes, in their order, ready to be made of a target.
func prepare(target *client.Target, modes []scenario.Mode) ([]*client.Request, error) {
	var requests []*client.Request
	for _, m := range modes {
		request, err := target.Prepare(specOf(m))
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", m.Name, err)
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// specOf returns a mode's request in the client's terms.
func specOf(m scenario.Mode) client.Spec {
	spec := client.Spec{Name: m.Name, Method: m.Method, Path: m.Path, Header: map[string]string{}, Body: []byte(m.Body), Expect: m.Expect}
	for _, h := range m.Header {
		spec.Header[h.Name] = h.Value
	}
	spec.Check.MinLength = int64(m.Check.MinBytes)
	for _, f := range m.Check.JSON {
		spec.Check.Fields = append(spec.Check.Fields, client.Field{Path: f.Path, Equals: literal(f.Want)})
	}
	return spec
}

// literal returns a value of a JSON body as client.Field wants it.
func literal(want any) string {
	switch v := want.(type) {
	case nil:
		return "null"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64) // 1000000 and not 1e+06
	}
	return fmt.Sprint(want)
}
