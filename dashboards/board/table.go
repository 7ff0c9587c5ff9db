package board

import (
	"loadlab/dashboards/model"
)

// column is a column of a table: an expression with its unit.
type column struct {
	title, unit, expr string
	hidden            bool // there for links alone
}

// keyColumn is a column of a table that has a label.
type keyColumn struct {
	label, title string
	links        []model.Link
	width        int // in pixels; 0 is as wide as needed
}

// Widths in pixels: of a column at least, which holds "123.4 ms", and of a letter of its title.
const (
	leastWidth = 75
	letter     = 8
)

// table has a row for each combination of the keys' labels.
func table(title, description string, keys []keyColumn, columns []column) model.Panel {
	queries := make([]query, len(columns))
	names, order := map[string]any{}, map[string]any{}
	var overrides []model.Override
	for i, k := range keys {
		names[k.label], order[k.label] = k.title, i
		properties := []model.Property{{ID: "unit", Value: "string"}} // or a quantile of 0.99 is written 0.990
		if k.links != nil {
			properties = append(properties, model.Property{ID: "links", Value: k.links})
		}
		if k.width > 0 {
			properties = append(properties, model.Property{ID: "custom.width", Value: k.width})
		}
		if k.title == "Mode" {
			properties = append(properties, model.Property{ID: "mappings", Value: modeMappings()}, cell("color-text"), model.Property{ID: "custom.displayMode", Value: "color-text"})
		}
		overrides = append(overrides, model.Override{Matcher: model.Matcher{ID: "byName", Options: k.title}, Properties: properties})
	}
	for i, c := range columns {
		queries[i] = query{expr: c.expr}
		value := "Value #" + refID(i)
		if len(columns) == 1 {
			value = "Value"
		}
		names[value], order[value] = c.title, len(keys)+i
		properties := []model.Property{{ID: "unit", Value: c.unit}, {ID: "custom.minWidth", Value: max(leastWidth, letter*len(c.title)+2*letter)}}
		if c.hidden {
			properties = append(properties, model.Property{ID: "custom.hidden", Value: true}, // until Grafana 12, and then:
				model.Property{ID: "custom.hideFrom", Value: map[string]any{"viz": true, "legend": false, "tooltip": false}})
		}
		overrides = append(overrides, model.Override{Matcher: model.Matcher{ID: "byName", Options: c.title}, Properties: properties})
	}
	p := panel(model.TypeTable, title, "short", description, targets("table", true, queries))
	p.FieldConfig.Defaults.Custom = map[string]any{"align": "auto", "filterable": false, "minWidth": leastWidth}
	p.FieldConfig.Overrides = overrides
	p.Options = map[string]any{"showHeader": true, "cellHeight": "sm"}
	p.Transformations = []model.Transformation{
		{ID: "merge", Options: map[string]any{}},
		{ID: "organize", Options: map[string]any{"excludeByName": map[string]any{"Time": true}, "indexByName": order, "renameByName": names}},
	}
	return p
}

// cell is how a table of Grafana 10 and later draws a cell; earlier ones read custom.displayMode.
func cell(kind string) model.Property {
	return model.Property{ID: "custom.cellOptions", Value: map[string]any{"type": kind}}
}

// sortedBy sorts a table by one of its columns.
func sortedBy(title string, descending bool, p model.Panel) model.Panel {
	p.Options["sortBy"] = []map[string]any{{"displayName": title, "desc": descending}}
	return p
}

// matrix are vertical bars whose place on the axis is a label, a group for each of its values in which each mode has a bar. Grafana has no graph over anything
// but the time of day that its versions 9 to 13 all draw; bars over a label they all do.
func matrix(title, unit, description, label, column, expr string) model.Panel {
	p := panel(model.TypeBarChart, title, unit, description, targets("table", true, []query{{expr: expr}}))
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.FieldConfig.Defaults.Custom = map[string]any{"lineWidth": 0, "fillOpacity": 85, "gradientMode": "none", "axisPlacement": "auto", "axisSoftMin": 0, "axisSoftMax": softMax(unit)}
	p.FieldConfig.Overrides = modeColours(false)
	p.Options = map[string]any{
		"orientation": "vertical", "stacking": "none", "showValue": "never", "barWidth": 0.95, "groupWidth": 0.8, "xTickLabelRotation": 0,
		"xTickLabelMaxLength": 8, "xTickLabelSpacing": 40, "legend": list(), "tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	p.Transformations = []model.Transformation{
		{ID: "sortBy", Options: map[string]any{"fields": map[string]any{}, "sort": []map[string]any{{"field": label, "desc": false}}}},
		{ID: "groupingToMatrix", Options: map[string]any{"columnField": column, "rowField": label, "valueField": "Value", "emptyValue": "null"}},
	}
	return p
}
