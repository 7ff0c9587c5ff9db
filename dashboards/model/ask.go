package model

import (
	"regexp"
	"slices"
	"strings"
)

// Query is an expression with where it stands.
type Query struct {
	Dashboard string // UID
	Panel     string // title, or "annotation NAME", or "variable NAME"
	RefID     string
	Expr      string
	Instant   bool
	Format    string
	// Exemplar is whether the exemplars of the queried series are shown too.
	Exemplar bool
}

// Flat is every panel, those inside rows included, without the rows themselves.
func (d Dashboard) Flat() []Panel {
	var all []Panel
	for _, p := range d.Panels {
		if p.Type != TypeRow {
			all = append(all, p)
		}
		all = append(all, p.Panels...)
	}
	return all
}

// Queries are the expressions of all panels, annotations and variables, in order.
func (d Dashboard) Queries() []Query {
	var all []Query
	for _, p := range d.Flat() {
		for _, t := range p.Targets {
			all = append(all, Query{
				Dashboard: d.UID, Panel: p.Title, RefID: t.RefID, Expr: t.Expr, Instant: t.Instant, Format: t.Format, Exemplar: t.Exemplar,
			})
		}
	}
	for _, a := range d.Annotations.List {
		if a.Target != nil {
			all = append(all, Query{Dashboard: d.UID, Panel: "annotation " + a.Name, RefID: a.Target.RefID, Expr: a.Target.Expr})
		}
	}
	for _, v := range d.Templating.List {
		if expr := v.expr(); expr != "" {
			all = append(all, Query{Dashboard: d.UID, Panel: "variable " + v.Name, RefID: v.Name, Expr: expr, Instant: true})
		}
	}
	return all
}

// expr is what a variable asks: query_result(EXPR), or the series of label_values(SERIES, label), which are those of the time range. It is empty for one that
// asks nothing.
func (v Variable) expr() string {
	if inner, ok := strings.CutPrefix(v.Definition, "query_result("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	inner, ok := strings.CutPrefix(v.Definition, "label_values(")
	if !ok {
		return ""
	}
	return "last_over_time(" + inner[:strings.LastIndex(inner, ",")] + "[$__range])"
}

// URLs are the addresses that the dashboard, its panels and their values link to.
func (d Dashboard) URLs() []string {
	var all []string
	add := func(links []Link) {
		for _, l := range links {
			if l.URL != "" {
				all = append(all, l.URL)
			}
		}
	}
	add(d.Links)
	for _, p := range d.Flat() {
		add(p.Links)
		if p.FieldConfig == nil {
			continue
		}
		add(p.FieldConfig.Defaults.Links)
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				if links, ok := property.Value.([]Link); ok {
					add(links)
				}
			}
		}
	}
	return all
}

// reference is $name, ${name} or ${name:format}.
const reference = `\$(?:([A-Za-z_]\w*)|\{(\w+)(?::\w+)?\})` // $1 is a group of label_replace

// Expand puts values in the place of an expression's variables, Grafana's own ($__rate_interval) included. The names of variables that
// have no value are returned too, each once.
func Expand(expr string, values map[string]string) (expanded string, missing []string) {
	expanded = regexp.MustCompile(reference).ReplaceAllStringFunc(expr, func(ref string) string {
		name, _, _ := strings.Cut(strings.Trim(ref, "${}"), ":")
		value, ok := values[name]
		if !ok {
			if !slices.Contains(missing, name) {
				missing = append(missing, name)
			}
			return ref
		}
		return value
	})
	return expanded, missing
}
