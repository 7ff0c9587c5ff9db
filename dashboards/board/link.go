package board

import (
	"strings"

	"loadlab/dashboards/model"
	"loadlab/otel/signal"
)

// Parts of links. A link to a dashboard of a run sets the run's time, or its graphs would be of the last minutes.
const (
	withSource = "${datasource:queryparam}"
	sameTime   = "${__url_time_range}"
	runTime    = "from=${run_from}&to=${run_to}"
	sameRun    = "var-run=${run:percentencode}"
	samePhase  = "var-phase=${phase:percentencode}"
	labelMode  = "var-mode=${__field.labels.mode:percentencode}"
)

func link(title, uid string, parts ...string) model.Link {
	return model.Link{Title: title, URL: "/d/" + uid + "?" + strings.Join(append([]string{withSource}, parts...), "&")}
}

// leads links a panel, and each of its values, to a dashboard. parts are what the link of the panel takes along; a value takes its mode as well.
func leads(uid string, p model.Panel, parts ...string) model.Panel {
	p.Links = []model.Link{link(titleOf(uid), uid, parts...)}
	switch {
	case uid == UIDRuntime || uid == UIDGenerator: // of all modes
	case p.Type == model.TypeTimeSeries || p.Type == model.TypeBarGauge || p.Type == model.TypeStat:
		p.FieldConfig.Defaults.Links = append(p.FieldConfig.Defaults.Links, link(titleOf(uid)+" of ${__field.labels.mode}", uid, append(parts, labelMode)...))
	}
	return p
}

// traced links each value of a panel to the traces of its mode in the phase, in Jaeger.
func traced(p model.Panel) model.Panel {
	p.FieldConfig.Defaults.Links = append(p.FieldConfig.Defaults.Links, model.Link{
		Title: "Traces of ${__field.labels.mode} in Jaeger", TargetBlank: true, URL: jaegerSearch("${__field.labels.mode:percentencode}"),
	})
	return p
}

// jaegerSearch is the address of Jaeger's search for the traces of a mode in the phase, from the generator's spans on.
func jaegerSearch(mode string) string {
	return "${jaeger}/search?service=loadgen&lookback=custom&start=${run_from}000&end=${run_to}000&limit=100&tags=%7B%22" + signal.AttrMode + "%22%3A%22" + mode +
		"%22%2C%22" + signal.AttrPhase + "%22%3A%22${phase:percentencode}%22%7D"
}
