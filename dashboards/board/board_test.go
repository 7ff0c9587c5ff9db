package board_test

import (
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"loadlab/internal/testkit"

	"loadlab/dashboards/board"
	"loadlab/dashboards/model"
)

const folder = "../json"

func TestGolden(t *testing.T) {
	t.Parallel()
	var want []string
	for _, f := range board.All() {
		got, err := f.Dashboard.JSON()
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, f.Name)
		want = append(want, path)
		testkit.GoldenFile(t, path, string(got))
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if !slices.Equal(files, want) {
		t.Errorf("files: got %q, want %q", files, want)
	}
}

// What every dashboard promises whoever opens it.
func TestDashboards(t *testing.T) {
	t.Parallel()
	uids, titles := map[string]bool{}, map[string]bool{}
	for _, f := range board.All() {
		d := f.Dashboard
		if uids[d.UID] || titles[d.Title] || d.UID == "" || d.Title == "" {
			t.Errorf("%s: UID %q and title %q: want ones of its own", f.Name, d.UID, d.Title)
		}
		uids[d.UID], titles[d.Title] = true, true
		if !slices.Contains(d.Tags, "loadlab") || d.Description == "" || d.Refresh != "5s" || d.Timezone != "browser" || d.Editable {
			t.Errorf("%s: want the tag loadlab, a description, a refresh of 5 s, the browser's time zone, and that it cannot be edited", f.Name)
		}
		if d.Time.To != "now" || d.SchemaVersion < 39 || d.SchemaVersion > 42 || d.ID != nil {
			t.Errorf("%s: got time %v, schema %d, id %v; want one until now, 39 to 42, none", f.Name, d.Time, d.SchemaVersion, d.ID)
		}
		if first := d.Templating.List[0]; first.Name != "datasource" || first.Type != "datasource" || first.Query != "prometheus" {
			t.Errorf("%s: got first variable %+v, want the data source", f.Name, first)
		}
		for _, v := range d.Templating.List {
			if v.Description == "" || v.Label == "" {
				t.Errorf("%s: variable %s: want a label and a description", f.Name, v.Name)
			}
		}
		for _, a := range d.Annotations.List {
			if want := d.UID == board.UIDStampede || d.UID == board.UIDWorld && a.Name == "Faults"; a.Enable != want {
				t.Errorf("%s: annotation %s is drawn: %v, want %v: they are more ink than data where events are not the subject", f.Name, a.Name, a.Enable, want)
			}
		}
	}
}

func TestPanels(t *testing.T) {
	t.Parallel()
	source := model.DataSourceRef{Type: "prometheus", UID: "${datasource}"}
	for _, f := range board.All() {
		ids := map[int]bool{}
		for _, p := range f.Dashboard.Panels {
			if ids[p.ID] || p.ID == 0 {
				t.Errorf("%s: panel %q: id %d is not its own", f.Name, p.Title, p.ID)
			}
			ids[p.ID] = true
			checkPlace(t, f, p)
		}
		titles := map[string]bool{}
		for _, p := range f.Dashboard.Flat() {
			if p.Type == model.TypeText {
				continue
			}
			where := f.Name + ": " + p.Title
			if titles[p.Title] || p.Title == "" {
				t.Errorf("%s: want a title of its own", where)
			}
			titles[p.Title] = true
			if p.Description == "" || p.FieldConfig == nil || p.FieldConfig.Defaults.Unit == "" || p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s: want a description, a unit, and what stands there without data", where)
			}
			if p.DataSource == nil || *p.DataSource != source || p.Interval != "1s" || len(p.Targets) == 0 {
				t.Errorf("%s: got data source %v, least step %q, %d queries; want the variable, 1s, some",
					where, p.DataSource, p.Interval, len(p.Targets))
			}
			refs := map[string]bool{}
			for _, target := range p.Targets {
				if refs[target.RefID] || target.DataSource != source || target.Instant == target.Range {
					t.Errorf("%s: query %s: want an id of its own, the data source variable, and either instant or range", where, target.RefID)
				}
				refs[target.RefID] = true
			}
		}
	}
}

