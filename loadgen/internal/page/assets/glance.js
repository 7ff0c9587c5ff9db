// How sure the figures are: of each mode the middle of the rounds, and its interval.

const farthest = 5; // times the greatest value is how far the axis goes for the ends of intervals: of two rounds they may be anywhere
const longestKept = 60e6; // the greatest time that is recorded

function glance() {
  const figure = () => state.metric === "max" ? "p99" : state.metric;
  const c = still(chart("sure", "At a glance, and how sure", "A dot is the middle of the rounds' percentiles (of blocks of time, if there is one round), and its bar the interval that has the true middle in 95% of such runs. " +
    "Hollow: of all requests together, with no interval; ≥: of fewer than the percentile takes, so no more than their greatest. The ratio is to the first mode, with its interval; ~ where it cannot be told from 1.", rows));
  c.controls.append(choice("percentile", ["p50", "p95", "p99"].map(m => [m, m]), figure, m => { state.metric = m; changed("metric"); }));
  const q = {p50: 0.5, p95: 0.95, p99: 0.99};

  // lineOf is what is known of a mode in a phase.
  function lineOf(s, p) {
    const cell = cellOf(state.data, s, p.name);
    if (!cell) return null;
    const interval = (cell.intervals || {})[figure()], ratio = (cell.ratios || {})[figure()];
    const all = (cell.quantiles || []).find(x => x[0] === q[figure()]);
    if (!interval && !all) {
      const n = cell.n.reduce((a, b) => a + b, 0);
      return n ? {s, value: Math.max(...cell.max), few: n} : null;
    }
    const differs = ratio && (ratio[1] > 1 || ratio[2] < 1);
    return {s, value: interval ? interval[0] : all[1], interval, ratio: !ratio ? "" : differs ? within(ratio) : "~"};
  }

  function textOf(l) {
    if (l.few) return atLeast + latency(l.value) + " of " + count(l.few);
    if (!l.interval) return latency(l.value);
    return latency(l.value) + " [" + latency(l.interval[1]) + ", " + (l.interval[2] > longestKept ? "60 s or more" : latency(l.interval[2])) + "]";
  }

  function rows() {
    const body = [];
    for (const p of state.layout.phases) for (const s of state.series.filter(visible)) {
      const l = lineOf(s, p);
      if (l) body.push([p.name + ", " + s.label, textOf(l), l.ratio || none]);
    }
    return {columns: ["phase, mode", figure(), "to the first"], body};
  }

  function rowOf(l) {
    return {label: [swatch(l.s), name(l.s.label)], bar: l.interval && {from: l.interval[1], to: l.interval[2], color: l.s.color}, dot: {x: l.value, color: l.s.color, hollow: !l.interval}, value: textOf(l), note: l.ratio};
  }

  function draw() {
    const groups = state.layout.phases.map(p => ({p, lines: state.series.filter(visible).map(s => lineOf(s, p)).filter(x => x)})).filter(g => g.lines.length);
    const values = groups.flatMap(g => g.lines.map(l => Math.max(l.value, 1))), near = x => Math.min(Math.max(x, Math.min(...values) / farthest), Math.max(...values) * farthest);
    if (!values.length) return c.host.replaceChildren();
    const ends = values.concat(groups.flatMap(g => g.lines.flatMap(l => l.interval ? l.interval.slice(1).map(near) : [])));
    const to = state.series.length > 1 ? element("span", {}, "to ", name(state.series[0].label)) : "";
    c.host.replaceChildren(dots(logAxis(ends, 1.15, decades(1, 1e9), tick), [figure(), to], groups.map(g => ({title: g.p.name, about: g.p.load, rows: g.lines.map(rowOf)}))));
  }
  onChange(what => { if (what !== "zoom") draw(); });
  return {section: c.section, draw};
}
