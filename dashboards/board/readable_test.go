package board_test

import (
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
	"loadlab/internal/palette"
	"loadlab/otel/signal"
)

// What a browser's window of 1600 pixels shows: the width of the grid in it, the least height of a line of a legend, and what a letter takes at most.
const (
	gridWidth    = 1510
	rowHeight    = 30
	gap          = 8
	legendLine   = 22
	letter       = 7
	besideLetter = 32 // the mark of a series and the space round it
	legendShare  = .35
)

func width(p model.Panel) float64 { return float64(p.GridPos.W)/24*gridWidth - 2*gap }

// each calls do with every panel of the types.
func each(do func(where string, p model.Panel), types ...string) {
	for _, f := range board.All() {
		for _, p := range f.Dashboard.Flat() {
			if slices.Contains(types, p.Type) {
				do(f.Name+": "+p.Title, p)
			}
		}
	}
}

// An axis of nothing but zeros has an end: Grafana's own would be at 100, or at 10000%.
func TestAxesOfZeros(t *testing.T) {
	t.Parallel()
	each(func(where string, p model.Panel) {
		_, logarithmic := p.FieldConfig.Defaults.Custom["scaleDistribution"]
		most, _ := p.FieldConfig.Defaults.Custom["axisSoftMax"].(float64)
		if logarithmic && p.FieldConfig.Defaults.Unit == "s" {
			return // zero has no place on it
		}
		if most <= 0 || p.FieldConfig.Defaults.Unit == "percentunit" && most > 1 || logarithmic {
			t.Errorf("%s: got a soft maximum of %v %s (logarithmic: %t), want one", where, most, p.FieldConfig.Defaults.Unit, logarithmic)
		}
	}, model.TypeTimeSeries, model.TypeBarChart)
}

// modeOverride is the value of a property that the overrides of a panel give to what is called so: the last of those that match, as in Grafana.
func modeOverride(p model.Panel, name, property string) any {
	var found any
	for _, o := range p.FieldConfig.Overrides {
		expr := "^" + regexp.QuoteMeta(o.Matcher.Options) + "$"
		if o.Matcher.ID == "byRegexp" {
			expr = strings.Trim(o.Matcher.Options, "/")
		}
		if !regexp.MustCompile(expr).MatchString(name) {
			continue
		}
		for _, one := range o.Properties {
			if one.ID == property {
				found = one.Value
			}
		}
	}
	return found
}

// legends are what the series of a panel are called if there are these modes.
func legends(p model.Panel, modes []palette.Mode) map[string]palette.Mode {
	all := map[string]palette.Mode{}
	for _, target := range p.Targets {
		name := target.LegendFormat
		for _, t := range p.Transformations { // which name the series of a bar chart
			if t.Options["columnField"] == signal.LabelMode {
				name = "{{mode}}"
			}
		}
		if !strings.Contains(name, "{{mode}}") {
			continue
		}
		for _, m := range modes {
			all[strings.NewReplacer("{{mode}}", m.Name, "{{phase}}", "expiry").Replace(name)] = m
		}
	}
	return all
}

// A mode has its own colour and dash in every panel that tells modes apart by colour, and what stands beside modes has one that none of them has.
func TestColoursOfModes(t *testing.T) {
	t.Parallel()
	coloured := 0
	each(func(where string, p model.Panel) {
		for name, m := range legends(p, palette.Known()) {
			color, _ := modeOverride(p, name, "color").(map[string]any)
			if color["mode"] != "fixed" || color["fixedColor"] != m.Color {
				t.Errorf("%s: %s is drawn in %v, want %s", where, name, color, m.Color)
			}
			if dash, _ := modeOverride(p, name, "custom.lineStyle").(map[string]any); p.Type == model.TypeTimeSeries && (dash != nil) != (m.Dash != palette.Solid) {
				t.Errorf("%s: %s has dash %v, want %v", where, name, dash, m.Dash.Pattern())
			}
			coloured++
		}
		for _, cause := range []string{signal.CauseCold, signal.CauseUnknown} {
			if color, _ := modeOverride(p, cause, "color").(map[string]any); strings.HasSuffix(where, "Recomputes by cause") && (color["mode"] != "fixed" ||
				slices.ContainsFunc(palette.Known(), func(m palette.Mode) bool { return m.Color == color["fixedColor"] })) {
				t.Errorf("%s: %s is drawn in %v, want a colour of its own", where, cause, color)
			}
		}
	}, model.TypeTimeSeries, model.TypeBarChart, model.TypeBarGauge, model.TypeStateTimeline)
	if coloured < 20*len(palette.Known()) {
		t.Errorf("%d series are coloured by mode, want those of 20 panels", coloured)
	}
}

