// Percentiles of a phase on a logarithmic axis of what is beyond them, all modes over each other.

function percentiles() {
  let phase = state.layout.phases.reduce((a, b) => b.length > a.length ? b : a).name, plot = null, shown = [], tip = null;
  const c = chart("percentiles", "Percentiles", "Of all requests of a phase, all rounds together, from p50 to p99.99 as far as there are enough of them: a line ends where fewer than one request would be beyond it.", rows);
  const label = q => "p" + +(q * 100).toFixed(3);
  if (state.layout.phases.length > 1) c.controls.append(choice("phase", state.layout.phases.map(p => [p.name, p.name]), () => phase, p => { phase = p; changed("phase"); }));
  const marks = [0.5, 0.9, 0.95, 0.99, 0.999, 0.9999];

  function cells() {
    return state.series.filter(visible).map(s => ({s, cell: cellOf(state.data, s, phase)})).filter(x => x.cell && x.cell.quantiles);
  }

  function rows() {
    const all = cells();
    return {columns: ["percentile, " + phase, ...all.map(x => x.s.label)], body: marks.map(q => [label(q), ...all.map(({cell}) => {
      const at = cell.quantiles.find(x => Math.abs(x[0] - q) < 1e-9);
      return at ? latency(at[1]) : none;
    })])};
  }

  function draw() {
    shown = cells();
    const all = [...new Set(shown.flatMap(({cell}) => cell.quantiles.map(q => q[0])))].sort((a, b) => a - b);
    const beyond = q => Math.log10(1 / (1 - q));
    const values = [all.map(beyond), ...shown.map(({cell}) => { const at = new Map(cell.quantiles); return all.map(q => at.has(q) ? Math.max(at.get(q), 1) : null); })];
    const ticks = {stroke: color("ink-2"), grid: {stroke: color("line"), width: 1}, ticks: {stroke: color("line"), width: 1}, font: "12px system-ui, sans-serif"};
    const shownMarks = marks.filter(q => q <= (all.length ? all[all.length - 1] : 0.9999) + 1e-9);
    if (plot) plot.destroy();
    plot = new uPlot({
      width: Math.max(c.host.clientWidth, 200), height: c.host.clientWidth < 500 ? 220 : 280, legend: {show: false},
      series: [{}, ...shown.map(({s}) => ({label: s.label, stroke: s.color, dash: s.dash, width: s.run > 0 ? 1 : 1.75, spanGaps: true, points: {show: false}}))],
      scales: {x: {time: false, range: () => [beyond(0.5), beyond(all.length ? all[all.length - 1] : 0.9999) + 0.02]}, y: {distr: 3, log: 10, range: logRange}},
      axes: [{...ticks, splits: () => shownMarks.map(beyond), values: () => shownMarks.map(label), size: 28, filter: (u, s) => s}, {...ticks, size: 64, splits: logSplits, filter: (u, s) => s, values: (u, t) => t.map(x => x === null ? "" : tick(x))}],
      cursor: {drag: {x: false, y: false}, points: {show: false}}, hooks: {setCursor: [u => hover(u, all)]},
    }, values, c.host);
    tip = element("div", {class: "tip", "aria-hidden": "true", hidden: true});
    plot.over.append(tip);
  }

  function hover(u, all) {
    const i = u.cursor.idx;
    tip.hidden = i === null || i === undefined || u.cursor.left < 0;
    if (tip.hidden) return;
    const found = shown.map(({s}, j) => ({s, y: u.data[j + 1][i]})).filter(x => x.y !== null).sort((a, b) => b.y - a.y);
    tip.replaceChildren(element("strong", {}, label(all[i])), ...found.map(({s, y}) => element("div", {}, swatch(s), name(s.label), element("span", {}, latency(y)))));
    const right = u.cursor.left > u.over.clientWidth / 2;
    tip.style.left = right ? "" : u.cursor.left + 14 + "px";
    tip.style.right = right ? u.over.clientWidth - u.cursor.left + 14 + "px" : "";
    if (document.activeElement === c.host) c.readout.textContent = label(all[i]) + ": " + found.map(({s, y}) => s.label + " " + latency(y)).join("; ");
  }

  c.host.addEventListener("keydown", e => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[e.key];
    if (!step || !plot) return;
    e.preventDefault();
    const i = Math.min(Math.max((plot.cursor.idx ?? -1) + step, 0), plot.data[0].length - 1);
    plot.setCursor({left: plot.valToPos(plot.data[0][i], "x"), top: 10});
  });
  onChange(what => { if (!["zoom", "metric", "second"].includes(what)) draw(); });
  new ResizeObserver(() => { if (plot && Math.abs(plot.width - c.host.clientWidth) > 1) plot.setSize({width: Math.max(c.host.clientWidth, 200), height: plot.height}); }).observe(c.host);
  return {section: c.section, draw};
}
