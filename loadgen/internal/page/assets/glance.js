// How sure the figures are: of each mode the middle of the rounds, and its interval.

function glance() {
  const figure = () => state.metric === "max" ? "p99" : state.metric;
  const c = chart("sure", "At a glance, and how sure", "A dot is the middle of the rounds' percentiles (of blocks of time, if there is one round), and its bar the interval that has the true middle in 95% of such runs. " +
    "Hollow: of all requests together, with no interval; ≥: of fewer than the percentile takes, so no more than their greatest. The ratio is to the first mode, with its interval; ~ where it cannot be told from 1.", rows);
  c.host.removeAttribute("tabindex");
  c.host.setAttribute("role", "img");
  c.host.removeAttribute("aria-roledescription");
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
    return {s, value: interval ? interval[0] : all[1], interval, ratio: !ratio ? "" : differs ? times(ratio[0]) + " [" + times(ratio[1]).slice(0, -1) + ", " + times(ratio[2]).slice(0, -1) + "]" : "~"};
  }

  function textOf(l) {
    if (l.few) return atLeast + latency(l.value) + " of " + count(l.few);
    return latency(l.value) + (l.interval ? " [" + latency(l.interval[1]) + ", " + latency(l.interval[2]) + "]" : "");
  }

  function rows() {
    const body = [];
    for (const p of state.layout.phases) for (const s of state.series.filter(visible)) {
      const l = lineOf(s, p);
      if (l) body.push([p.name + ", " + s.label, textOf(l), l.ratio || none]);
    }
    return {columns: ["phase, mode", figure(), "to the first"], body};
  }

  function draw() {
    const groups = state.layout.phases.map(p => ({p, lines: state.series.filter(visible).map(s => lineOf(s, p)).filter(x => x)})).filter(g => g.lines.length);
    const ends = groups.flatMap(g => g.lines.flatMap(l => l.interval ? [l.interval[1], l.interval[2]] : [l.value]));
    const low = Math.min(...ends) / 1.15, high = Math.max(...ends) * 1.15;
    const place = us => (Math.log10(us) - Math.log10(low)) / (Math.log10(high) - Math.log10(low)) * 1000;
    const table = element("div", {class: "glance"}), scale = element("div", {class: "plot scale"}), first = state.series[0].label;
    for (let d = Math.ceil(Math.log10(low)); d <= Math.log10(high); d++) {
      const mark = element("span", {}, tick(10 ** d));
      mark.style.left = place(10 ** d) / 10 + "%";
      scale.append(mark);
    }
    table.append(element("div", {class: "row scales"}, element("div", {class: "mode"}), scale, element("div", {class: "value"}, figure()), element("div", {class: "ratio"}, state.series.length > 1 ? "to " : "", state.series.length > 1 ? name(first) : "")));
    for (const g of groups) {
      table.append(element("div", {class: "phase"}, element("strong", {}, name(g.p.name)), " ", element("span", {}, g.p.load)));
      for (const l of g.lines) {
        const plot = svg("svg", {viewBox: "0 0 1000 18", preserveAspectRatio: "none"});
        for (let d = Math.ceil(Math.log10(low)); d <= Math.log10(high); d++) plot.append(svg("line", {x1: place(10 ** d), x2: place(10 ** d), y1: 0, y2: 18, class: "decade"}));
        if (l.interval) plot.append(svg("line", {x1: place(l.interval[1]), x2: place(l.interval[2]), y1: 9, y2: 9, stroke: l.s.color, "stroke-width": 4, "stroke-opacity": 0.45, "vector-effect": "non-scaling-stroke"}));
        const dot = element("span", {class: "dot" + (l.interval ? "" : " hollow")});
        dot.style.left = place(l.value) / 10 + "%";
        dot.style.borderColor = l.s.color;
        if (l.interval) dot.style.background = l.s.color;
        table.append(element("div", {class: "row"}, element("div", {class: "mode"}, swatch(l.s), name(l.s.label)), element("div", {class: "plot"}, plot, dot),
          element("div", {class: "value"}, textOf(l)), element("div", {class: "ratio"}, l.ratio)));
      }
    }
    c.host.replaceChildren(table);
  }
  onChange(what => { if (what !== "zoom") draw(); });
  return {section: c.section, draw};
}
