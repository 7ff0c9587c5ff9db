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
  const left = state.data.runs.reduce((n, run) => n + (run.noTraces || 0), 0);
  const about = traced() ? "Of the requests that were traced, which are a sample, the slowest of each mode, beside the slowest of all. Each opens as a waterfall; the heat map has the others."
    : "No request was traced, so that nothing is known of what one waited for but its send lag. Of a service that sends spans, loadgen run --otlp-listen keeps traces.";
  const section = element("section", {class: "drawn", "aria-labelledby": "slowest"}, element("h2", {id: "slowest"}, "What slow requests waited for"),
    element("p", {class: "note"}, about + (left ? " " + leftOut(left) : "")));
  const body = element("tbody", {}, ...all.map(({s, run, peak}) => {
    const t = (run.traces || []).filter(x => x.mode === s.mode && x.response).sort((a, b) => b.response - a.response)[0];
    return element("tr", {}, element("th", {scope: "row"}, swatch(s), name(s.label)), element("td", {class: "left"}, name(t && t.phase >= 0 ? run.phases[t.phase].name : t ? "" : peak.phase)),
      element("td", {"data-title": "took "}, t ? element("button", {type: "button", class: "open", "data-trace": t.id, onclick: () => openTrace(s.run, t.id, "")}, latency(t.response)) : none),
      element("td", {"data-title": "slowest of all "}, latency(peak.took)), element("td", {class: "left wide"}, ...t ? [longest(t), element("span", {class: "reason"}, ...linked(s.run, remarksOf(t)))]
        : [element("span", {class: "reason"}, "No trace was kept. p99 of the send lag in the second of the slowest: " + (peak.lag === null ? none : latency(peak.lag)))]));
  }));
  section.append(element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": "slow requests"}, element("table", {class: "slow"}, element("thead", {}, element("tr", {},
    ...["mode", "phase", "took", "slowest of all", "of which"].map((x, i) => element("th", {scope: "col", class: i === 2 || i === 3 ? false : "left"}, x)))), body)));
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
  return (t.remarks || []).slice(1).map(x => x[1]).concat(t.rows.filter(x => !x.bars).slice(0, 2).map(x => x.label.trim().replace(/^· (\S+ \S+) +/, "at $1: "))).join("; ");
}

// leftOut says that traces are not on the page.
function leftOut(n) { return count(n) + (n === 1 ? " more trace was kept and has" : " more traces were kept and have") + " no room on this page: loadgen trace --list has all."; }

// longest says what the time of a trace was spent on: each moment until the client had its answer, or stopped waiting, is that of the deepest span that goes on.
function longest(t) {
  const sums = new Map(), to = t.response || Infinity;
  const add = (what, took) => sums.set(what, (sums.get(what) || 0) + took);
  t.rows.forEach((row, i) => {
    for (const [start, took] of row.bars || []) add(spentOn(t, row, i), alone(t, i, Math.max(start, 0), Math.min(start + took, to)));
  });
  const pool = t.rows.map(x => /([0-9.]+) (µs|ms|s) for a connection/.exec(x.label)).find(x => x);
  if (pool && !sums.has(poolWait)) { // no span has it: it was before the queries, in what computed the page
    const wait = Math.min(pool[1] * {"µs": 1, ms: 1e3, s: 1e6}[pool[2]], sums.get(itself) || 0);
    add(poolWait, wait);
    add(itself, -wait);
  }
  const all = [...sums.entries()].sort((a, b) => b[1] - a[1]), sum = all.reduce((n, x) => n + x[1], 0);
  return all.filter(x => x[1] >= sum / 50 && x[1] > 0).slice(0, 4).map(([what, took]) => what + " " + latency(took)).join(" + ");
}

const itself = "the app itself", poolWait = "waiting for a connection of the pool", network = "network and the server's queue";

// spentOn names what a row of a trace is.
function spentOn(t, row, i) {
  const label = row.label.trim();
  if (row.layer === "sql") return "SQL";
  if (row.layer === "redis") return "Redis";
  if (label.startsWith("pool wait")) return poolWait;
  if (label.startsWith("wait to be sent")) return "waiting to be sent";
  if (/^cache (get|recompute|refresh)\b/.test(label)) return label.includes("coalesced") ? "waiting for another's recompute" : itself;
  if (i === 0 && isRequest(row)) return network;
  return row.layer === "server" && t.rows.findIndex(isServer) === i ? itself : label;
}

// alone is how much of a time below no deeper span of a row goes on.
function alone(t, i, from, to) {
  const depth = x => x.label.length - x.label.trimStart().length;
  let end = i + 1;
  while (end < t.rows.length && depth(t.rows[end]) > depth(t.rows[i])) end++;
  const below = t.rows.slice(i + 1, end).flatMap(x => x.bars || []).sort((a, b) => a[0] - b[0]);
  let free = 0, at = from;
  for (const [start, took] of below) {
    free += Math.max(Math.min(start, to) - at, 0);
    at = Math.max(at, Math.min(start + took, to));
  }
  return Math.max(free + to - Math.max(at, from), 0);
}

function isRequest(row) { return /^(GET|HEAD|POST|PUT|PATCH|DELETE) /.test(row.label.trim()); }

function isServer(row) { return row.layer === "server"; }

// traced reports whether there are traces to open.
function traced() { return state.data.runs.some(run => (run.traces || []).length > 0); }
