package keys_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"loadlab/loadgen/internal/keys"
)

func known(name string) bool { return name == "page" || name == "id" }

func why(string) string { return "there is no data of that name" }

// written writes a text with each variable between angle brackets.
func written(t keys.Text) string {
	var s strings.Builder
	for _, p := range t.Parts() {
		if p.Name != "" {
			s.WriteString("<" + p.Name + ">")
		} else {
			s.WriteString(p.Literal)
		}
	}
	return s.String()
}

// names are those of the data known, and of an environment.
func names() keys.Names {
	env := map[string]string{"SECRET": "a/b{{id}}", "EMPTY": ""}
	return keys.Names{Known: known, Why: why, Env: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		where      keys.Where
		text, want string
	}{
		{keys.InPath, "/", "/"},
		{keys.InPath, "/a/{id}/?page={page}&x={{id}}", "/a/<id>/?page=<page>&x=<id>"},
		{keys.InPath, "/{id}{page}", "/<id><page>"},
		{keys.InPath, "/%7Bid%7D?a=$b", "/%7Bid%7D?a=$b"},
		{keys.InPath, "/{{'{id} ü'}}/{id}", "/%7Bid%7D%20%C3%BC/<id>"},
		{keys.InValue, "", ""},
		{keys.InValue, `{"a":{"b":{{id}}}}`, `{"a":{"b":<id>}}`},
		{keys.InValue, `{"price": "{{page}}", "x": {"y": {}}}`, `{"price": "<page>", "x": {"y": {}}}`},
		{keys.InValue, "a{3}b {other} $5 $ref $schema $A {", "a{3}b {other} $5 $ref $schema $A {"},
		{keys.InHeader, "Bearer ${SECRET} ${EMPTY:-d}${UNSET:-e f}${UNSET:-}", "Bearer a/b{{id}} de f"},
		{keys.InPath, "/x?t=${SECRET}&e=${EMPTY}", "/x?t=a%2Fb%7B%7Bid%7D%7D&e="},
		{keys.InValue, `{{'{{id}}'}} {{"${X}'"}}{{id}}`, "{{id}} ${X}'<id>"},
		{keys.InValue, "${", "${"},
	} {
		got, unfit := keys.Parse(tt.text, tt.where, names())
		if len(unfit) > 0 || written(got) != tt.want {
			t.Errorf("%q: got %q and %v, want %q", tt.text, written(got), unfit, tt.want)
		}
		if got.Varies() != strings.Contains(tt.want, "<") {
			t.Errorf("%q: varies %t", tt.text, got.Varies())
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		where keys.Where
		text  string
		want  []keys.Unfit
	}{
		{keys.InPath, "/{pages}", []keys.Unfit{{1, "{pages}: there is no data of that name; write {{'{pages}'}} for the text itself"}}},
		{keys.InPath, "/{a b}/{", []keys.Unfit{
			{1, "{a b} is no variable: write {name}, or %7B for the character { itself"},
			{5, "} in a path ends no variable: write %7D for the character itself"},
			{7, "{ is no variable: write {name}, or %7B for the character { itself"},
		}},
		{keys.InPath, "/?t=${TOKEN}", []keys.Unfit{
			{4, "${TOKEN}: the environment has no TOKEN: set it, or write ${TOKEN:-text} for a default, or {{'${TOKEN}'}} for the text itself"},
		}},
		{keys.InValue, "x{{ id }}", []keys.Unfit{{1, "{{ id }} is no variable: write {{name}}, or {{'{{'}} for the text itself"}}},
		{keys.InValue, "{{no}} {{", []keys.Unfit{
			{0, "{{no}}: there is no data of that name; write {{'{{no}}'}} for the text itself"},
			{7, "{{ is no variable: write {{name}}, or {{'{{'}} for the text itself"},
		}},
		{keys.InValue, "{id}", []keys.Unfit{{0, "{id} is text here, and not the variable: write {{id}}, or {{'{id}'}} for the text itself"}}},
		{keys.InValue, "a ${TOKEN b", []keys.Unfit{{2, "${TOKEN b has no end: } ends it"}}},
		{keys.InValue, "${TOKEN:?no token}", []keys.Unfit{
			{0, "${TOKEN:?no token} is no variable: those of the environment are written ${NAME} or ${NAME:-text}, those of data {{name}}; write {{'${TOKEN:?no token}'}} for the text itself"},
		}},
		{keys.InValue, "${UNSET:-${SECRET}}", []keys.Unfit{
			{0, "${UNSET:-${SECRET}: the default of a variable is text, and has no other in it; write {{'${UNSET:-${SECRET}'}} for the text itself"},
		}},
		{keys.InValue, "Bearer ${env:X}", []keys.Unfit{
			{7, "${env:X} is no variable: those of the environment are written ${NAME} or ${NAME:-text}, those of data {{name}}; write {{'${env:X}'}} for the text itself"},
		}},
		{keys.InValue, "Bearer $TOKEN $HOMEx", []keys.Unfit{
			{7, "$TOKEN is sent as it stands: a variable of the environment is written ${TOKEN}; write {{'$TOKEN'}} for the text itself"},
		}},
		{keys.InHeader, "a {no}", []keys.Unfit{{2, "{no} is text here, and not the variable: write {{no}}, or {{'{no}'}} for the text itself"}}},
		{keys.InValue, "{{'x}}", []keys.Unfit{{0, "{{' has no end: '}} ends it"}}},
	} {
		_, got := keys.Parse(tt.text, tt.where, names())
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", tt.text, diff)
		}
	}
}

// Whatever a text is, what is wrong with it has a place in it; and what is written as a literal comes out as it was.
func FuzzText(f *testing.F) {
	f.Add("/a/{id}/?page={{page}}", "{id}")
	f.Add("{{'${X}'}} {{ id }}", "'}")
	f.Fuzz(func(t *testing.T, s, literal string) {
		for _, where := range []keys.Where{keys.InPath, keys.InValue} {
			text, unfit := keys.Parse(s, where, names())
			for _, u := range unfit {
				if u.Offset < 0 || u.Offset >= len(s) || u.Msg == "" {
					t.Errorf("%q: %+v", s, u)
				}
			}
			for _, p := range text.Parts() {
				if (p.Name == "") == (p.Literal == "") || p.Name != "" && len(unfit) == 0 && !known(p.Name) {
					t.Errorf("%q: part %+v", s, p)
				}
			}
		}
		if strings.Contains(literal, "'}}") || strings.HasSuffix(literal, "'") || strings.HasSuffix(literal, "'}") {
			return
		}
		got, unfit := keys.Parse("{{'"+literal+"'}}", keys.InValue, names())
		if len(unfit) > 0 || written(got) != literal {
			t.Errorf("the literal %q came out as %q, with %v", literal, written(got), unfit)
		}
	})
}

// What is escaped is read back as it was, by both rules of net/url.
func FuzzEscape(f *testing.F) {
	f.Add("a b/c?d=e&f%+ü\x00")
	f.Fuzz(func(t *testing.T, s string) {
		escaped := string(keys.Escape(nil, s))
		path, err := url.PathUnescape(escaped)
		query, qerr := url.QueryUnescape(escaped)
		if err != nil || qerr != nil || path != s || query != s {
			t.Errorf("%q: escaped %q, read back as %q and %q", s, escaped, path, query)
		}
		if strings.ContainsAny(escaped, "/?&#+= \r\n") {
			t.Errorf("%q: escaped %q", s, escaped)
		}
	})
}
