package board

import (
	"loadlab/dashboards/model"
	"loadlab/dashboards/promql"
	"loadlab/otel/signal"
)

// annotations are what happened when: a thin line where a phase begins, and regions for expiries and faults. They are drawn where events are
// the subject; elsewhere they would be more ink than data, and can be switched on. Which phases is a matcher; none is every one.
func annotations(enabled bool, which string) []model.Annotation {
	running := promql.Metric{Name: signal.LoadPhase, Match: which}
	by := []string{signal.LabelScenario, signal.LabelRunID, signal.LabelMode, signal.LabelPhase, signal.LabelRound}
	now := promql.Max(running.Select(), by...)
	expired := promql.Each(promql.Metric{Name: signal.ExpirationsTotal}.In(promql.Step), signal.LabelMode) + " > 0"
	return []model.Annotation{
		annotation("Phases", now+" == 1 unless "+promql.Max("("+running.Select()+" offset "+promql.Step+")", by...)+" == 1", "rgba(120, 160, 220, 0.6)", enabled,
			"{{phase}}: {{mode}}", "{{scenario}}, round {{round}}, run {{run_id}}", "mode,phase"),
		annotation("Expiries", expired, "rgba(224, 180, 0, 0.5)", enabled, "expiry: {{mode}}", "Pages that were found expired.", "mode"),
		annotation("Faults", promql.Max(signal.LoadFault, signal.LabelFault, signal.LabelPhase)+" == 1", "rgba(220, 60, 60, 0.7)", enabled,
			"fault: {{fault}}", "In phase {{phase}}.", "fault"),
	}
}

func annotation(name, expr, color string, enabled bool, title, text, tags string) model.Annotation {
	return model.Annotation{
		Name: name, DataSource: source(), Enable: enabled, IconColor: color, Expr: expr, Step: "1s",
		TitleFormat: title, TextFormat: text, TagKeys: tags,
		Target: &model.AnnotationQuery{Expr: expr, Interval: "1s", RefID: name},
	}
}
