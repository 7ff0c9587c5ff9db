package ci_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/itchyny/gojq"
	"github.com/spf13/pflag"

	"loadlab/loadgen/internal/ab"
	"loadlab/loadgen/internal/ab/abtest"
	"loadlab/loadgen/internal/report"
)

// mergeBase is what git says that it is.
const mergeBase = "0123456789012345678901234567890123456789"

// git knows one merge base, of the branch main.
func git(_ string, args []string) error {
	if !slices.Equal(args, []string{"merge-base", "origin/main", "HEAD"}) {
		fmt.Fprintln(os.Stderr, "fatal: Not a valid object name", args)
		return exit(128)
	}
	fmt.Println(mergeBase)
	return nil
}

// goBuild makes what it is to build a name of this binary.
func goBuild(_ string, args []string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	i := slices.Index(args, "-o")
	if i < 0 || args[0] != "build" {
		return fmt.Errorf("got %q", args)
	}
	return os.Symlink(self, args[i+1])
}

// loadgen has the commands ab, whose test is one of package abtest, and report, which is the real one.
func loadgen(state string, args []string) error {
	flags := pflag.NewFlagSet("loadgen", pflag.ContinueOnError)
	out, format := flags.String("out", "runs", ""), flags.String("format", "text", "")
	maxBytes := flags.Int("max-bytes", report.MarkdownLimit, "")
	for _, name := range []string{"a", "b", "stack", "seed"} {
		flags.String(name, "", "")
	}
	modes, _ := flags.StringArray("mode", nil, ""), flags.StringArray("phase", nil, "")
	for _, name := range []string{"a-arg", "b-arg"} {
		flags.StringArray(name, nil, "")
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("arguments %q", flags.Args())
	}
	if flags.Arg(0) == "report" {
		t, err := ab.Read(flags.Arg(1))
		if err != nil {
			return err
		}
		return render(t, *format, report.Options{Path: flags.Arg(1), MaxBytes: *maxBytes})
	}
	name, err := os.ReadFile(filepath.Join(state, "test"))
	if err != nil {
		return err
	}
	t, ok := fixtures()[string(name)]
	if !ok {
		fmt.Fprintf(os.Stderr, "loadgen: arm B, HEAD, does not build: go build ./app: exit status 1\n%s\n", strings.Repeat("app/main.go:1:1: <b>`syntax` ä error</b>\n", 3000))
		return exit(2)
	}
	for _, mode := range *modes {
		t.Warnings = append(t.Warnings, "mode "+mode)
	}
	folder := filepath.Join(*out, t.ID)
	if err := errors.Join(os.MkdirAll(folder, 0o755), ab.Write(filepath.Join(folder, "ab.json"), t), render(t, "text", report.Options{})); err != nil { //nolint:gosec // a test's folder
		return err
	}
	r, err := report.NewABTest(t)
	if err != nil {
		return err
	}
	return exit(r.ExitCode())
}

// fixtures are tests by name: those of package abtest, and two whose reports are longer than a comment and than a summary may be.
func fixtures() map[string]*ab.Test {
	all := abtest.All()
	for name, phases := range map[string]int{"long": 1000, "longer": 12_000} {
		t := abtest.All()["slower"]
		for i := range phases {
			t.Ungated = append(t.Ungated, ab.Ungated{Name: fmt.Sprintf("phase %d", i), Reason: "a burst is over at once, and nothing of it can be compared, whätever it is"})
		}
		all[name] = t
	}
	return all
}

func render(t *ab.Test, format string, o report.Options) error {
	r, err := report.NewABTest(t)
	if err != nil {
		return err
	}
	for _, f := range report.ABFormats() {
		if f.Name == format {
			return f.Write(os.Stdout, r, o)
		}
	}
	return fmt.Errorf("no format %q", format)
}

// jq is the part of it that the scripts use.
func jq(_ string, args []string) error {
	raw := false
	var names []string
	var values []any
	var expr string
	for len(args) > 0 {
		n := 1
		switch {
		case args[0] == "-r":
			raw = true
		case args[0] == "--arg" && len(args) > 2:
			names, values, n = append(names, "$"+args[1]), append(values, args[2]), 3
		case args[0] == "--argjson" && len(args) > 2:
			var v any
			if err := json.Unmarshal([]byte(args[2]), &v); err != nil {
				return err
			}
			names, values, n = append(names, "$"+args[1]), append(values, v), 3
		case expr == "":
			expr = args[0]
		default:
			return fmt.Errorf("got %q", args)
		}
		args = args[n:]
	}
	data, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	return query(expr, data, raw, names, values)
}

// query writes what an expression makes of JSON, strings as they are if raw.
func query(expr string, data []byte, raw bool, names []string, values []any) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	q, err := gojq.Parse(expr)
	if err != nil {
		return err
	}
	code, err := gojq.Compile(q, gojq.WithVariables(names))
	if err != nil {
		return err
	}
	for results := code.Run(v, values...); ; {
		x, more := results.Next()
		if !more {
			return nil
		}
		if err, bad := x.(error); bad {
			return err
		}
		if s, is := x.(string); is && raw {
			fmt.Println(s)
			continue
		}
		text, err := gojq.Marshal(x)
		if err != nil {
			return err
		}
		fmt.Println(string(text))
	}
}
