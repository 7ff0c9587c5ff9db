// The page: what is drawn, in the order in which it is read.

// metrics are the percentiles that lines show, as shares.
const metrics = {p50: 0.5, p95: 0.95, p99: 0.99, max: 0};

function latencyPoint(cell, i) {
  if (!cell.n[i]) return null;
  const y = cell[state.second][i], few = cell.n[i] < samples(metrics[state.second]);
  return {y: Math.max(y, 1), few, text: (few ? atLeast : "") + latency(y) + " of " + count(cell.n[i])};
}

// secondsEnough is the share of seconds that have enough requests for a percentile.
function secondsEnough(metric) {
  const all = state.data.runs.flatMap(r => r.cells.flatMap(c => c.n.filter(n => n > 0)));
  return all.filter(n => n >= samples(metrics[metric])).length / Math.max(all.length, 1);
}

// enough is whether all requests of a cell together are enough for a percentile.
function enough(cell, metric) { return cell !== undefined && cell.n.reduce((a, b) => a + b, 0) >= samples(metrics[metric]); }

function lagPoint(cell, i) {
  if (!cell.lagN[i]) return null;
  const few = cell.lagN[i] < samples(0.99);
  return {y: Math.max(cell.lag[i], 1), few, text: (few ? atLeast : "") + latency(cell.lag[i])};
}

// perSecond makes the points of a count: the mean of the rounds, in a second.
function perSecond(of, render, rate) {
  return (cell, i, s) => {
    const all = of(cell);
    if (!all) return null;
    const width = state.data.runs[s.run].width || 1, left = cell.took / cell.rounds / 1e6 - cell.at[i]; // the last second is a part of one
    const y = all[i] / (cell.seen ? cell.seen[i] : cell.rounds) / (rate && left > 0.05 ? Math.min(left, width) : width);
    return {y, few: false, text: render(y)};
  };
}

// switched is a chart of lines over time that shows one of several figures.
function switched(o, label, kinds, ticks) {
  let kind = Object.keys(kinds)[0];
  return lines({...o, tick: x => (ticks[kind] || amount)(x), of: (cell, i, s) => kinds[kind](cell, i, s), controls: () => [choice(label, Object.keys(kinds).map(k => [k, k]), () => kind, k => { kind = k; changed("kind"); })]});
}

function cpuPoint(cell, i, s) {
  const run = state.data.runs[s.run], of = (run.drivers || []).filter(d => d.phase === cell.phase && (d.mode === s.name || d.mode === "mix"));
  const shares = of.map(d => d.cpus ? d.cpus[cell.at[i]] : d.cpu).filter(x => x !== undefined);
  if (!shares.length) return null;
  const y = shares.reduce((a, b) => a + b) / shares.length;
  return {y: y * 100, few: false, text: percent(y)};
}

// missed reports whether a page was found missing or too old, which a run under way does not know yet.
function missed() { return state.data.live || state.data.runs.some(run => run.cells.some(c => (c.expiries || []).length > 0)); }

function timeCharts() {
  const metric = () => [choice("percentile", Object.keys(metrics).map(m => [m, m]), () => state.second, m => { state.second = m; changed("second"); })];
  const all = [lines({id: "latency", title: "Response time over time", log: true, expiries: true, traces: true, tick, of: latencyPoint, controls: metric,
    about: "Of the requests that were due in each second, all rounds together, by the time since the phase began. Hollow: of fewer requests than the percentile takes, so no more than their " +
      "greatest." + (missed() ? " Marks at the bottom: a page was found missing or too old." : "") + (traced() ? " Diamonds: requests whose trace was kept; a click, or Enter, opens it." : "") + " Drag, or + and −, to zoom all charts; double click, or 0, for all."})];
  return all;
}

