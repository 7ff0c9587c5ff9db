package page

import (
	"fmt"
	"html/template"
	"strings"

	"loadlab/internal/palette"
	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/tty"
)

// functions are those of the templates.
func functions(styles map[string]palette.Style) template.FuncMap {
	return template.FuncMap{
		"clean":  tty.Clean, // names come from files and from servers
		"tone":   toneClass,
		"swatch": func(mode string) template.HTML { return swatch(styles, mode) },
	}
}

// toneClass is the class of a tone.
func toneClass(t report.Tone) string {
	return [...]string{report.Plain: "", report.Good: "good", report.Bad: "bad", report.Doubtful: "doubtful", report.Faint: "faint"}[t]
}

// swatch draws the line of a mode; nothing for any other word.
func swatch(styles map[string]palette.Style, mode string) template.HTML {
	style, ok := styles[mode]
	if !ok {
		return ""
	}
	dash := strings.Trim(strings.ReplaceAll(fmt.Sprint(style.Dash.Pattern()), " ", ","), "[]")
	return template.HTML(fmt.Sprintf(`<svg class="swatch" width="22" height="10" aria-hidden="true"><line x1="1" y1="5" x2="21" y2="5" stroke="%s" stroke-width="3" stroke-dasharray="%s"/></svg>`, //nolint:gosec // of the palette alone
		style.Color, dash))
}
