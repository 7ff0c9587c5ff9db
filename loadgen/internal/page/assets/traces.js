// The waterfall of a kept trace, and the list of them.

let dialog = null;

function traceTitle(run, t) {
  const parts = [t.mode >= 0 ? run.modes[t.mode].name : "", t.phase >= 0 ? run.phases[t.phase].name : "", t.round ? "round " + t.round : "", t.why];
  return (run.label ? run.label + " " : "") + parts.filter(x => x).join(" · ");
}

// openTrace shows the waterfall of a trace of a run.
function openTrace(r, id, remark) {
  const run = state.data.runs[r], t = (run.traces || []).find(x => x.id === id);
  if (!t) return;
  if (!dialog) {
    dialog = element("dialog", {class: "trace", "aria-labelledby": "trace-title"});
    dialog.addEventListener("click", e => { if (e.target === dialog) dialog.close(); });
    document.body.append(dialog);
  }
  dialog.replaceChildren(
    element("header", {}, element("h2", {id: "trace-title", tabindex: -1, autofocus: true}, name(traceTitle(run, t))), element("button", {type: "button", class: "close", onclick: () => dialog.close()}, "Close")),
    remark ? element("p", {class: "note"}, remark) : "",
    ...(t.remarks || []).map(([layer, text]) => element("p", {class: "remark " + layer}, text)),
    waterfall(r, t), element("p", {class: "note"}, "trace ", t.id));
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

// samplesOf are the requests of a series whose trace was kept, with their place on the axis of time.
function samplesOf(s) {
  const run = state.data.runs[s.run];
  return (run.traces || []).filter(t => t.mode === s.mode && t.phase >= 0 && t.response).map(t => {
    const p = state.layout.phases.find(x => x.name === run.phases[t.phase].name);
    return {s, id: t.id, response: t.response, phase: p, x: p.from + Math.min(t.at / 1e6, p.length)};
  });
}

// waterfall draws the rows of a trace below an axis of time.
function waterfall(r, t) {
  let from = 0, to = t.response || 1;
  for (const row of t.rows) for (const [start, took] of row.bars || []) { from = Math.min(from, start); to = Math.max(to, start + took); }
  const grid = element("div", {class: "waterfall scroll", tabindex: 0, role: "group", "aria-label": "waterfall"});
  const table = element("table", {}, element("thead", {}, element("tr", {}, element("th", {scope: "col", class: "left"}, "span"), element("th", {scope: "col", class: "bars"}, axis(from, to)),
    element("th", {scope: "col"}, "took"))));
  const body = element("tbody", {});
  for (const row of t.rows) {
    const depth = row.label.length - row.label.trimStart().length;
    const label = element("th", {scope: "row", class: "d" + Math.min(depth, 20)}, ...linked(r, row.label.trimStart()));
    if (!row.bars) {
      label.setAttribute("colspan", 3);
      body.append(element("tr", {class: "remark " + (row.layer || "")}, label));
      continue;
    }
    const bars = svg("svg", {viewBox: "0 0 1000 14", preserveAspectRatio: "none", "aria-hidden": "true"});
    for (const [start, took] of row.bars) {
      bars.append(svg("rect", {x: (start - from) / (to - from) * 1000, y: 2, height: 10, width: Math.max(took / (to - from) * 1000, 1.2), class: row.layer || "plain"}));
    }
    if (t.response && to > t.response * 1.01) {
      const x = (t.response - from) / (to - from) * 1000;
      bars.append(svg("line", {x1: x, x2: x, y1: 0, y2: 14, class: "answered"}));
    }
    body.append(element("tr", {}, label, element("td", {class: "bars"}, bars), element("td", {}, latency(row.bars.reduce((sum, b) => sum + b[1], 0)))));
  }
  table.append(body);
  grid.append(table);
  if (t.response && to > t.response * 1.01) grid.append(element("p", {class: "note"}, "The line: the client had its answer, or stopped waiting, after " + latency(t.response) + "."));
  return grid;
}

// axis writes round points in time.
function axis(from, to) {
  const e = element("span", {class: "axis"}), step = niceStep((to - from) / 4 / 1000) * 1000;
  for (let at = Math.ceil(from / step) * step; at < to; at += step) {
    const mark = element("span", {}, tick(at));
    mark.style.left = (at - from) / (to - from) * 100 + "%";
    e.append(mark);
  }
  return e;
}

// linked makes a button of the id of another trace that the page has.
function linked(r, text) {
  const found = /trace ([0-9a-f]{32})/.exec(text);
  if (!found || !(state.data.runs[r].traces || []).some(t => t.id === found[1])) return [text];
  return [text.slice(0, found.index) + "trace ", element("button", {type: "button", class: "link", onclick: () => openTrace(r, found[1], "")}, found[1].slice(0, 8)), text.slice(found.index + found[0].length)];
}

// slowest lists the slowest request of each mode whose trace was kept, and what it waited for.
function slowest() {
  const left = state.data.runs.reduce((n, run) => n + (run.noTraces || 0), 0);
  const section = element("section", {class: "drawn", "aria-labelledby": "slowest"}, element("h2", {id: "slowest"}, "What slow requests waited for"),
    element("p", {class: "note"}, "Of the requests that were traced, which are a sample, the slowest of each mode, beside the slowest of all. Each opens as a waterfall; the heat map has the others." +
      (left ? " " + leftOut(left) : "")));
  const body = element("tbody", {});
  state.data.runs.forEach((run, r) => {
    run.modes.forEach((m, i) => {
      const t = (run.traces || []).filter(x => x.mode === i && x.response).sort((a, b) => b.response - a.response)[0];
      const s = state.series.find(x => x.run === r && x.mode === i);
      if (!t || !s) return;
      const told = (t.remarks || []).slice(1).map(x => x[1]).concat(t.rows.filter(x => !x.bars).slice(0, 2).map(x => x.label.trim())).join("; ");
      body.append(element("tr", {}, element("th", {scope: "row"}, swatch(s), name(s.label)), element("td", {class: "left"}, t.phase >= 0 ? name(run.phases[t.phase].name) : ""),
        element("td", {}, element("button", {type: "button", class: "open", "data-trace": t.id, onclick: () => openTrace(r, t.id, "")}, latency(t.response))),
        element("td", {}, latency(Math.max(...run.cells.filter(c => c.mode === i).flatMap(c => c.max)))), element("td", {class: "left wide"}, longest(t), element("span", {class: "reason"}, told))));
    });
  });
  if (!body.children.length) return null;
  section.append(element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "slow requests"}, element("table", {class: "slow"}, element("thead", {}, element("tr", {},
    ...["mode", "phase", "took", "slowest of all", "mostly"].map((x, i) => element("th", {scope: "col", class: i === 2 || i === 3 ? false : "left"}, x)))), body)));
  return {section, draw() {}};
}

// leftOut says that traces are not on the page.
function leftOut(n) { return count(n) + (n === 1 ? " more trace was kept and has" : " more traces were kept and have") + " no room on this page: loadgen trace --list has all."; }

// longest says what took most of the time: waiting for a connection, and the spans below the server's.
function longest(t) {
  const pool = t.rows.map(x => /([0-9.]+ (?:µs|ms|s)) for a connection/.exec(x.label)).find(x => x);
  const spans = t.rows.filter(x => x.bars && x.layer !== "server" && !/^(GET|HEAD|POST|PUT|PATCH|DELETE) /.test(x.label.trim()))
    .map(x => ({label: x.label.trim(), took: x.bars.reduce((sum, b) => sum + b[1], 0)})).filter(x => x.took > 0).sort((a, b) => b.took - a.took).slice(0, 3);
  return (pool ? ["a connection of the pool " + pool[1]] : []).concat(spans.map(x => x.label + " " + latency(x.took))).join(", ");
}
