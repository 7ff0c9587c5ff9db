package board

import (
	"loadlab/dashboards/model"
	"loadlab/otel/signal"
)

// query is one expression and what its series are called.
type query struct {
	expr, legend string
	// exemplars are drawn too, at their own values: for durations among durations, and of metrics that have them.
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

// Nothing stands where a panel has no data. An empty lab is no error: the first panel of the first dashboard has what to do about it.
const Nothing = "–"

func panel(kind, title, unit, description string, ts []model.Target) model.Panel {
	ds := source()
	return model.Panel{
		Type: kind, Title: title, Description: description, DataSource: &ds, Targets: ts, Interval: "1s",
		FieldConfig: &model.FieldConfig{Defaults: model.FieldDefaults{Unit: unit, NoValue: Nothing}, Overrides: []model.Override{}},
	}
}

// list is a legend that has room for the names of a dozen modes, and no statistics, which the report has.
func list() map[string]any {
	return map[string]any{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}
}

// series is a graph over time.
func series(title, unit, description string, queries ...query) model.Panel {
	p := panel(model.TypeTimeSeries, title, unit, description, targets("time_series", false, queries))
	least := 0.0
	p.FieldConfig.Defaults.Min = &least
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"} // that by name is unknown to Grafana 9
	p.FieldConfig.Defaults.Custom = map[string]any{
		"drawStyle": "line", "lineInterpolation": "linear", "lineWidth": 1, "fillOpacity": 0, "showPoints": "auto", "pointSize": 4,
		"spanNulls": 3000, "axisSoftMin": 0, "axisSoftMax": softMax(unit), // a gap of more than 3 s is a gap
	}
	p.FieldConfig.Overrides = modeColours(true)
	p.Options = map[string]any{"legend": list(), "tooltip": map[string]any{"mode": "multi", "sort": "desc"}}
	return p
}

// softMax is what the axis of a unit reaches at least, so that a graph of zeros is one of zeros: Grafana's own axis of those goes to 100, and of a share to 10000%.
func softMax(unit string) float64 {
	switch unit {
	case "s":
		return .001
	case "percentunit":
		return .01
	case "bytes", "decbytes", "Bps":
		return 1000
	default:
		return 1
	}
}

// atLeast makes an axis reach another value.
func atLeast(most float64, p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Custom["axisSoftMax"] = most
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

// counted draws a bar for each point: what happened in it. Those of a point stand on each other, or one would hide the others.
func counted(p model.Panel) model.Panel {
	p = stacked(p)
	p.FieldConfig.Defaults.Custom["drawStyle"] = "bars"
	p.FieldConfig.Defaults.Custom["showPoints"] = "never"
	p.FieldConfig.Defaults.Custom["fillOpacity"] = 70
	return atLeast(5, p)
}

// peaks draws what the most was before each point as steps.
func peaks(p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Custom["lineInterpolation"] = "stepBefore"
	p.FieldConfig.Defaults.Custom["lineWidth"] = 2
	p.FieldConfig.Defaults.Custom["showPoints"] = "never"
	return atLeast(5, p)
}

// outlined draws what was achieved as bars, and what was offered as a line over them.
func outlined(p model.Panel) model.Panel {
	p = counted(p)
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, model.Override{
		Matcher: model.Matcher{ID: "byRegexp", Options: "/^offered/"},
		Properties: []model.Property{
			{ID: "custom.drawStyle", Value: "line"}, {ID: "custom.fillOpacity", Value: 0}, {ID: "custom.lineWidth", Value: 2},
			{ID: "custom.stacking", Value: map[string]any{"mode": "normal", "group": "B"}},                 // on each other too, so that the line is the edge of its bar
			{ID: "custom.hideFrom", Value: map[string]any{"viz": false, "legend": true, "tooltip": false}}, // its colour is that of the bars, and a legend of both has no room
		},
	})
	return p
}

// logarithmic gives a graph an axis on which a hit and a stampede can both be read.
func logarithmic(p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Min = nil // zero has no place on it
	delete(p.FieldConfig.Defaults.Custom, "axisSoftMin")
	delete(p.FieldConfig.Defaults.Custom, "axisSoftMax")
	p.FieldConfig.Defaults.Custom["scaleDistribution"] = map[string]any{"type": "log", "log": 10}
	return p
}

// heatmap has the classic buckets of a histogram over time, which every version of Grafana draws.
func heatmap(title, unit, description string, q query) model.Panel {
	q.legend = "{{le}}"
	p := panel(model.TypeHeatmap, title, unit, description, targets("heatmap", false, []query{q}))
	p.FieldConfig.Defaults.Custom = map[string]any{"scaleDistribution": map[string]any{"type": "linear"}}
	p.Options = map[string]any{
		"calculate": false, "cellGap": 0, "legend": map[string]any{"show": true},
		"color": map[string]any{
			"mode": "scheme", "scheme": "Turbo", "scale": "exponential", "exponent": 0.5, "steps": 64, "reverse": false, "fill": "dark-orange",
		},
		"exemplars":    map[string]any{"color": "rgba(255, 255, 255, 0.9)"},
		"filterValues": map[string]any{"le": 1e-9},
		"rowsFrame":    map[string]any{"layout": "auto"},
		"tooltip":      map[string]any{"mode": "single", "yHistogram": true, "showColorScale": false, "show": true}, // show is Grafana 9's
		"yAxis":        map[string]any{"axisPlacement": "left", "unit": unit, "reverse": false},
		"cellValues":   map[string]any{"unit": "short"},
	}
	return p
}

// repeated shows a panel once for each chosen mode. $mode then is that one, but still escaped for a regular expression: its matcher
// stays =~, or a mode like ttl+batched would match nothing.
func repeated(p model.Panel, perRow int) model.Panel {
	p.Repeat, p.RepeatDirection, p.MaxPerRow = varMode, "h", perRow
	return p
}

// newest shows what a query returned last.
func newest() map[string]any {
	return map[string]any{"calcs": []string{"lastNotNull"}, "fields": "", "values": false}
}

// stat is the latest value of each element, large.
func stat(title, unit, description string, steps []model.Threshold, queries ...query) model.Panel {
	p := panel(model.TypeStat, title, unit, description, targets("time_series", true, queries))
	p.FieldConfig.Defaults.Thresholds = &model.Thresholds{Mode: "absolute", Steps: steps}
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "thresholds"}
	p.Options = map[string]any{
		"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto", "textMode": "value_and_name",
		"reduceOptions": newest(),
	}
	return p
}

