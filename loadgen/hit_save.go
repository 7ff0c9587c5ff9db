package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"loadlab/loadgen/internal/scenario"
)

// saveHit writes the scenario of a hit to a file, with its target, so that loadgen run does what hit would have done.
func saveHit(env environment, path string, d drafted, target scenario.Target, seed uint64) error {
	if !scenario.IsPath(path) {
		path = scenario.File(path)
	}
	keys := slices.DeleteFunc(slices.Clone(d.keys), func(e scenario.Entry) bool { return e.Key == "name" }) // it is the file's
	if file, ok := within(filepath.Dir(path), d.file); ok {
		keys = withBody(keys, scenario.Map{{Key: "file", Value: scenario.Text(file)}})
	} else if !isText(d.body) {
		return usageError{fmt.Errorf("--save: the body is no text: give it as a file in the folder of %s or below it, --data-binary @body", path)}
	}
	for i := range keys {
		if keys[i].Key == "why" {
			keys[i].Value = scenario.Text(strings.Join(strings.Fields(d.why), " "))
		}
	}
	at, err := targetKeys(target)
	if err != nil {
		return usageError{err}
	}
	keys = slices.Insert(keys, 1, scenario.Entry{Key: "target", Value: at}, scenario.Entry{Key: "seed", Value: scenario.Text(strconv.FormatUint(seed, 10))})
	text, err := keys.YAML()
	if err != nil {
		return fmt.Errorf("--save: %w", err)
	}
	text = append(text, "# gates:\n#   - errors() == 0\n#   - p95() <= 100*ms\n"...)
	if _, err := scenario.Parse(path, text, env.lookup); err != nil {
		return usageError{fmt.Errorf("--save: %w", err)}
	}
	const private = 0o600 // headers and credentials are in it
	if err := os.WriteFile(path, text, private); err != nil {
		return usageError{fmt.Errorf("--save: %w", err)}
	}
	fmt.Fprintf(env.stdout, "%s: written; loadgen run %s\n", path, runnable(path))
	if names := credentials(text, target); len(names) > 0 {
		fmt.Fprintf(env.stderr, "loadgen: %s has credentials in it (%s): write ${NAME} in their place, for a variable of the environment, before it is shared\n",
			path, strings.Join(names, ", "))
	}
	return nil
}

// within returns the path of a file as a scenario in a folder has it; false if there is no file, or it is not in the folder or below it.
func within(folder, file string) (path string, ok bool) {
	if file == "" {
		return "", false
	}
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", false
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return "", false
	}
	path, err = filepath.Rel(from, to)
	path = filepath.ToSlash(path)
	return path, err == nil && fs.ValidPath(path)
}

// withBody returns the keys of a hit's scenario with another body.
func withBody(keys scenario.Map, body scenario.Value) scenario.Map {
	for i, e := range keys {
		if e.Key != "modes" {
			continue
		}
		mode := slices.Clone(e.Value.(scenario.Map)[0].Value.(scenario.Map))
		for j := range mode {
			if mode[j].Key == "body" {
				mode[j].Value = body
			}
		}
		keys[i].Value = scenario.Map{{Key: "hit", Value: mode}}
	}
	return keys
}

// runnable is a path as loadgen run takes it for one.
func runnable(path string) string {
	if scenario.IsPath(path) {
		return path
	}
	return "." + string(filepath.Separator) + path
}

// targetKeys are the keys of a target. Paths are absolute, as the scenario may stand in another folder than the one that hit was run in.
func targetKeys(t scenario.Target) (scenario.Map, error) {
	m := scenario.Map{{Key: "url", Value: scenario.Text(escapeVariables(t.URL))}}
	for _, text := range []struct{ key, value string }{{"user", escapeVariables(t.User)}, {"unix_socket", t.Socket}, {"connect_to", t.ConnectTo}, {"connect_timeout", timeText(t.ConnectTimeout)}, {"proxy", escapeVariables(t.Proxy)}} {
		if text.value != "" {
			m = append(m, scenario.Entry{Key: text.key, Value: scenario.Text(text.value)})
		}
	}
	for _, file := range []struct{ key, path string }{{"cacert", t.CACert}, {"cert", t.Cert}, {"key", t.Key}} {
		if file.path == "" {
			continue
		}
		path, err := filepath.Abs(file.path)
		if err != nil {
			return nil, fmt.Errorf("--save: %w", err)
		}
		m = append(m, scenario.Entry{Key: file.key, Value: scenario.Text(path)})
	}
	for _, choice := range []struct {
		key string
		on  bool
	}{{"insecure", t.Insecure}, {"http2", t.HTTP2}} {
		if choice.on {
			m = append(m, scenario.Entry{Key: choice.key, Value: scenario.Text("true")})
		}
	}
	if t.Redirects > 0 {
		m = append(m, scenario.Entry{Key: "redirects", Value: scenario.Text(strconv.Itoa(t.Redirects))})
	}
	return m, nil
}

// escapeVariables writes a text so that it is read as it is.
func escapeVariables(s string) string {
	return strings.NewReplacer("{{", "{{'{{'}}", "$", "{{'$'}}").Replace(s)
}

// credentials are the names of what in a scenario is for those who know it.
func credentials(text []byte, t scenario.Target) (names []string) {
	lower := bytes.ToLower(text)
	for _, header := range []string{"Authorization", "Cookie", "X-Api-Key", "Proxy-Authorization"} {
		if bytes.Contains(lower, []byte(strings.ToLower(" "+header+":"))) {
			names = append(names, "header "+header)
		}
	}
	if t.User != "" || strings.Contains(t.URL, "@") {
		names = append(names, "user")
	}
	return names
}

// timeText is a duration as a scenario has it; empty for none.
func timeText(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}
