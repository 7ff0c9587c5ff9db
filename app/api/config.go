package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Config is values of knobs by the knobs' names, as Knob.Parse returns them: {"ttl": "2s", "beta": "1.5"}. A knob that is not in it has
// its default. It is the body of GET and PUT /lab/config, where a PUT holds what shall change.
//
// In JSON a duration and a choice are strings, and the other kinds are what they are in JSON: {"ttl": "2s", "beta": 1.5}.
type Config map[string]string

// Defaults returns the default of every knob.
func Defaults() Config {
	c := Config{}
	for _, k := range Knobs() {
		c[k.Name] = k.Default
	}
	return c
}

// Duration returns the value of a duration. Like the other accessors it panics if there is no knob of that name and kind: that is an
// error in the program, not in its input.
func (c Config) Duration(name string) time.Duration {
	return time.Duration(c.value(name, KindDuration))
}

// Count returns the value of a count.
func (c Config) Count(name string) int { return int(c.value(name, KindCount)) }

// Number returns the value of a number.
func (c Config) Number(name string) float64 { return c.value(name, KindNumber) }

// Boolean returns the value of a boolean.
func (c Config) Boolean(name string) bool { return c.value(name, KindBoolean) != 0 }

// Choice returns the value of a choice.
func (c Config) Choice(name string) string {
	k, ok := KnobNamed(name)
	if !ok || k.Kind.Choices() == nil {
		panic(fmt.Sprintf("api: the table of knobs has no choice %q", name))
	}
	return k.Kind.format(k.Kind.mustParse(c.text(k)))
}

func (c Config) value(name string, kind Kind) float64 {
	k, ok := KnobNamed(name)
	if !ok || k.Kind != kind {
		panic(fmt.Sprintf("api: the table of knobs has no %s %q", kind, name))
	}
	return kind.mustParse(c.text(k))
}

// text returns a knob's value as text.
func (c Config) text(k Knob) string {
	if text, ok := c[k.Name]; ok {
		return text
	}
	return k.Default
}

// RunTime returns those of the values that can be changed while the app runs.
func (c Config) RunTime() Config {
	part := Config{}
	for _, k := range Knobs() {
		if text, ok := c[k.Name]; ok && k.RunTime {
			part[k.Name] = text
		}
	}
	return part
}

// Flags returns the values as flags for the app, in the order of the table: --ttl=2s.
func (c Config) Flags() []string {
	var flags []string
	for _, k := range Knobs() {
		if text, ok := c[k.Name]; ok {
			flags = append(flags, "--"+k.Flag()+"="+text)
		}
	}
	return flags
}

// MarshalJSON implements json.Marshaler.
func (c Config) MarshalJSON() ([]byte, error) {
	fields := map[string]any{}
	for name, text := range c {
		fields[name] = text
		if k, ok := KnobNamed(name); ok && !k.Kind.quoted() {
			fields[name] = json.RawMessage(text)
		}
	}
	return json.Marshal(fields)
}

// UnmarshalJSON implements json.Unmarshaler. It does not check bounds, and keeps the fields that are no knobs: those of a newer app.
func (c *Config) UnmarshalJSON(data []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return err
	}
	if fields == nil {
		return errors.New("null is not an object")
	}
	*c = Config{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		raw := fields[name]
		text, err := scalar(raw)
		if k, ok := KnobNamed(name); ok && (err != nil || !k.Kind.isJSON(raw)) {
			return fmt.Errorf("%s wants %s, got %s", name, k.Kind.wants(), raw)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		(*c)[name] = text
	}
	return nil
}

// scalar returns the text of a JSON value that is no list, object or null.
func scalar(raw json.RawMessage) (string, error) {
	switch raw[0] {
	case '"':
		var text string
		err := json.Unmarshal(raw, &text)
		return text, err
	case '{', '[', 'n':
		return "", fmt.Errorf("want a string, a number, true or false, got %s", raw)
	}
	return string(raw), nil
}

// quoted reports whether the kind's values are strings in JSON.
func (k Kind) quoted() bool { return k == KindDuration || k.Choices() != nil }

// isJSON reports whether a JSON scalar is of the type that the kind's values have.
func (k Kind) isJSON(raw json.RawMessage) bool {
	switch raw[0] {
	case '"':
		return k.quoted()
	case 't', 'f':
		return k == KindBoolean
	}
	return k == KindCount || k == KindNumber
}