function otherCharts() {
  const counted = state.data.runs.some(r => r.cells.some(c => c.scheduled)) || state.data.live;
  const each = x => amount(x) + "/s", rate = {done: perSecond(c => c.done || c.n, y => digits(y) + "/s", true)};
  if (counted) {
    rate.offered = perSecond(c => c.scheduled, y => digits(y) + "/s", true);
    rate.failed = perSecond(c => c.failed, y => digits(y) + "/s", true);
  }
  const all = [switched({id: "rates", title: "Offered and done", about: counted
    ? "Requests a second: responses that were complete in it, requests that were due in it, and those of them that failed. The mean of the rounds."
    : "Requests a second that were due in it and had an answer. The run is of a program that did not count those that were due."}, "requests", rate, {done: each, offered: each, failed: each})];
  const some = state.data.live || state.data.runs.some(r => r.cells.some(c => [c.recomputes, c.waited, c.wait].some(of => (of || []).some(x => x > 0))));
  if (counted && some) {
    const kinds = {recomputes: perSecond(c => c.recomputes, digits), waiters: perSecond(c => c.waited, digits), "pool wait": perSecond(c => c.wait && c.wait.map(x => x / 1000), y => digits(y) + " ms")};
    const of = {recomputes: "recomputes", waiters: "waited", "pool wait": "wait"};
    for (const k of Object.keys(kinds)) if (!state.data.live && !state.data.runs.some(r => r.cells.some(c => (c[of[k]] || []).some(x => x > 0)))) delete kinds[k]; // there was nothing of it
    all.push(switched({id: "recomputes", title: "Recomputes, waiting and the pool", about: "In each second, the mean of the rounds: responses that recomputed their page, responses that " +
      "waited for the recompute of another, and the milliseconds that requests waited for a database connection, in all. Refreshes in the background are in none: no response reports them."}, "figure",
    kinds, {"pool wait": ms => tick(ms * 1000)}));
  }
  all.push(lines({id: "lag", title: "Send lag", log: true, tick, of: lagPoint, about: "p99, by second, of the time from when a request was due until it was sent. Where it is high, the generator or a lack of connections made requests wait: it is in the response time."}));
  if (state.data.runs.some(r => r.drivers)) {
    all.push(lines({id: "cpu", title: "The generator's CPU", least: 100, tick: t => t + "%", of: cpuPoint, about: "The share of the processors that the generator itself used. Near 100% it measures itself."}));
  }
  return all;
}

function build(data) {
  state.data = data;
  state.series = seriesOf(data);
  state.layout = layoutOf(data);
  state.zoom = null;
  const host = document.getElementById("charts");
  nameTraces();
  for (const b of document.querySelectorAll("button[data-trace]")) b.addEventListener("click", () => openTrace(0, b.dataset.trace, ""));
  if (!host) return;
  if (data.ab && data.ab.endpoints && data.ab.endpoints.length) {
    const drawn = epochs();
    host.append(drawn.section);
    drawn.draw();
  }
  if (data.ab) host.append(armTraces() || "");
  if (state.series.length > 0) drawAll(host);
  contents();
}

// contents lists the headings, for who looks for one: what a mode costs is in a table far below. A page whose run goes on gets more of them.
function contents() {
  if (state.data.live) return;
  const links = [...document.querySelectorAll("main h2")].map((h, i) => {
    h.id = h.id || "section-" + i;
    return element("a", {href: "#" + h.id}, name(h.textContent));
  });
  document.querySelector("main header").append(element("details", {class: "contents"}, element("summary", {}, "Contents"), element("nav", {"aria-label": "Contents"}, ...links)));
}

// drawAll makes all charts. A page whose run goes on has none before something is measured.
function drawAll(host) {
  const places = state.series.flatMap(s => state.layout.phases.map(p => cellOf(state.data, s, p.name))).filter(cell => cell), named = ["p99", "p95", "p50"];
  state.metric = named.find(m => places.filter(cell => (cell.intervals || {})[m]).length >= places.length / 2) || named.find(m => places.some(cell => enough(cell, m))) || "p99";
  state.second = ["p99", "p95"].find(m => secondsEnough(m) > 0.5) || "p50";
  const charts = [glance(), staleness(), slowest(), ...timeCharts(), heatMap(), percentiles(), ...otherCharts(), predictions()].filter(c => c);
  host.replaceChildren(legend(), ...charts.map(c => c.section));
  for (const c of charts) c.draw();
}

// refresh shows what has come since.
function refresh(data) {
  const known = state.series.length;
  state.series = seriesOf(data);
  state.layout = layoutOf(data);
  if (known === state.series.length) {
    changed("data");
    return;
  }
  state.listeners = []; // there are new modes: the controls are made anew
  drawAll(document.getElementById("charts"));
}

// Colours of the theme are drawn: they change with it, and paper has its own.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => changed("theme"));
addEventListener("beforeprint", () => {
  document.documentElement.dataset.theme = "print";
  for (const d of document.querySelectorAll("details:not(.figures):not([open])")) [d.open, d.dataset.closed] = [true, "true"];
  changed("theme");
});
addEventListener("afterprint", () => {
  delete document.documentElement.dataset.theme;
  for (const d of document.querySelectorAll("details[data-closed]")) { d.open = false; delete d.dataset.closed; }
  changed("theme");
});

load().then(data => { build(data); if (data.live) (data.live.test ? liveTest : live)(data); }).then(() => { document.documentElement.dataset.ready = "true"; });
