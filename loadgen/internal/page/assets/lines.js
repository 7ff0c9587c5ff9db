// Charts of lines over time: all modes over each other, by the time since their phase began.

// lines makes one. of(cell, i, run) returns a point {y, few, text} of a cell's second i, or null; log is whether its axis is logarithmic.
function lines(o) {
  const c = chart(o.id, o.title, o.about, rows);
  if (o.controls) c.controls.append(...o.controls());
  let plot = null, grid = null, tip = null;

  // points returns for each visible series its points by second of the axis.
  function points() {
    return state.series.filter(visible).map(s => {
      const at = new Map();
      for (const p of state.layout.phases) {
        const cell = cellOf(state.data, s, p.name);
        if (!cell) continue;
        cell.at.forEach((second, i) => {
          if (second >= p.length) return; // what came after the load had ended
          const x = o.of(cell, i, s);
          if (x) at.set(p.from + second, x);
        });
      }
      return {s, at};
    });
  }

  function rows() {
    const all = points();
    const body = [];
    for (const p of state.layout.phases) {
      for (let x = p.from; x < p.to; x += 1) {
        if (!all.some(({at}) => at.has(x))) continue;
        body.push([p.name + " " + (x - p.from) + " s", ...all.map(({at}) => at.has(x) ? at.get(x).text : none)]);
      }
    }
    return {columns: ["time", ...all.map(({s}) => s.label)], body};
  }

  function build() {
    const all = points();
    const width = Math.max(...state.data.runs.map(r => r.width || 1));
    const xs = [];
    for (const p of state.layout.phases) {
      for (let x = p.from; x < p.to; x += width) xs.push(x);
      xs.push(p.to - 0.001); // where no line goes on
    }
    const values = [xs.map(x => Number.isInteger(x) ? x + width / 2 : x)], series = [{}];
    for (const {s, at} of all) {
      const thin = s.run > 0 ? 1 : 1.75;
      values.push(xs.map(x => at.has(x) && !at.get(x).few ? at.get(x).y : null));
      series.push({label: s.label, stroke: s.color, dash: s.dash, width: thin, spanGaps: false, points: {show: (u, i) => true, size: 5, filter: lonely, fill: s.color}});
      values.push(xs.map(x => at.has(x) && at.get(x).few ? at.get(x).y : null));
      series.push({label: s.label + " few", stroke: s.color, paths: () => null, points: {show: true, size: 5, fill: color("paper")}});
    }
    grid = {xs, all, width};
    return {values, series};
  }

  // lonely are the points that no line joins with another, and all where there are few.
  function lonely(u, at) {
    const y = u.data[at], found = [];
    if (grid.xs.length < 40) return null;
    for (let i = 0; i < y.length; i++) if (y[i] !== null && (y[i - 1] ?? null) === null && (y[i + 1] ?? null) === null) found.push(i);
    return found;
  }

  function draw() {
    const {values, series} = build();
    const axis = {stroke: color("ink-2"), grid: {stroke: color("line"), width: 1}, ticks: {stroke: color("line"), width: 1}, font: "12px system-ui, sans-serif"};
    if (plot) plot.destroy();
    plot = new uPlot({
      width: Math.max(c.host.clientWidth, 200), height: c.host.clientWidth < 500 ? 220 : 280, series, legend: {show: false}, padding: [nameHeight, null, null, null],
      scales: {x: {time: false, range: () => zoomed()}, y: {distr: o.log ? 3 : 1, log: 10, range: o.log ? (u, min, max) => logRange(u, ...withKept(min, max)) : linearRange}},
      axes: [{...axis, splits: u => secondsOf(u.width, zoomed()).map(t => t.x), values: u => secondsOf(u.width, zoomed()).map(t => t.text), size: 28}, {...axis, size: 64, ...o.log ? {splits: logSplits, filter: (u, s) => s} : {}, values: (u, ticks) => ticks.map(t => t === null ? "" : o.tick(t))}],
      cursor: {drag: {x: true, y: false, setScale: false}, points: {show: false}},
      hooks: {drawClear: [bands], draw: [labels], setSelect: [select], setCursor: [hover], ready: [u => {
        u.over.addEventListener("dblclick", () => zoomTo(0, 0));
        u.over.addEventListener("click", e => openAt(u, e.offsetX, e.offsetY));
      }]},
    }, values, c.host);
    tip = element("div", {class: "tip", "aria-hidden": "true", hidden: true});
    plot.over.append(tip);
    span();
  }

  function linearRange(u, min, max) { return [0, Math.max(max || 0, o.least || 1) * 1.08]; }

  function select(u) {
    if (u.select.width < 4) return;
    const from = u.posToVal(u.select.left, "x"), to = u.posToVal(u.select.left + u.select.width, "x");
    u.setSelect({left: 0, width: 0, top: 0, height: 0}, false);
    zoomTo(from, to);
  }

  // span notes what is shown of the axis of time.
  function span() { [c.host.dataset.from, c.host.dataset.to] = zoomed(); }

  // bands draws phases, faults and expiries below the lines.
  function bands(u) {
    const g = u.ctx, {left, top, width, height} = u.bbox, ratio = devicePixelRatio;
    g.save();
    g.beginPath();
    g.rect(left, top, width, height);
    g.clip();
    g.font = 11 * ratio + "px system-ui, sans-serif";
    state.layout.phases.forEach((p, i) => {
      const a = u.valToPos(p.from, "x", true), b = u.valToPos(p.to, "x", true);
      if (i % 2) { g.fillStyle = color("band"); g.fillRect(a, top, b - a, height); }
      g.strokeStyle = color("line");
      g.strokeRect(a, top, 0.5, height);
    });
    faults(u, g, false);
    if (o.expiries) expiries(u, g);
    g.restore();
  }

  // labels names phases above the plot, where they cover nothing, and faults in it.
  function labels(u) {
    const g = u.ctx, {left, top, width, height} = u.bbox, ratio = devicePixelRatio;
    g.save();
    g.beginPath();
    g.rect(left, top - nameHeight * ratio, width, height + nameHeight * ratio);
    g.clip();
    g.font = 11 * ratio + "px system-ui, sans-serif";
    for (const t of kept()) diamond(g, u.valToPos(t.x, "x", true), u.valToPos(t.response, "y", true), t.s.color, ratio);
    for (const p of state.layout.phases) {
      const a = Math.max(u.valToPos(p.from, "x", true), left), b = u.valToPos(p.to, "x", true);
      note(g, p.name, a + 2 * ratio, top - (nameHeight - 2) * ratio, b - a - 4 * ratio, "ink-2");
    }
    faults(u, g, true);
    g.restore();
  }

  // kept are the requests that the chart shows one by one: those whose trace was kept.
  function kept() { return o.traces ? state.series.filter(visible).flatMap(samplesOf) : []; }

  // withKept widens the ends of the values for the requests that are drawn one by one.
  function withKept(min, max) {
    const all = kept().map(t => t.response).concat(min > 0 ? [min, max] : []);
    return all.length ? [Math.max(Math.min(...all), 1), Math.max(...all)] : [min, max];
  }

  // openAt opens the trace of the request that is drawn at a point, or near it.
  function openAt(u, left, top) {
    const far = t => Math.hypot(u.valToPos(t.x, "x") - left, u.valToPos(t.response, "y") - top);
    const near = kept().sort((a, b) => far(a) - far(b))[0];
    if (near && far(near) < 14) openTrace(near.s.run, near.id, "");
  }

  // openIn opens the slowest of a second.
  function openIn(second) {
    const slow = kept().filter(t => t.x >= second && t.x < second + grid.width).sort((a, b) => b.response - a.response)[0];
    if (slow) openTrace(slow.s.run, slow.id, "");
    else if (o.traces) c.readout.textContent = "No trace of this second is on this page.";
  }

  // note writes a text on a ground of its own, cut to the room that there is.
  function note(g, text, x, y, room, ink) {
    const ratio = devicePixelRatio;
    while (text.length > 1 && g.measureText(text).width > room - 4 * ratio) text = text.slice(0, -2) + "…";
    if (room < 12 * ratio) return;
    g.textBaseline = "top";
    g.textAlign = "left";
    g.fillStyle = color("paper");
    g.globalAlpha = 0.85;
    g.fillRect(x, y, g.measureText(text).width + 4 * ratio, 14 * ratio);
    g.globalAlpha = 1;
    g.fillStyle = color(ink);
    g.fillText(text, x + 2 * ratio, y + 2 * ratio);
  }

  function faults(u, g, named) {
    const {top, height} = u.bbox, ratio = devicePixelRatio, drawn = new Set();
    for (const s of state.series.filter(visible)) {
      for (const p of state.layout.phases) {
        for (const f of (cellOf(state.data, s, p.name) || {}).faults || []) {
          const key = p.name + f.text;
          if (drawn.has(key)) continue;
          drawn.add(key);
          const a = u.valToPos(p.from + f.from / 1e6, "x", true), b = u.valToPos(p.from + f.to / 1e6, "x", true);
          if (named) {
            note(g, f.text.replace(/ from \S+ to \S+$/, ""), a, top + ratio, Math.max(b - a, u.valToPos(p.to, "x", true) - a), "ink");
            continue;
          }
          g.fillStyle = color("fault");
          g.globalAlpha = 0.45;
          g.fillRect(a, top, Math.max(b - a, 2), height);
          g.globalAlpha = 1;
        }
      }
    }
  }

  // expiries draws a tick for each page that was found missing, in a row for each mode.
  function expiries(u, g) {
    const {top, height} = u.bbox, ratio = devicePixelRatio;
    state.series.filter(visible).forEach((s, row) => {
      g.fillStyle = s.color;
      for (const p of state.layout.phases) {
        for (const e of (cellOf(state.data, s, p.name) || {}).expiries || []) {
          const x = u.valToPos(p.from + Math.min(e / 1e6, p.length), "x", true);
          g.fillRect(x, top + height - (row + 1) * 5 * ratio, 1.5 * ratio, 4 * ratio);
        }
      }
    });
  }

  function hover(u) {
    const i = u.cursor.idx;
    if (i === null || i === undefined || u.cursor.left < 0 || grid.xs[i] === undefined) {
      tip.hidden = true;
      return;
    }
    const x = grid.xs[i], p = phaseAt(x);
    const found = grid.all.filter(({at}) => at.has(x)).sort((a, b) => b.at.get(x).y - a.at.get(x).y);
    const second = grid.width === 1 ? "second " + (x - p.from + 1) : (x - p.from) + " to " + (x - p.from + grid.width) + " s";
    tip.replaceChildren(element("strong", {}, name(p.name), ", " + second),
      ...found.map(({s, at}) => element("div", {}, swatch(s), name(s.label), element("span", {}, at.get(x).text))));
    tip.hidden = found.length === 0;
    const right = u.cursor.left > u.over.clientWidth / 2;
    tip.classList.toggle("left", right);
    tip.style.left = right ? "" : u.cursor.left + 14 + "px";
    tip.style.right = right ? u.over.clientWidth - u.cursor.left + 14 + "px" : "";
    c.readout.textContent = document.activeElement === c.host && found.length
      ? p.name + ", " + second + ": " + found.map(({s, at}) => s.label + " " + at.get(x).text).join("; ") : " ";
  }

  c.host.addEventListener("keydown", e => {
    const [from, to] = zoomed(), span = to - from;
    const at = plot.cursor.idx ?? -1;
    const move = n => {
      let i = at + n;
      while (grid.xs[i] !== undefined && !grid.all.some(({at}) => at.has(grid.xs[i]))) i += n; // nothing is there
      if (grid.xs[i] === undefined) return;
      plot.setCursor({left: plot.valToPos(plot.data[0][i], "x"), top: plot.over.clientHeight / 2});
    };
    const middle = at >= 0 ? plot.data[0][at] : (from + to) / 2;
    const keys = {
      ArrowRight: () => move(1), ArrowLeft: () => move(-1), "+": () => zoomTo(middle - span / 4, middle + span / 4), "=": () => zoomTo(middle - span / 4, middle + span / 4),
      "-": () => zoomTo(middle - span, middle + span), "0": () => zoomTo(0, 0), Escape: () => zoomTo(0, 0), Enter: () => at >= 0 && openIn(grid.xs[at]),
    };
    if (!keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    keys[e.key]();
  });

  onChange(what => {
    span();
    if (what === "zoom") plot.redraw(true, true), plot.setData(plot.data, true);
    else draw();
  });
  new ResizeObserver(() => {
    if (plot && Math.abs(plot.width - c.host.clientWidth) > 1) plot.setSize({width: Math.max(c.host.clientWidth, 200), height: plot.height});
  }).observe(c.host);
  return {section: c.section, draw};
}

const nameHeight = 18; // of what names the phases, in pixels

// secondsOf are the marks of the axis of time between two ends, on a chart of some width: seconds since each phase began.
function secondsOf(width, [from, to]) {
  const span = to - from, step = Math.max(niceStep(span * 90 / width), span > 4 ? 1 : 0), near = span * 34 / width, found = [];
  for (const p of state.layout.phases) {
    for (let t = 0; t === 0 || p.from + t < p.to - near; t = +(t + step).toFixed(6)) {
      const x = p.from + t, last = found[found.length - 1];
      if (x >= from - 1e-9 && x <= to + 1e-9 && !(last && x - last.x < near)) found.push({x, text: +t.toFixed(2) + " s"});
    }
  }
  return found;
}

// logRange and logSplits are the ends of a logarithmic axis, and where its lines are: at 1, 2, 5, 10, ..., or at powers of ten where there are many.
function logRange(u, min, max) {
  if (!(min > 0)) return [100, 1e5];
  const steps = [1, 2, 5, 10], down = Math.pow(10, Math.floor(Math.log10(min))), up = Math.pow(10, Math.floor(Math.log10(max)));
  const low = Math.max(...steps.map(f => f * down).filter(x => x <= min * 1.0001)), high = Math.min(...steps.concat(20).map(f => f * up).filter(x => x >= max));
  return [low === high ? low / 2 : low, high];
}

function logSplits(u, axis, min, max) {
  const found = [], few = max / min > 500 ? [1] : max / min > 6 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  for (let d = Math.floor(Math.log10(min)); d <= Math.log10(max); d++) {
    for (const f of few) {
      const x = f * Math.pow(10, d);
      if (x >= min * 0.999 && x <= max * 1.001) found.push(x);
    }
  }
  return found;
}
