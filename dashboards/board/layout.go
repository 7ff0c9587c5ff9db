package board

import (
	"loadlab/dashboards/model"
)

// columns is the width of Grafana's grid.
const columns = 24

// layout places panels from left to right and from top to bottom, and numbers them.
type layout struct {
	panels      []model.Panel
	x, y, h, id int // where the next panel goes, and how high the line is
}

// add places a panel of a width and a height: in the line if it fits there, else below it.
func (l *layout) add(w, h int, p model.Panel) {
	if l.x+w > columns {
		l.wrap()
	}
	l.id++
	p.ID, p.GridPos = l.id, model.GridPos{X: l.x, Y: l.y, W: w, H: h}
	l.panels = append(l.panels, p)
	l.x, l.h = l.x+w, max(l.h, h)
}

// row begins a section with a heading.
func (l *layout) row(title string) {
	l.wrap()
	open := false
	l.add(columns, 1, model.Panel{Type: model.TypeRow, Title: title, Collapsed: &open})
	l.wrap()
}

func (l *layout) wrap() { l.x, l.y, l.h = 0, l.y+l.h, 0 }

// query is one expression and what its series are called.
type query struct {
	expr, legend string
	// exemplars are drawn too, at their own values: for durations among durations, not for a rate.
	exemplars bool
}

func targets(format string, instant bool, queries []query) []model.Target {
	all := make([]model.Target, len(queries))
	for i, q := range queries {
		all[i] = model.Target{
			DataSource: source(), EditorMode: "code", Expr: q.expr, LegendFormat: q.legend, Exemplar: q.exemplars && !instant,
			Format: format, Instant: instant, Range: !instant, RefID: refID(i),
		}
	}
	return all
}

// refID is the name of a panel's query: A, B, ...
func refID(i int) string { return string(rune('A' + i)) }

func panel(kind, title, unit, description string, ts []model.Target) model.Panel {
	ds := source()
	return model.Panel{
		Type: kind, Title: title, Description: description, DataSource: &ds, Targets: ts, Interval: "1s",
		FieldConfig: &model.FieldConfig{Defaults: model.FieldDefaults{Unit: unit}, Overrides: []model.Override{}},
	}
}

// series is a graph over time. A mode has the same colour in every graph, because the colour goes by the name.
func series(title, unit, description string, queries ...query) model.Panel {
	p := panel(model.TypeTimeSeries, title, unit, description, targets("time_series", false, queries))
	least := 0.0
	p.FieldConfig.Defaults.Min = &least
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic-by-name"}
	p.FieldConfig.Defaults.Custom = map[string]any{
		"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 5, "showPoints": "auto", "pointSize": 4,
		"spanNulls": 3000, "axisSoftMin": 0, // a gap of more than 3 s is a gap
	}
	p.Options = map[string]any{
		"legend":  map[string]any{"displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": []string{"mean", "max"}},
		"tooltip": map[string]any{"mode": "multi", "sort": "desc"},
	}
	return p
}

// everySecond makes a graph ask for every second of up to an hour instead of one point a pixel.
func everySecond(p model.Panel) model.Panel {
	p.MaxDataPoints = 3600
	return p
}

// stacked fills a graph's series on top of each other.
func stacked(p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Custom["stacking"] = map[string]any{"mode": "normal", "group": "A"}
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 40
	return p
}

// logarithmic gives a graph an axis on which a hit and a stampede can both be read.
func logarithmic(p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Min = nil // zero has no place on it
	delete(p.FieldConfig.Defaults.Custom, "axisSoftMin")
	p.FieldConfig.Defaults.Custom["scaleDistribution"] = map[string]any{"type": "log", "log": 10}
	return p
}

// heatmap is a native histogram over time.
func heatmap(title, unit, description string, q query) model.Panel {
	p := panel(model.TypeHeatmap, title, unit, description, targets("heatmap", false, []query{q}))
	p.FieldConfig.Defaults.Custom = map[string]any{"scaleDistribution": map[string]any{"type": "log", "log": 2}}
	p.Options = map[string]any{
		"calculate": false, "cellGap": 0, "legend": map[string]any{"show": true},
		"color": map[string]any{
			"mode": "scheme", "scheme": "Turbo", "scale": "exponential", "exponent": 0.5, "steps": 64, "reverse": false, "fill": "dark-orange",
		},
		"exemplars":    map[string]any{"color": "rgba(255, 255, 255, 0.9)"},
		"filterValues": map[string]any{"le": 1e-9},
		"rowsFrame":    map[string]any{"layout": "auto"},
		"tooltip":      map[string]any{"mode": "single", "yHistogram": true, "showColorScale": false},
		"yAxis":        map[string]any{"axisPlacement": "left", "unit": unit, "reverse": false},
		"cellValues":   map[string]any{"unit": "reqps"},
	}
	return p
}

// repeated shows a panel once for each chosen mode. $mode then is that one, but still escaped for a regular expression: its matcher
// stays =~, or a mode like ttl+batched would match nothing.
func repeated(p model.Panel, perRow int) model.Panel {
	p.Repeat, p.RepeatDirection, p.MaxPerRow = "mode", "h", perRow
	return p
}

// stat is the latest value of each element, large.
func stat(title, unit, description string, steps []model.Threshold, queries ...query) model.Panel {
	p := panel(model.TypeStat, title, unit, description, targets("time_series", true, queries))
	p.FieldConfig.Defaults.Thresholds = &model.Thresholds{Mode: "absolute", Steps: steps}
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "thresholds"}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "auto",
		"reduceOptions": map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false},
	}
	return p
}

// steps are thresholds: green, and another colour from a value on.
func steps(color string, from float64) []model.Threshold {
	return []model.Threshold{{Color: "green"}, {Color: color, Value: &from}}
}

// text is a panel of Markdown.
func text(title, markdown string) model.Panel {
	return model.Panel{Type: model.TypeText, Title: title, Options: map[string]any{"mode": "markdown", "content": markdown}}
}

// below links a panel, and each of its values, to the dashboard below: the panel with what is chosen, a value with its own mode.
func below(uid string, p model.Panel) model.Panel {
	link := model.Link{Title: titleOf(uid), URL: "/d/" + uid + "?${__url_time_range}&${mode:queryparam}&${datasource:queryparam}"}
	if uid == UIDRuntime { // it has processes, and no modes
		link.URL = "/d/" + uid + "?${__url_time_range}&${datasource:queryparam}"
	}
	p.Links = []model.Link{link}
	if p.Type == model.TypeTimeSeries && uid != UIDRuntime {
		link.Title += " of ${__field.labels.mode}"
		link.URL = "/d/" + uid + "?${__url_time_range}&var-mode=${__field.labels.mode:percentencode}&${datasource:queryparam}"
		p.FieldConfig.Defaults.Links = []model.Link{link}
	}
	return p
}
