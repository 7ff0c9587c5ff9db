// Package page writes a report as one HTML file: the report's sections, and charts of what run.json has by second, by mode and by trace. The file asks nobody for
// anything: its styles, scripts and data are in it, and a policy forbids the rest. It is a function of the report alone, as every format is.
//
// It does not know what figures mean or how they are judged: sections, intervals and predictions are the report's.
package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strings"

	"loadlab/loadgen/internal/report"
	"loadlab/loadgen/internal/result"
)

//go:embed assets
var assets embed.FS

// scripts are the parts of the page's script, in their order. Each is of one subject; all are in one function, so that nothing is global but uPlot.
func scripts() []string {
	return []string{"text", "data", "state", "table", "charts", "dots", "lines", "heat", "quantiles", "glance", "laws", "traces", "ab", "live", "main"}
}

// Name is that of the format.
const Name = "html"

// Format is the page as a format of a run.
func Format() report.Format[*report.Report] {
	return report.Format[*report.Report]{Name: Name, Write: Write}
}

// ABFormat is the page as a format of an A/B test.
func ABFormat() report.Format[*report.ABTest] {
	return report.Format[*report.ABTest]{Name: Name, Write: WriteAB}
}

// Write writes the page of a run.
func Write(w io.Writer, r *report.Report, _ report.Options) error {
	run, err := newRunData(r, "")
	if err != nil {
		return err
	}
	return newDocument(r).write(w, data{Runs: []runData{run}})
}

// WriteAB writes the page of an A/B test.
func WriteAB(w io.Writer, r *report.ABTest, _ report.Options) error {
	return newABDocument(r).write(w, abDataOf(r))
}

// WriteRuns writes a page that draws several runs over each other, and compares them with the first.
func WriteRuns(w io.Writer, runs []*result.Run) error {
	c, err := report.Compare(runs)
	if err != nil {
		return err
	}
	var of data
	for i, run := range runs {
		r, err := report.New(run)
		if err != nil {
			return err
		}
		one, err := newRunData(r, report.Letter(i))
		if err != nil {
			return err
		}
		one.compare(run, c, i)
		of.Runs = append(of.Runs, one)
	}
	return newComparison(c, runs).write(w, of)
}

// write writes the document with what its scripts draw.
func (d *document) write(w io.Writer, of data) (err error) {
	if err := d.embed(of); err != nil {
		return err
	}
	if d.Script, err = script(); err != nil {
		return err
	}
	return d.writeStill(w)
}

// writeStill writes the document as it is: without scripts it is to be read, and nothing is drawn.
func (d *document) writeStill(w io.Writer) (err error) {
	if d.Style, err = style(); err != nil {
		return err
	}
	d.Policy = policy(string(d.Script), string(d.Style), d.Live)
	t, err := d.template()
	if err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return t.ExecuteTemplate(w, "page.tmpl", d)
}

// policy forbids the page all requests, and all scripts and styles but its own. A live page may ask the server that it is from.
func policy(script, style string, live bool) string {
	text := fmt.Sprintf("default-src 'none'; style-src '%s'; img-src data:; base-uri 'none'; form-action 'none'", hash(style))
	if script != "" {
		text += fmt.Sprintf("; script-src '%s'", hash(script))
	}
	if live {
		text += "; connect-src 'self'"
	}
	return text
}

// hash is how a policy names a script or a style.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// script is all of the page's script.
func script() (template.JS, error) {
	var b strings.Builder
	uplot, err := assets.ReadFile("assets/uplot/uPlot.iife.min.js")
	if err != nil {
		return "", err
	}
	b.Write(uplot)
	b.WriteString("\n(() => {\n\"use strict\";\n")
	for _, name := range scripts() {
		part, err := assets.ReadFile("assets/" + name + ".js")
		if err != nil {
			return "", err
		}
		b.Write(part)
	}
	b.WriteString("})();\n")
	return template.JS(b.String()), nil //nolint:gosec // it is the repository's own
}

// style is all of the page's style.
func style() (template.CSS, error) {
	var b strings.Builder
	for _, name := range []string{"uplot/uPlot.min.css", "page.css"} {
		part, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return "", err
		}
		b.Write(part)
	}
	return template.CSS(b.String()), nil //nolint:gosec // it is the repository's own
}

// packed is the size from which on data is compressed: below it the JSON can be read in the file.
const packed = 64 << 10

// embed puts the data into the document: JSON in which < is written as an escape sequence, so that no name ends the element; where it is large, compressed.
func (d *document) embed(of data) error {
	text, err := json.Marshal(of) // which escapes <, > and &
	if err != nil {
		return err
	}
	if len(text) < packed {
		d.Data = template.JS(text) //nolint:gosec // it is JSON
		return nil
	}
	var b bytes.Buffer
	to := base64.NewEncoder(base64.StdEncoding, &b)
	z, err := gzip.NewWriterLevel(to, gzip.BestCompression)
	if err != nil {
		return err
	}
	if _, err := z.Write(text); err != nil {
		return err
	}
	if err := errors.Join(z.Close(), to.Close()); err != nil {
		return err
	}
	d.Packed = template.HTML(b.String()) //nolint:gosec // it is base64
	return nil
}
