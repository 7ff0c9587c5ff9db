// How sure the figures are: of each mode the middle of the rounds, and its interval.

const farthest = 5; // times the greatest value is how far the axis goes for the ends of intervals: of two rounds they may be anywhere
const longestKept = 60e6; // the greatest time that is recorded

function glance() {
  const figure = () => state.metric === "max" ? "p99" : state.metric, several = state.data.runs.length > 1;
  const c = still(chart("sure", "At a glance, and how sure", "", rows));
  c.controls.append(choice("percentile", ["p50", "p95", "p99"].map(m => [m, m]), figure, m => { state.metric = m; changed("metric"); }));
  const q = {p50: 0.5, p95: 0.95, p99: 0.99};

  // shown are the series in the order in which they are read: of several runs those of a mode beside each other.
  function shown() {
    const all = state.series.filter(visible);
    return several ? all.sort((a, b) => state.series.findIndex(x => x.name === a.name) - state.series.findIndex(x => x.name === b.name) || a.run - b.run) : all;
  }

  // lineOf is what is known of a mode in a phase.
  function lineOf(s, p) {
    const cell = cellOf(state.data, s, p.name);
    if (!cell) return null;
    const interval = (cell.intervals || {})[figure()], ratio = (cell.ratios || {})[figure()];
    const found = (cell.quantiles || []).find(x => x[0] === q[figure()]), all = found && found[1];
    if (!interval && all === undefined) {
      const n = cell.n.reduce((a, b) => a + b, 0);
      return n ? {s, value: Math.max(...cell.max), few: n, rounds: cell.rounds} : null;
    }
    const differs = ratio && (ratio[1] > 1 || ratio[2] < 1);
    return {s, value: interval ? interval[0] : all, all, interval, rounds: cell.rounds, ratio: !ratio ? "" : differs ? within(ratio) : "~"};
  }

  function textOf(l) {
    if (l.few) return atLeast + latency(l.value) + " of " + count(l.few);
    if (!l.interval) return "no interval";
    return latency(l.value) + " [" + latency(l.interval[1]) + ", " + (l.interval[2] > longestKept ? "60 s or more" : latency(l.interval[2])) + "]";
  }

  function allOf(l) { return l.all === undefined ? none : latency(l.all); }

  function rows() {
    const body = [];
    for (const p of state.layout.phases) for (const s of shown()) {
      const l = lineOf(s, p);
      if (l) body.push([p.name + ", " + s.label, allOf(l), textOf(l), l.ratio || none]);
    }
    return {columns: ["phase, mode", figure() + " of all requests", "of a round", "to the first"], body};
  }

  // explained says what is drawn, and no more than that.
  function explained(all) {
    const few = atLeast + ": the greatest that was seen, of fewer requests than the percentile takes.";
    if (state.data.live) {
      c.note.textContent = "The percentile of all requests so far. Intervals, which are by rounds, come with the report." + (all.some(l => l.few) ? " " + few : "");
      return;
    }
    const first = state.series[0], text = [figure() + " of all: of all requests together, as the tables have it."], rounds = all.some(l => l.rounds > 1);
    if (all.some(l => l.interval)) text.push("A dot is the middle of the " + (rounds ? "rounds'" : "percentiles of blocks of time") + (rounds ? " percentiles" : "") + ", and its bar the interval that has the true middle in 95% of such runs: the worst " +
      (rounds ? "rounds" : "blocks") + " give the most to all requests together, which may be outside of it.");
    if (all.some(l => !l.interval && !l.few)) {
      text.push(rounds || all.some(l => l.interval) ? "Hollow: without an interval, as fewer than two rounds have requests enough." : "Hollow: one round has no intervals, so that nothing here shows one mode to be faster than another; loadgen run --rounds 3 gives them.");
    }
    if (all.some(l => l.few)) text.push(few);
    if (all.some(l => l.ratio)) text.push("The ratio is to " + (several ? "the same mode of " + state.data.runs[0].label : first.label) + ", with its interval; ~: it cannot be told from 1.");
    c.note.textContent = text.join(" ");
  }

  // rowOf is a line as it is drawn. Where nothing has an interval, there is no column for what would have.
  function rowOf(l, sure) {
    return {label: [swatch(l.s), name(l.s.label)], bar: l.interval && {from: l.interval[1], to: l.interval[2], color: l.s.color}, dot: {x: l.value, color: l.s.color, hollow: !l.interval}, value: sure || l.few ? textOf(l) : allOf(l),
      note: l.ratio, also: sure ? allOf(l) : ""};
  }

  function draw() {
    const groups = state.layout.phases.map(p => ({p, lines: shown().map(s => lineOf(s, p)).filter(x => x)})).filter(g => g.lines.length);
    const all = groups.flatMap(g => g.lines), values = all.map(l => Math.max(l.value, 1)), near = x => Math.min(Math.max(x, Math.min(...values) / farthest), Math.max(...values) * farthest);
    if (!values.length) return c.host.replaceChildren();
    explained(all);
    const ends = values.concat(all.flatMap(l => l.interval ? l.interval.slice(1).map(near) : []));
    const sure = all.some(l => l.interval), titles = sure ? ["middle of " + (all.some(l => l.rounds > 1) ? "rounds" : "blocks"), figure() + " of all"] : [figure() + " of all", ""];
    const to = all.some(l => l.ratio) ? element("span", {}, "to ", name(several ? state.data.runs[0].label : state.series[0].label)) : "";
    c.host.replaceChildren(dots(logAxis(ends, 1.15, decades(1, 1e9), tick), [titles[0], to, titles[1]], groups.map(g => ({title: g.p.name, about: g.p.load, rows: g.lines.map(l => rowOf(l, sure))}))));
  }
  onChange(what => { if (what !== "zoom") draw(); });
  return {section: c.section, draw};
}