// checkPlace reports panels that leave the grid or lie on each other.
func checkPlace(t *testing.T, f board.File, p model.Panel) {
	t.Helper()
	at := p.GridPos
	if at.W < 1 || at.H < 1 || at.X < 0 || at.X+at.W > 24 {
		t.Errorf("%s: %q is outside the grid: %+v", f.Name, p.Title, at)
	}
	for _, o := range f.Dashboard.Panels {
		other := o.GridPos
		if o.ID != p.ID && at.X < other.X+other.W && other.X < at.X+at.W && at.Y < other.Y+other.H && other.Y < at.Y+at.H {
			t.Errorf("%s: %q lies on %q", f.Name, p.Title, o.Title)
		}
	}
}

// What Grafana replaces in links, and by what here.
func expandLink(link string) string {
	link = strings.NewReplacer("${__url_time_range}", "from=now-15m", "${datasource:queryparam}", "var-datasource=x").Replace(link)
	return regexp.MustCompile(`\$\{(run_from|run_to|(run|phase):percentencode|__field\.labels\.mode:percentencode|__value\.text:percentencode|`+
		`__data\.fields\.(Begin|End)\.numeric)\}`).ReplaceAllString(link, "ttl")
}

// Every link leads to a dashboard that there is, with variables that it has, or to Jaeger; it uses none that its own dashboard lacks; and every dashboard of
// the ladder is reached from the first one.
func TestLinks(t *testing.T) {
	t.Parallel()
	variables, leads := map[string][]string{}, map[string][]string{}
	for _, f := range board.All() {
		for _, v := range f.Dashboard.Templating.List {
			variables[f.Dashboard.UID] = append(variables[f.Dashboard.UID], v.Name)
		}
	}
	for _, f := range board.All() {
		for _, link := range f.Dashboard.URLs() {
			for _, used := range regexp.MustCompile(`\$\{([a-z]\w*)`).FindAllStringSubmatch(link, -1) {
				if !slices.Contains(variables[f.Dashboard.UID], used[1]) {
					t.Errorf("%s: link %s: the dashboard has no variable %s", f.Name, link, used[1])
				}
			}
			local, jaeger := strings.CutPrefix(link, "${jaeger}")
			u, err := url.Parse(expandLink(local))
			if err != nil || strings.Contains(u.String(), "$") {
				t.Errorf("%s: link %s: %v, or a variable that Grafana does not have there", f.Name, link, err)
				continue
			}
			if jaeger {
				if tags := u.Query().Get("tags"); u.Path != "/search" || tags != `{"lab.mode":"ttl","lab.phase":"ttl"}` {
					t.Errorf("%s: link %s: got tags %s", f.Name, link, tags)
				}
				continue
			}
			uid := strings.TrimPrefix(u.Path, "/d/")
			if variables[uid] == nil || uid == f.Dashboard.UID {
				t.Errorf("%s: link %s: want another dashboard", f.Name, link)
			}
			leads[f.Dashboard.UID] = append(leads[f.Dashboard.UID], uid)
			for name := range u.Query() {
				if v, ok := strings.CutPrefix(name, "var-"); ok && !slices.Contains(variables[uid], v) {
					t.Errorf("%s: link %s: %s has no variable %s", f.Name, link, uid, v)
				}
			}
		}
		for _, l := range f.Dashboard.Links {
			if l.Type != "dashboards" || !slices.Equal(l.Tags, []string{"loadlab"}) || !l.KeepTime || !l.IncludeVars {
				t.Errorf("%s: got link %+v, want one to all dashboards with what is chosen", f.Name, l)
			}
		}
	}
	for from, to := range map[string]string{
		board.UIDModes: board.UIDStampede, board.UIDStampede: board.UIDAnatomy, board.UIDAnatomy: board.UIDRuntime,
		board.UIDGenerator: board.UIDRuntime, board.UIDTelemetry: board.UIDModes,
	} {
		if !slices.Contains(leads[from], to) {
			t.Errorf("%s does not lead to %s, only to %q", from, to, leads[from])
		}
	}
}
