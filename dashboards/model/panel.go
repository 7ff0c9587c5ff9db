package model

// Types of panels.
const (
	TypeRow           = "row"
	TypeText          = "text"
	TypeTimeSeries    = "timeseries"
	TypeHeatmap       = "heatmap"
	TypeTable         = "table"
	TypeStat          = "stat"
	TypeStateTimeline = "state-timeline"
	TypeBarGauge      = "bargauge"
	TypeBarChart      = "barchart"
)

// Panel is one picture of a dashboard, a row's heading, or a text.
type Panel struct {
	Collapsed       *bool            `json:"collapsed,omitempty"` // of rows
	DataSource      *DataSourceRef   `json:"datasource,omitempty"`
	Description     string           `json:"description,omitempty"`
	FieldConfig     *FieldConfig     `json:"fieldConfig,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	ID              int              `json:"id"`
	Interval        string           `json:"interval,omitempty"` // the least step
	Links           []Link           `json:"links,omitempty"`
	MaxDataPoints   int              `json:"maxDataPoints,omitempty"`
	MaxPerRow       int              `json:"maxPerRow,omitempty"`
	Options         map[string]any   `json:"options,omitempty"`
	Panels          []Panel          `json:"panels,omitempty"` // of rows that are collapsed
	Repeat          string           `json:"repeat,omitempty"`
	RepeatDirection string           `json:"repeatDirection,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	Title           string           `json:"title"`
	Transformations []Transformation `json:"transformations,omitempty"`
	Type            string           `json:"type"`
}

// GridPos is where a panel is, on a grid of 24 columns.
type GridPos struct {
	H int `json:"h"`
	W int `json:"w"`
	X int `json:"x"`
	Y int `json:"y"`
}

// Target is one query of a panel.
type Target struct {
	DataSource   DataSourceRef `json:"datasource"`
	EditorMode   string        `json:"editorMode"`
	Exemplar     bool          `json:"exemplar"`
	Expr         string        `json:"expr"`
	Format       string        `json:"format"`
	Instant      bool          `json:"instant"`
	LegendFormat string        `json:"legendFormat"`
	Range        bool          `json:"range"`
	RefID        string        `json:"refId"`
}

// FieldConfig is how values are shown.
type FieldConfig struct {
	Defaults  FieldDefaults `json:"defaults"`
	Overrides []Override    `json:"overrides"`
}

// FieldDefaults hold for every value of a panel.
type FieldDefaults struct {
	Color      map[string]any `json:"color,omitempty"`
	Custom     map[string]any `json:"custom,omitempty"`
	Decimals   *int           `json:"decimals,omitempty"`
	Links      []Link         `json:"links,omitempty"` // data links: from one value
	Mappings   []any          `json:"mappings,omitempty"`
	Max        *float64       `json:"max,omitempty"`
	Min        *float64       `json:"min,omitempty"`
	NoValue    string         `json:"noValue,omitempty"` // stands in the place of "No data"
	Thresholds *Thresholds    `json:"thresholds,omitempty"`
	Unit       string         `json:"unit"`
}

// Thresholds colour a value by its size.
type Thresholds struct {
	Mode  string      `json:"mode"`
	Steps []Threshold `json:"steps"`
}

// Threshold is the colour from a value on; the first step's value is null.
type Threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Override changes the defaults for some values.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher selects the values that an override holds for.
type Matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

// Property is one changed setting.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// Transformation changes what the queries of a panel returned before it is shown.
type Transformation struct {
	ID      string         `json:"id"`
	Options map[string]any `json:"options"`
}