// A legend is a list, and has room for a dozen modes: of those below a graph Grafana shows no more than a third of its height.
func TestLegendsHoldTwelveModes(t *testing.T) {
	t.Parallel()
	each(func(where string, p model.Panel) {
		legend, _ := p.Options["legend"].(map[string]any)
		if calcs, ok := legend["calcs"].([]string); legend["displayMode"] != "list" || legend["placement"] != "bottom" || legend["showLegend"] != true || !ok || len(calcs) > 0 {
			t.Errorf("%s: got legend %v, want a list below the graph without statistics", where, legend)
		}
		if p.Repeat != "" {
			return // the legend of two modes
		}
		lines, used := 1, 0.0
		for _, name := range slices.Sorted(maps.Keys(legends(p, palette.Known()[:12]))) {
			if hidden, _ := modeOverride(p, name, "custom.hideFrom").(map[string]any); hidden["legend"] == true {
				continue
			}
			w := float64(letter*len(name) + besideLetter)
			if used += w; used > width(p) {
				lines, used = lines+1, w
			}
		}
		height := float64(p.GridPos.H*(rowHeight+gap) - gap)
		if need := float64(lines * legendLine); need > legendShare*height {
			t.Errorf("%s: a legend of twelve modes takes %v of %v pixels, want at most %v", where, need, height, math.Floor(legendShare*height))
		}
	}, model.TypeTimeSeries, model.TypeBarChart)
}

// The columns of a table, each as wide as its title, fit into it: what does not is out of sight.
func TestColumnsFit(t *testing.T) {
	t.Parallel()
	each(func(where string, p model.Panel) {
		organize := p.Transformations[1].Options
		titles, _ := organize["renameByName"].(map[string]any)
		sum, wide := 0, 0
		for _, title := range titles {
			name, _ := title.(string)
			set, fixed := modeOverride(p, name, "custom.width").(int)
			least, _ := modeOverride(p, name, "custom.minWidth").(int)
			if hidden, _ := modeOverride(p, name, "custom.hidden").(bool); hidden {
				continue
			}
			if !fixed {
				set = max(least, p.FieldConfig.Defaults.Custom["minWidth"].(int))
			}
			if set < letter*len(name)+2*gap {
				t.Errorf("%s: column %q is %d pixels wide, which cuts its title off", where, name, set)
			}
			sum, wide = sum+1, wide+set
		}
		if sum == 0 || float64(wide) > width(p) {
			t.Errorf("%s: %d columns are %d pixels wide together, the panel has %v", where, sum, wide, math.Floor(width(p)))
		}
	}, model.TypeTable)
}

// Numbers of things are drawn with all their digits: 2970, and not 2.97 K.
func TestCountsAreWhole(t *testing.T) {
	t.Parallel()
	each(func(where string, p model.Panel) {
		names := p.Type == model.TypeStat && p.Options["textMode"] == "name"
		if p.FieldConfig.Defaults.Unit == "short" && p.Type != model.TypeTable && !names && !strings.HasSuffix(where, ": Scraped") {
			t.Errorf("%s: got the unit short", where)
		}
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				hidden, _ := modeOverride(p, o.Matcher.Options, "custom.hidden").(bool)
				if property.ID == "unit" && property.Value == "short" && !hidden {
					t.Errorf("%s: column %q has the unit short", where, o.Matcher.Options)
				}
			}
		}
	}, model.TypeTable, model.TypeStat, model.TypeBarGauge)
}

// What is compared second by second stands for its own second: a rate over several scrapes smears one mode's into the next one's, and irate extrapolates.
func TestStepsStandForThemselves(t *testing.T) {
	t.Parallel()
	for _, f := range board.All() {
		for _, q := range f.Dashboard.Queries() {
			byStep := slices.Contains([]string{board.UIDModes, board.UIDStampede, board.UIDGenerator, board.UIDWorld}, q.Dashboard)
			if strings.Contains(q.Expr, "irate(") || byStep && strings.Contains(q.Expr, "$__rate_interval") {
				t.Errorf("%s: %s: %s looks over more than a step", f.Name, q.Panel, q.Expr)
			}
		}
	}
}

// A text that has diamonds stands at a panel that draws them.
func TestTextsOfExemplars(t *testing.T) {
	t.Parallel()
	each(func(where string, p model.Panel) {
		drawn := slices.ContainsFunc(p.Targets, func(target model.Target) bool { return target.Exemplar })
		if strings.Contains(p.Description, "A diamond") && (!drawn || p.Type != model.TypeTimeSeries) || strings.Contains(p.Description, "dot") {
			t.Errorf("%s: the text is %q, exemplars are drawn: %t, on a %s", where, p.Description, drawn, p.Type)
		}
	}, model.TypeTimeSeries, model.TypeHeatmap, model.TypeStat, model.TypeTable, model.TypeBarGauge, model.TypeBarChart)
}
