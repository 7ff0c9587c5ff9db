package scenario

import (
	"strconv"

	"github.com/goccy/go-yaml"
)

// YAML returns the file of a scenario with these keys: what Parse reads as New reads them, if literal is among the keys of modes whose texts look like variables.
func (m Map) YAML() ([]byte, error) {
	return yaml.MarshalWithOptions(m.plain(), yaml.IndentSequence(true), yaml.UseLiteralStyleIfMultiline(true), yaml.UseSingleQuote(true))
}

// plain is a value as package yaml writes it. A text that is the text of a number or of true or false is written without quotes: it is read as the same text.
func (t Text) plain() any {
	s := string(t)
	if n, err := strconv.ParseUint(s, 10, 64); err == nil && strconv.FormatUint(n, 10) == s {
		return n
	}
	switch s {
	case "true":
		return true
	case "false":
		return false
	}
	return s
}

func (m Map) plain() any {
	var items yaml.MapSlice
	for _, e := range m {
		items = append(items, yaml.MapItem{Key: e.Key, Value: e.Value.plain()})
	}
	return items
}

func (l Sequence) plain() any {
	var items []any
	for _, v := range l {
		items = append(items, v.plain())
	}
	return items
}

func (Null) plain() any { return nil }
