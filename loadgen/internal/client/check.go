package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"loadlab/loadgen/internal/measure"
)

// maxChecked is the longest body that is kept for a check.
const maxChecked = 64 << 20

// Check is what a response must be beside its status; the zero value requires nothing.
type Check struct {
	// MinLength and MaxLength are bytes of the body, decoded if it is encoded and the request lets it be. MaxLength 0 is no bound: see Empty.
	MinLength, MaxLength int64
	Empty                bool     // there is no body
	Text, Without        []string // that the body has, and has not
	Fields               []Field  // of a JSON body
	Headers              []HeaderCheck
}

// HeaderCheck is what a header of the response must be. A header that comes several times must be that once.
type HeaderCheck struct {
	Name  string
	Value string // a * at an end stands for anything; "*" alone for any value
	lower string // Name, in lower case
}

// Field is what a field of a JSON body must be.
type Field struct {
	Path   string // dotted, array elements by number: "results.0.price"
	Equals string // a string's value, or the text of a number, true, false or null
}

// maxHeaderChecks is how many headers a check may have: bits of answer.met.
const maxHeaderChecks = 64

// ready returns the check as a request has it.
func (c Check) ready() Check {
	c.Headers = slices.Clone(c.Headers)
	for i := range c.Headers {
		c.Headers[i].lower = strings.ToLower(c.Headers[i].Name)
	}
	return c
}

// sized reports whether anything is required of the body's length.
func (c *Check) sized() bool { return c.MinLength > 0 || c.MaxLength > 0 || c.Empty }

// lengths reports whether the check needs no more of the body than its length.
func (c *Check) lengths() bool { return len(c.Fields) == 0 && len(c.Text) == 0 && len(c.Without) == 0 }

func (c *Check) valid(method string) error {
	switch {
	case c.MinLength < 0 || c.MaxLength < 0:
		return errors.New("check: negative length")
	case c.MaxLength > 0 && c.MinLength > c.MaxLength:
		return errors.New("check: the least length is above the greatest")
	case slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Path == "" }):
		return errors.New("check: a value without a field")
	case slices.Contains(c.Text, "") || slices.Contains(c.Without, ""):
		return errors.New("check: an empty text is in every body")
	case len(c.Headers) > maxHeaderChecks:
		return fmt.Errorf("check: more than %d headers", maxHeaderChecks)
	case method == http.MethodHead && (c.sized() || !c.lengths()):
		return errors.New("check: HEAD has no body")
	}
	return nil
}

// length returns why a body of n bytes is too short or too long, or nil.
func (c *Check) length(n int64) error {
	switch {
	case n < c.MinLength:
		return unmet("the body is too short", fmt.Errorf("body of %d bytes, want at least %d", n, c.MinLength))
	case c.Empty && n > 0:
		return unmet("the body is too long", fmt.Errorf("body of %d bytes, want none", n))
	case c.MaxLength > 0 && n > c.MaxLength:
		return unmet("the body is too long", fmt.Errorf("body of %d bytes, want at most %d", n, c.MaxLength))
	}
	return nil
}

// text returns why the text of a body fails the check, or nil.
func (c *Check) text(body []byte) error {
	for _, s := range c.Text {
		if !strings.Contains(view(body), s) {
			return unmet("text "+quoted([]byte(s)), fmt.Errorf("the body has no %q: it begins %s", s, quoted(body)))
		}
	}
	for _, s := range c.Without {
		if strings.Contains(view(body), s) {
			return unmet("without "+quoted([]byte(s)), fmt.Errorf("the body has %q", s))
		}
	}
	return nil
}

// view returns b as a string that is b's memory: it is for comparisons, which keep nothing.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unmet is the error of a check that failed, with the word for which it was: the scenario's.
func unmet(check string, err error) error { return coded{err, check} }

// quoted is the begin of a text, for a message.
func quoted(body []byte) string {
	const most = 60
	if len(body) > most {
		return strconv.Quote(string(body[:most])) + "..."
	}
	return strconv.Quote(string(body))
}

// apply returns why a JSON body fails the check, or nil.
func (c *Check) apply(doc any) error {
	for _, f := range c.Fields {
		if err := f.apply(doc); err != nil {
			return unmet("json "+f.Path, err)
		}
	}
	return nil
}

func (f Field) apply(doc any) error {
	got, err := lookUp(doc, f.Path)
	if err != nil {
		return err
	}
	if !equals(got, f.Equals) {
		return fmt.Errorf("%s is %v, want %s", f.Path, got, f.Equals)
	}
	return nil
}

func lookUp(doc any, path string) (any, error) {
	at := doc
	for key := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			next, ok := v[key]
			if !ok {
				return nil, fmt.Errorf("%s: no field %q", path, key)
			}
			at = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(v) {
				return nil, fmt.Errorf("%s: no element %q of %d", path, key, len(v))
			}
			at = v[i]
		default:
			return nil, fmt.Errorf("%s: nothing below %q", path, key)
		}
	}
	return at, nil
}

func equals(got any, want string) bool {
	switch v := got.(type) {
	case string:
		return v == want
	case json.Number:
		return v.String() == want || sameNumber(v.String(), want)
	case bool:
		return strconv.FormatBool(v) == want
	case nil:
		return want == "null"
	}
	return false
}

// maxExponent is the greatest exponent of a number that is compared by value, about that of a float64: 1e999999999 is a short literal of a number that fills
// the memory.
const maxExponent = 400

// sameNumber compares numbers by value, so that 450000.00 is 450000.
func sameNumber(a, b string) bool {
	for _, s := range []string{a, b} {
		if strings.ContainsAny(s, "xXpP_/") {
			return false
		}
		if i := strings.IndexAny(s, "eE"); i >= 0 {
			if e, err := strconv.Atoi(s[i+1:]); err != nil || e < -maxExponent || e > maxExponent {
				return false
			}
		}
	}
	x, ok := new(big.Rat).SetString(a)
	if !ok {
		return false
	}
	y, ok := new(big.Rat).SetString(b)
	return ok && x.Cmp(y) == 0
}

// verdict checks a response that arrived whole, and takes from it what the requests after it need. The body is needed only if the request
// keeps it.
func verdict(req *Request, out *measure.Outcome, a *answer, body []byte, d *draw) (measure.Kind, error) {
	if !req.expect.has(out.Status) {
		return measure.Status, statusError(out.Status)
	}
	if err := req.check(out.Bytes, a, body, d); err != nil {
		return measure.Check, err
	}
	return measure.OK, nil
}

// check returns why a body of n bytes and the headers before it fail the request's checks, or nil.
func (r *Request) check(n int64, a *answer, body []byte, d *draw) error {
	c := &r.spec.Check
	if err := a.headers(); err != nil {
		return err
	}
	if !r.keeps() {
		return c.length(n)
	}
	body, err := a.decoded(n, body)
	if err == nil {
		err = c.length(int64(len(body)))
	}
	if err == nil {
		err = c.text(body)
	}
	if err != nil || len(c.Fields)+len(r.spec.Take) == 0 {
		return err
	}
	doc, err := parsed(body)
	if err == nil {
		err = c.apply(doc)
	}
	if err == nil {
		err = d.take(r.spec.Take, doc)
	}
	return err
}
