package page_test

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"loadlab/internal/browsertest"
	"loadlab/loadgen/internal/page"
	"loadlab/loadgen/internal/result/resulttest"
)

// onPaper are objections to a page that is laid out for paper: its texts and charts in a list of sentences.
const onPaper = `((width, height) => {
  const found = [], shown = e => e.getClientRects().length > 0 && getComputedStyle(e).visibility === "visible" && !e.closest(".skip, dialog, .tip") && !shortened(e);
  const shortened = e => e.parentElement && (getComputedStyle(e.parentElement).textOverflow === "ellipsis" || shortened(e.parentElement)); // on purpose
  const light = c => c.match(/[0-9.]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 3;
  const body = getComputedStyle(document.body);
  if (light(body.backgroundColor) < 250 || light(body.color) > 60) found.push("it is printed in " + body.color + " on " + body.backgroundColor);
  for (const e of document.querySelectorAll("main *")) {
    const box = e.getBoundingClientRect();
    if (shown(e) && (box.right > width + 1 || box.left < -1)) found.push(e.tagName + "." + e.className + " is from " + box.left + " to " + box.right + " of " + width + ": " + e.textContent.slice(0, 40));
  }
  for (const d of document.querySelectorAll("details")) if (shown(d) && !d.open && getComputedStyle(d, "::details-content").contentVisibility !== "visible") found.push("closed: " + d.textContent.slice(0, 40));
  for (const c of document.querySelectorAll(".chart canvas, .by-run svg[role]")) {
    const of = c.closest(".chart") || c, box = of.getBoundingClientRect();
    if (getComputedStyle(of).breakInside !== "avoid") found.push("a chart may be split: " + of.getAttribute("aria-labelledby"));
    if (box.height > height) found.push("a chart is higher than a sheet: " + box.height);
  }
  return found.slice(0, 10);
})`

// TestOnPaper prints pages from a dark, wide window: nothing is cut off, dark becomes light, what is folded is open, and no chart is split. Afterwards they are as they were.
func TestOnPaper(t *testing.T) {
	t.Parallel()
	b := browsertest.Start(t)
	for name, write := range map[string]func(*bytes.Buffer) error{
		"outage": ofRun(t, resulttest.Outage(t)), "hostile": ofRun(t, hostile(t)),
		"history": func(b *bytes.Buffer) error { return page.WriteHistory(b, stored(t)) },
	} {
		url, _ := file(t, write)
		p := b.Open(t, url, browsertest.View{Dark: true})
		p.Until(ready + ` || !document.getElementById("data")`)
		const was = `[document.querySelector(".chart, .by-run svg").clientWidth, document.querySelectorAll("details[open]").length, getComputedStyle(document.body).backgroundColor].join()`
		before := browsertest.Eval[string](p, was)
		pdf := p.PDF()
		if sheets := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(pdf, -1)); !bytes.HasPrefix(pdf, []byte("%PDF")) || sheets < 1 {
			t.Errorf("%s: %d bytes and %d sheets are printed", name, len(pdf), sheets)
		}
		if after := browsertest.Eval[string](p, was); after != before {
			t.Errorf("%s: after printing width, what is open, and colour are %s, before %s", name, after, before)
		}
		p.Paper()
		if found := browsertest.Eval[[]string](p, fmt.Sprintf("%s(%d, %d)", onPaper, browsertest.PaperWidth, browsertest.PaperHeight)); len(found) > 0 {
			t.Errorf("%s:\n%s", name, strings.Join(found, "\n"))
		}
		p.Keep("paper-" + name)
		p.Quiet()
	}
}
