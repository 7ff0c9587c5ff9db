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
)

// maxChecked is the longest body that is kept for a check of a JSON field.
const maxChecked = 64 << 20

// Check is what a body must be; the zero value requires nothing.
type Check struct {
	MinLength int64   // bytes
	Fields    []Field // of a JSON body
}

// Field is what a field of a JSON body must be.
type Field struct {
	Path   string // dotted, array elements by number: "results.0.price"
	Equals string // a string's value, or the text of a number, true, false or null
}

// none reports whether nothing is required.
func (c *Check) none() bool { return c.MinLength == 0 && c.lengths() }

// lengths reports whether the check needs only the body's length.
func (c *Check) lengths() bool { return len(c.Fields) == 0 }

func (c *Check) valid(method string) error {
	switch {
	case c.MinLength < 0:
		return errors.New("check: negative length")
	case slices.ContainsFunc(c.Fields, func(f Field) bool { return f.Path == "" }):
		return errors.New("check: a value without a field")
	case method == http.MethodHead && !c.none():
		return errors.New("check: HEAD has no body")
	}
	return nil
}

// length returns why a body of n bytes is too short, or nil.
func (c *Check) length(n int64) error {
	if n < c.MinLength {
		return fmt.Errorf("body of %d bytes, want at least %d", n, c.MinLength)
	}
	return nil
}

// apply returns why a JSON body fails the check, or nil.
func (c *Check) apply(doc any) error {
	for _, f := range c.Fields {
		if err := f.apply(doc); err != nil {
			return err
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

// sameNumber compares numbers by value, so that 450000.00 is 450000. Exponents are compared as text: 1e999999999 is a short literal of a
// number that fills the memory.
func sameNumber(a, b string) bool {
	if strings.ContainsAny(a+b, "eExXpP_/") {
		return false
	}
	x, ok := new(big.Rat).SetString(a)
	if !ok {
		return false
	}
	y, ok := new(big.Rat).SetString(b)
	return ok && x.Cmp(y) == 0
}
