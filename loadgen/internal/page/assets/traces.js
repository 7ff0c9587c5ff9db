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

// nameTraces makes buttons of the ids in the report's tables that are of traces on this page; tables have the first digits of an id.
function nameTraces() {
  state.data.runs.forEach((run, r) => {
    for (const cell of document.querySelectorAll("section.report td")) {
      const t = /^[0-9a-f]{8}$/.test(cell.textContent) && (run.traces || []).find(x => x.id.startsWith(cell.textContent));
      if (t) cell.replaceChildren(element("button", {type: "button", class: "open", onclick: () => openTrace(r, t.id, "")}, cell.textContent));
    }
  });
}

// slowest lists the slowest request of each mode whose trace was kept, and what it waited for, beside the slowest of all.
function slowest() {
  const all = state.series.filter(s => !s.steps).map(s => ({s, run: state.data.runs[s.run], peak: peakOf(s)})).filter(x => x.peak);
  if (!all.length || state.data.live) return null;
  const left = state.data.runs.reduce((n, run) => n + (run.noTraces || 0), 0), traced = state.data.runs.some(run => (run.traces || []).length);
  const about = traced ? "Of the requests that were traced, which are a sample, the slowest of each mode, beside the slowest of all. Each opens as a waterfall; the heat map has the others."
    : "No request was traced, so that nothing is known of what one waited for but its send lag. Of a service that sends spans, loadgen run --otlp-listen keeps traces.";
  const section = element("section", {class: "drawn", "aria-labelledby": "slowest"}, element("h2", {id: "slowest"}, "What slow requests waited for"),
    element("p", {class: "note"}, about + (left ? " " + leftOut(left) : "")));
  const body = element("tbody", {}, ...all.map(({s, run, peak}) => {
    const t = (run.traces || []).filter(x => x.mode === s.mode && x.response).sort((a, b) => b.response - a.response)[0];
    return element("tr", {}, element("th", {scope: "row"}, swatch(s), name(s.label)), element("td", {class: "left"}, name(t && t.phase >= 0 ? run.phases[t.phase].name : t ? "" : peak.phase)),
      element("td", {"data-title": "took "}, t ? element("button", {type: "button", class: "open", "data-trace": t.id, onclick: () => openTrace(s.run, t.id, "")}, latency(t.response)) : none),
      element("td", {"data-title": "slowest of all "}, latency(peak.took)), element("td", {class: "left wide"}, ...t ? [longest(t), element("span", {class: "reason"}, remarksOf(t))]
        : [element("span", {class: "reason"}, "No trace was kept. p99 of the send lag in the second of the slowest: " + (peak.lag === null ? none : latency(peak.lag)))]));
  }));
  section.append(element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "slow requests"}, element("table", {class: "slow"}, element("thead", {}, element("tr", {},
    ...["mode", "phase", "took", "slowest of all", "mostly"].map((x, i) => element("th", {scope: "col", class: i === 2 || i === 3 ? false : "left"}, x)))), body)));
  return {section, draw() {}};
}

// peakOf is how long the slowest request of a series took, its phase, and p99 of the send lag of the requests that were due in the same second; null if there was none.
function peakOf(s) {
  let peak = null;
  for (const p of state.layout.phases) {
    const cell = cellOf(state.data, s, p.name);
    if (cell) cell.max.forEach((took, i) => { if (cell.n[i] && (!peak || took > peak.took)) peak = {took, phase: p.name, lag: cell.lagN[i] ? cell.lag[i] : null}; });
  }
  return peak;
}

// remarksOf are what its waterfall says of a trace in words.
function remarksOf(t) {
  return (t.remarks || []).slice(1).map(x => x[1]).concat(t.rows.filter(x => !x.bars).slice(0, 2).map(x => x.label.trim().replace(/^· /, ""))).join("; ");
}

// leftOut says that traces are not on the page.
function leftOut(n) { return count(n) + (n === 1 ? " more trace was kept and has" : " more traces were kept and have") + " no room on this page: loadgen trace --list has all."; }

// longest says what took most of the time: waiting for a connection, the spans below the server's, and what no span of those has.
function longest(t) {
  const pool = t.rows.map(x => /([0-9.]+ (?:µs|ms|s)) for a connection/.exec(x.label)).find(x => x);
  const parts = t.rows.filter(x => x.bars && !isServer(x) && !isRequest(x)).map(x => ({label: x.label.trim(), took: x.bars.reduce((sum, b) => sum + b[1], 0)}));
  const most = parts.concat({label: "the app itself", took: itself(t)}).filter(x => x.took > 0 && !(pool && x.label.startsWith("pool wait"))).sort((a, b) => b.took - a.took).slice(0, 3);
  return (pool ? ["a connection of the pool " + pool[1]] : []).concat(most.map(x => x.label + " " + latency(x.took))).join(", ");
}

function isRequest(row) { return /^(GET|HEAD|POST|PUT|PATCH|DELETE) /.test(row.label.trim()); }

function isServer(row) { return row.layer === "server"; }

// itself is how long servers worked on a request while none of the spans below them went on.
function itself(t) {
  const spans = of => t.rows.filter(x => x.bars && of(x)).flatMap(x => x.bars);
  const below = spans(x => !isServer(x) && !isRequest(x)).sort((a, b) => a[0] - b[0]);
  return spans(isServer).slice(0, 1).reduce((sum, [start, took]) => {
    let free = 0, at = start;
    for (const [from, length] of below) {
      free += Math.max(Math.min(from, start + took) - at, 0);
      at = Math.max(at, Math.min(from + length, start + took));
    }
    return sum + free + Math.max(start + took - at, 0);
  }, 0);
}
