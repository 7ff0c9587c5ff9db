package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// annotations are what happened when: a thin line where a phase begins, and regions for expiries and faults. They are drawn where events are
// the subject; elsewhere they would be more ink than data, and can be switched on. Which phases is a matcher; none is every one.
func annotations(enabled bool, which string) []model.Annotation {
	by := []string{signal.LabelScenario, signal.LabelRunID, signal.LabelMode, signal.LabelPhase, signal.LabelRound}
	return []model.Annotation{
		annotation("Phases", promql.Began(promql.Metric{Name: signal.LoadPhase, Match: which}, by...), "rgba(120, 160, 220, 0.6)", enabled,
			"{{phase}}: {{mode}}", "{{scenario}}, round {{round}}, run {{run_id}}", "mode,phase"),
		annotation("Expiries", promql.Grew(promql.Metric{Name: signal.ExpiredSeconds}, signal.LabelMode), "rgba(224, 180, 0, 0.5)", enabled,
			"expired: {{mode}}", "From when a page was found expired until a fresh one was stored.", "mode"),
		annotation("Faults", promql.During(promql.Metric{Name: signal.LoadFault}, signal.LabelFault, signal.LabelPhase, signal.LabelMode, signal.LabelRound),
			"rgba(220, 60, 60, 0.7)", enabled, "fault: {{fault}}", "In phase {{phase}} of {{mode}}, round {{round}}.", "fault"),
	}
}

// annotation asks once a second, or less often where a second is less than a pixel: Grafana makes a region of points that are one step apart.
func annotation(name, expr, color string, enabled bool, title, text, tags string) model.Annotation {
	return model.Annotation{
		Name: name, DataSource: source(), Enable: enabled, IconColor: color, Expr: expr, Step: "1s",
		TitleFormat: title, TextFormat: text, TagKeys: tags,
		Target: &model.AnnotationQuery{Expr: expr, Interval: "1s", RefID: name},
	}
}
