// Package model is the classic JSON model of a Grafana dashboard, as far as the lab's dashboards use it, and what can be asked of one:
// which expressions it queries and where it links to. It knows nothing of the lab.
//
// The fields are those that Grafana 9.4 to 13 read at schema version 41, and no field is written that one of them refuses; what is left out has Grafana's own default.
package model

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// SchemaVersion is the version of the model that the lab's dashboards are written in. Grafana migrates older ones when it loads them.
const SchemaVersion = 41

// Dashboard is one dashboard: the content of one JSON file.
type Dashboard struct {
	Annotations   Annotations `json:"annotations"`
	Description   string      `json:"description"`
	Editable      bool        `json:"editable"`
	GraphTooltip  int         `json:"graphTooltip"` // 1: a cross-hair that all panels share
	ID            *int        `json:"id"`           // null: Grafana gives the number, the UID is the identity
	Links         []Link      `json:"links"`
	Panels        []Panel     `json:"panels"`
	Refresh       string      `json:"refresh"`
	SchemaVersion int         `json:"schemaVersion"`
	Tags          []string    `json:"tags"`
	Templating    Templating  `json:"templating"`
	Time          TimeRange   `json:"time"`
	Timepicker    Timepicker  `json:"timepicker"`
	Timezone      string      `json:"timezone"`
	Title         string      `json:"title"`
	UID           string      `json:"uid"`
	Version       int         `json:"version"`
}

// TimeRange is what a dashboard shows when it is opened.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Timepicker has the refresh intervals to choose from.
type Timepicker struct {
	RefreshIntervals []string `json:"refresh_intervals"`
}

// DataSourceRef names a data source by its UID, or by a variable that holds one.
type DataSourceRef struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Annotations are the events that are drawn into every panel.
type Annotations struct {
	List []Annotation `json:"list"`
}

// Annotation is one query for events. A Prometheus annotation marks every time at which the expression is not zero, and joins
// neighbours to a region.
type Annotation struct {
	BuiltIn     int              `json:"builtIn,omitempty"`
	DataSource  DataSourceRef    `json:"datasource"`
	Enable      bool             `json:"enable"`
	Expr        string           `json:"expr,omitempty"` // read by Grafana before 12; later ones read Target
	Hide        bool             `json:"hide,omitempty"`
	IconColor   string           `json:"iconColor"`
	Name        string           `json:"name"`
	Step        string           `json:"step,omitempty"`
	TagKeys     string           `json:"tagKeys,omitempty"`
	Target      *AnnotationQuery `json:"target,omitempty"`
	TextFormat  string           `json:"textFormat,omitempty"`
	TitleFormat string           `json:"titleFormat,omitempty"`
	Type        string           `json:"type,omitempty"`
}

// AnnotationQuery is the expression of an annotation.
type AnnotationQuery struct {
	Expr     string `json:"expr"`
	Interval string `json:"interval"`
	RefID    string `json:"refId"`
}

// Templating has the dashboard's variables.
type Templating struct {
	List []Variable `json:"list"`
}

// Variable is something the reader chooses.
type Variable struct {
	AllValue    string         `json:"allValue,omitempty"` // what All stands for; every option if empty
	Current     *Current       `json:"current,omitempty"`
	DataSource  *DataSourceRef `json:"datasource,omitempty"`
	Definition  string         `json:"definition,omitempty"`
	Description string         `json:"description"`
	Hide        int            `json:"hide"` // 2: it is set by links alone
	IncludeAll  bool           `json:"includeAll"`
	Label       string         `json:"label"`
	Multi       bool           `json:"multi"`
	Name        string         `json:"name"`
	Options     []any          `json:"options"`
	Query       any            `json:"query"`
	Refresh     int            `json:"refresh"` // 2: whenever the time range changes, so that modes appear while a scenario runs
	Regex       string         `json:"regex"`
	Sort        int            `json:"sort,omitempty"`
	Type        string         `json:"type"`
}

// Current is the value that a variable begins with.
type Current struct {
	Selected bool `json:"selected"`
	Text     any  `json:"text"`
	Value    any  `json:"value"`
}

// Link leads from a dashboard or a panel to somewhere else.
type Link struct {
	AsDropdown  bool     `json:"asDropdown,omitempty"`
	Icon        string   `json:"icon,omitempty"`
	IncludeVars bool     `json:"includeVars,omitempty"`
	KeepTime    bool     `json:"keepTime,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	TargetBlank bool     `json:"targetBlank"`
	Title       string   `json:"title"`
	Tooltip     string   `json:"tooltip,omitempty"`
	Type        string   `json:"type,omitempty"` // of a dashboard's link: "dashboards" (by tag) or "link"
	URL         string   `json:"url,omitempty"`
}

// JSON is the dashboard as a file: indented, with expressions as they are written.
func (d Dashboard) JSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // "a > b" is to be read by people, too
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return nil, fmt.Errorf("encode dashboard %s: %w", d.UID, err)
	}
	return b.Bytes(), nil
}
