package run

import (
	"fmt"
	"net/http"
	"net/textproto"
	"strconv"

	"loadlab/loadgen/internal/client"
	"loadlab/loadgen/internal/scenario"
)

// prepare returns the requests of a scenario's modes, in their order, ready to be made of a target. seed is that of the data, and copies are those of the modes that
// are conditional. A session has no request of its own.
func prepare(target *client.Target, modes []scenario.Mode, seed uint64, copies []*client.Copies) ([]*client.Request, error) {
	var requests []*client.Request
	data := &sources{seed: seed}
	for i, m := range modes {
		if m.Steps > 0 {
			requests = append(requests, &client.Request{})
			continue
		}
		spec := specOf(m)
		spec.Copies = copies[i]
		var err error
		if spec.Data, err = data.variables(m.Data); err != nil {
			return nil, fmt.Errorf("mode %s: %w", m.Name, err)
		}
		request, err := target.Prepare(spec)
		if err != nil {
			return nil, fmt.Errorf("mode %s: %w", m.Name, err)
		}
		requests = append(requests, request)
	}
	return requests, nil
}

// copiesOf returns what the user of each mode keeps of responses; nil for modes that are not conditional.
func copiesOf(modes []scenario.Mode) []*client.Copies {
	copies := make([]*client.Copies, len(modes))
	for i, m := range modes {
		if m.Conditional {
			copies[i] = &client.Copies{}
		}
	}
	return copies
}

// specOf returns a mode's request in the client's terms.
func specOf(m scenario.Mode) client.Spec {
	spec := client.Spec{
		Name: m.Name, Method: m.Method, Path: m.Path, Header: http.Header{}, Body: []byte(m.Body), Env: m.Env, Expect: m.Expect, Check: checkOf(m.Check),
	}
	for _, h := range m.Header {
		name := textproto.CanonicalMIMEHeaderKey(h.Name)
		if h.Without {
			spec.Header[name] = nil
		} else {
			spec.Header.Add(name, h.Value)
		}
	}
	for _, t := range m.Take {
		spec.Take = append(spec.Take, client.Taking{Name: t.Name, Path: t.Path})
	}
	return spec
}

// checkOf returns a mode's check in the client's terms.
func checkOf(c scenario.Check) client.Check {
	check := client.Check{MinLength: int64(c.MinBytes), MaxLength: int64(c.MaxBytes), Empty: c.Empty, Text: c.Text, Without: c.Without}
	for _, h := range c.Header {
		check.Headers = append(check.Headers, client.HeaderCheck{Name: h.Name, Value: h.Value})
	}
	for _, f := range c.JSON {
		check.Fields = append(check.Fields, client.Field{Path: f.Path, Equals: literal(f.Want)})
	}
	return check
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
