package board

import (
	"regexp"
	"strings"

	"loadlab/dashboards/model"
	"loadlab/internal/palette"
	"loadlab/otel/signal"
)

// modeColours are the colours and dashes of the modes that are known, by what a series is called: its name ends with the mode ("p99, ttl"), or begins with it
// ("ttl: expiry"). A mode looks the same in every panel then, whatever else is in it.
func modeColours(dashes bool) []model.Override {
	var all []model.Override
	style := func(of func(palette.Style) string, property func(palette.Style) model.Property) {
		var order []string
		names := map[string][]string{}
		property0 := map[string]model.Property{}
		for _, m := range palette.Known() {
			key := of(m.Style)
			if key == "" {
				continue
			}
			if names[key] == nil {
				order = append(order, key)
				property0[key] = property(m.Style)
			}
			names[key] = append(names[key], regexp.QuoteMeta(m.Name))
		}
		for _, key := range order {
			all = append(all, model.Override{Matcher: named(strings.Join(names[key], "|")), Properties: []model.Property{property0[key]}})
		}
	}
	style(func(s palette.Style) string { return s.Color }, func(s palette.Style) model.Property { return fixedColor(s.Color) })
	if dashes {
		style(func(s palette.Style) string {
			if s.Dash == palette.Solid {
				return ""
			}
			return string(rune('0' + s.Dash))
		}, func(s palette.Style) model.Property {
			return model.Property{ID: "custom.lineStyle", Value: map[string]any{"fill": "dash", "dash": s.Dash.Pattern()}}
		})
	}
	return all
}

// named matches what is called so, as a mode is in a name.
func named(expr string) model.Matcher {
	return model.Matcher{ID: "byRegexp", Options: "/(^|, )(" + expr + ")(: .*)?$/"}
}

func fixedColor(color string) model.Property {
	return model.Property{ID: "color", Value: map[string]any{"mode": "fixed", "fixedColor": color}}
}

// byCause gives the causes that stand beside modes colours that no mode has.
func byCause(p model.Panel) model.Panel {
	for _, cause := range []struct{ name, color string }{{signal.CauseCold, "text"}, {signal.CauseUnknown, "dark-orange"}} {
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, model.Override{
			Matcher: model.Matcher{ID: "byName", Options: cause.name}, Properties: []model.Property{fixedColor(cause.color)},
		})
	}
	return p
}

// modeMappings colour the names of modes in a table.
func modeMappings() []any {
	options := map[string]any{}
	for i, m := range palette.Known() {
		options[m.Name] = map[string]any{"color": m.Color, "index": i, "text": m.Name}
	}
	return []any{map[string]any{"type": "value", "options": options}}
}