// hinting has a sentence where there is no data. Grafana does not make a long one smaller, so that all values are of a size at which it has room on two lines.
func hinting(hint string, p model.Panel) model.Panel {
	p.FieldConfig.Defaults.NoValue = hint
	p.Options["text"] = map[string]any{"titleSize": 20, "valueSize": 28}
	return p
}

// verdict shows a label of the series that there is: the verdict of a run or a test. (The name of a series would do, but where that is shown Grafana has no place for noValue.)
func verdict(description, expr string) model.Panel {
	p := stat("Verdict", "string", description, []model.Threshold{{Color: "orange"}}) // neither of the two below
	p.Targets = targets("table", true, []query{{expr: expr}})
	p.FieldConfig.Defaults.NoValue = "not judged yet"
	p.FieldConfig.Defaults.Mappings = []any{map[string]any{"type": "value", "options": map[string]any{
		"PASS": map[string]any{"color": "green", "index": 0, "text": "PASS"}, "FAIL": map[string]any{"color": "red", "index": 1, "text": "FAIL"},
	}}}
	p.Options["textMode"] = "value"
	p.Options["reduceOptions"] = map[string]any{"calcs": []string{"lastNotNull"}, "fields": "/^" + signal.LabelVerdict + "$/", "values": false}
	return p
}

// count is a number of things, in all its digits.
func count(title, description string, steps []model.Threshold, queries ...query) model.Panel {
	p := stat(title, "none", description, steps, queries...)
	whole := 0
	p.FieldConfig.Defaults.Decimals = &whole
	return p
}

// bars are horizontal bars, one a mode, with its name and its value.
func bars(title, unit, description string, queries ...query) model.Panel {
	p := panel(model.TypeBarGauge, title, unit, description, targets("time_series", true, queries))
	least := 0.0
	p.FieldConfig.Defaults.Min = &least
	p.FieldConfig.Defaults.Color = map[string]any{"mode": "palette-classic"}
	p.FieldConfig.Overrides = modeColours(false)
	p.Options = map[string]any{
		"displayMode": "basic", "orientation": "horizontal", "showUnfilled": false, "valueMode": "text",
		"sizing": "manual", "minVizHeight": 12, "maxVizHeight": 40, "minVizWidth": 0, // twelve fit; above 40 the name would stand over its bar
		"reduceOptions": newest(),
	}
	return p
}

// steps are thresholds: green, and another colour from a value on.
func steps(color string, from float64) []model.Threshold {
	return []model.Threshold{{Color: "green"}, {Color: color, Value: &from}}
}

// plain is one colour for every value.
func plain() []model.Threshold { return []model.Threshold{{Color: "text"}} }
