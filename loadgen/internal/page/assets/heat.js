// The heat map of one mode: how many requests of each second took how long, with lines of percentiles. A click opens a trace.

const heatLines = [["p50", 0.5, [2, 3]], ["p95", 0.95, [6, 3]], ["p99", 0.99, []]];

function heatMap() {
  const c = chart("heat", "Heat map", "Each cell is the requests that were due in one second and took about as long; the stronger its blue, the more. Lines: p50 (dotted), p95 (dashed) and p99, " +
    "where there are enough requests." + (traced() ? " Diamonds: requests whose trace was kept. A click, or Enter, opens the trace that is nearest." : ""), rows);
  let of = state.series.find(visible) || state.series[0], at = null, view = null;
  const list = element("select", {id: "heat-mode"}, ...state.series.map(s => element("option", {value: s.key}, s.label)));
  list.addEventListener("change", () => { of = state.series.find(s => s.key === list.value); at = null; draw(); });
  if (state.series.length > 1) c.controls.append(element("label", {for: "heat-mode"}, "mode "), list);
  const canvas = element("canvas", {}), tip = element("div", {class: "tip", "aria-hidden": "true", hidden: true});
  c.host.append(canvas, tip);

  function rows() {
    const body = [];
    eachSecond((p, cell, i) => body.push([p.name + " " + cell.at[i] + " s", count(cell.n[i]), ...heatLines.map(([m, q]) => mark(cell.n[i], q) + latency(cell[m][i])), latency(cell.max[i])]));
    return {columns: ["time, " + of.label, "requests", ...heatLines.map(l => l[0]), "max"], body};
  }

  function mark(n, q) { return n < samples(q) ? atLeast : ""; }

  function eachSecond(f) {
    for (const p of state.layout.phases) {
      const cell = cellOf(state.data, of, p.name);
      if (cell) cell.at.forEach((at, i) => { if (cell.n[i] && at < p.length) f(p, cell, i); });
    }
  }

  // box is what is drawn: its place on the canvas, and the ends of its axes.
  function box() {
    const width = Math.max(c.host.clientWidth, 200), height = width < 500 ? 230 : 300;
    let low = Infinity, high = -Infinity, most = 1;
    eachSecond((p, cell, i) => {
      const h = cell.heat[i];
      low = Math.min(low, h[0]);
      high = Math.max(high, h[0] + h.length - 1);
      most = Math.max(most, ...h.slice(1));
    });
    if (high < low) [low, high] = [30, 60];
    const [from, to] = zoomed();
    [c.host.dataset.from, c.host.dataset.to] = [from, to];
    return {width, height, left: 62, right: width - 44, top: 18, bottom: height - 24, low: low - 1, high: high + 1, from, to, most, wide: Math.max(...state.data.runs.map(r => r.width || 1))};
  }

  function draw() {
    const v = view = box(), g = canvas.getContext("2d"), ratio = devicePixelRatio || 1;
    canvas.width = v.width * ratio;
    canvas.height = v.height * ratio;
    canvas.style.width = v.width + "px";
    canvas.style.height = v.height + "px";
    g.scale(ratio, ratio);
    g.font = "12px system-ui, sans-serif";
    v.x = t => v.left + (t - v.from) / (v.to - v.from) * (v.right - v.left);
    v.y = us => v.bottom - (perDecade * Math.log10(Math.max(us, 1)) - v.low) / (v.high - v.low) * (v.bottom - v.top);
    const row = (v.bottom - v.top) / (v.high - v.low);
    axes(g, v);
    g.save();
    g.beginPath();
    g.rect(v.left, v.top, v.right - v.left, v.bottom - v.top);
    g.clip();
    g.fillStyle = color("heat");
    eachSecond((p, cell, i) => {
      const x = v.x(p.from + cell.at[i]), wide = Math.max(v.x(p.from + cell.at[i] + v.wide) - x - (v.wide ? 0.6 : 0), 0.6);
      cell.heat[i].slice(1).forEach((n, j) => {
        if (!n) return;
        g.globalAlpha = 0.12 + 0.88 * Math.sqrt(n / v.most);
        g.fillRect(x, v.bottom - (cell.heat[i][0] + j + 1 - v.low) * row, wide, row - 0.5);
      });
    });
    g.globalAlpha = 1;
    for (const l of heatLines) percentileLine(g, v, ...l);
    for (const t of samplesOf(of)) {
      diamond(g, v.x(t.x), v.y(t.response), color("accent"));
    }
    if (at) {
      g.strokeStyle = color("accent");
      g.lineWidth = 2;
      g.strokeRect(v.x(at.x), v.bottom - (at.bucket + 1 - v.low) * row, v.x(at.x + v.wide) - v.x(at.x), row);
    }
    g.restore();
  }

  function axes(g, v) {
    g.fillStyle = color("ink-2");
    g.strokeStyle = color("line");
    g.textBaseline = "middle";
    for (let b = Math.ceil(v.low / perDecade) * perDecade; b <= v.high; b += perDecade) {
      const us = Math.pow(10, b / perDecade), y = v.y(us);
      g.textAlign = "right";
      g.fillText(tick(us), v.left - 6, y);
      line(g, v.left, y, v.right, y);
    }
    if (v.high - v.low < 2 * perDecade) {
      for (let d = Math.floor(v.low / perDecade); d <= v.high / perDecade; d++) {
        for (const f of v.high - v.low < perDecade ? [2, 3, 4, 5, 6, 8] : [2, 5]) {
          const us = f * Math.pow(10, d), y = v.y(us);
          if (y < v.top || y > v.bottom) continue;
          g.fillText(tick(us), v.left - 6, y);
        }
      }
    }
    g.textAlign = "left";
    for (const p of state.layout.phases) {
      const x = Math.max(v.x(p.from), v.left), to = Math.min(v.x(p.to), v.right);
      if (to <= x) continue;
      line(g, x, v.top - 14, x, v.bottom);
      g.save();
      g.beginPath();
      g.rect(x, 0, to - x, v.top);
      g.clip();
      g.fillText(p.name, x + 4, v.top - 8);
      g.restore();
    }
    g.textAlign = "center";
    for (const t of secondsOf(v.width, [v.from, v.to])) g.fillText(t.text, v.x(t.x), v.bottom + 13);
  }

  function percentileLine(g, v, metric, q, dash) {
    g.strokeStyle = color("ink");
    g.lineWidth = 1.5;
    g.setLineDash(dash);
    let last = null, drawn = false;
    g.beginPath();
    eachSecond((p, cell, i) => {
      const few = cell.n[i] < samples(q), x = p.from + cell.at[i];
      if (few) { last = null; return; }
      const y = v.y(cell[metric][i]);
      if (last !== x) g.moveTo(v.x(x), y);
      g.lineTo(v.x(x), y);
      g.lineTo(v.x(x + v.wide), y);
      last = x + v.wide;
      drawn = true;
    });
    g.stroke();
    g.setLineDash([]);
    return drawn;
  }

  // cellAt is the cell below a point of the canvas.
  function cellAt(px, py) {
    const v = view, x = v.from + (px - v.left) / (v.right - v.left) * (v.to - v.from);
    if (px < v.left || px > v.right || py < v.top || py > v.bottom) return null;
    const p = phaseAt(x);
    return {x: p.from + Math.floor((x - p.from) / v.wide) * v.wide, bucket: Math.floor(v.low + (v.bottom - py) / (v.bottom - v.top) * (v.high - v.low))};
  }

  function describe(cell) {
    const p = phaseAt(cell.x), found = cellOf(state.data, of, p.name), i = found ? found.at.indexOf(cell.x - p.from) : -1;
    const n = i < 0 ? 0 : found.heat[i][cell.bucket - found.heat[i][0] + 1] || 0;
    const range = tick(Math.pow(10, cell.bucket / perDecade)) + " to " + tick(Math.pow(10, (cell.bucket + 1) / perDecade));
    return of.label + ", " + p.name + ", second " + (cell.x - p.from + 1) + ", " + range + ": " + count(n) + " of " + count(i < 0 ? 0 : found.n[i]) + " requests" +
      (i < 0 ? "" : "; " + heatLines.map(([m, q]) => m + " " + mark(found.n[i], q) + latency(found[m][i])).join(", "));
  }

  // open opens the kept trace that is nearest to a cell, by time and by how long it took.
  function open(cell) {
    const middle = (cell.bucket + 0.5) / perDecade, p = phaseAt(cell.x);
    const near = samplesOf(of).filter(t => t.x >= p.from && t.x <= p.to).map(t => {
      const bucket = Math.floor(perDecade * Math.log10(t.response)), inside = bucket === cell.bucket && t.x >= cell.x && t.x < cell.x + view.wide;
      return {t, inside, far: Math.abs(Math.log10(t.response) - middle) * 4 + Math.abs(t.x - cell.x - view.wide / 2) / Math.max(p.length, 1)};
    }).sort((a, b) => a.far - b.far)[0];
    if (!near) {
      c.readout.textContent = "No trace of " + of.label + " in " + p.name + " is on this page." + left();
      return;
    }
    openTrace(of.run, near.t.id, near.inside ? "" : "No trace of this cell is on this page: this is the nearest of " + of.label + " in " + p.name + "." + left());
  }

  function left() { const n = state.data.runs[of.run].noTraces; return n ? " " + leftOut(n) : ""; }

  canvas.addEventListener("mousemove", e => show(cellAt(e.offsetX, e.offsetY), e.offsetX, e.offsetY));
  canvas.addEventListener("mouseleave", () => { tip.hidden = true; });
  function show(cell, px, py) {
    tip.hidden = !cell;
    if (!cell) return;
    tip.textContent = describe(cell);
    tip.style.top = py + 16 + "px";
    tip.style.left = Math.max(0, Math.min(px, view.width - 320)) + "px";
  }
  let pressed = null;
  canvas.addEventListener("mousedown", e => { pressed = e.offsetX; });
  canvas.addEventListener("mouseup", e => {
    if (pressed !== null && Math.abs(e.offsetX - pressed) > 5) {
      const t = px => view.from + (px - view.left) / (view.right - view.left) * (view.to - view.from);
      zoomTo(Math.min(t(pressed), t(e.offsetX)), Math.max(t(pressed), t(e.offsetX)));
    } else {
      const cell = cellAt(e.offsetX, e.offsetY);
      if (cell) open(cell);
    }
    pressed = null;
  });
  canvas.addEventListener("dblclick", () => zoomTo(0, 0));
  c.host.addEventListener("keydown", e => {
    const move = (dx, dy) => {
      at = at ? {x: at.x + dx * view.wide, bucket: at.bucket + dy} : {x: Math.floor(view.from), bucket: Math.round((view.low + view.high) / 2)};
      at.x = Math.min(Math.max(at.x, 0), state.layout.end - view.wide);
      at.bucket = Math.min(Math.max(at.bucket, view.low), view.high - 1);
      c.readout.textContent = describe(at);
      draw();
    };
    const [from, to] = zoomed(), x = at ? at.x : (from + to) / 2;
    const keys = {ArrowRight: () => move(1, 0), ArrowLeft: () => move(-1, 0), ArrowUp: () => move(0, 1), ArrowDown: () => move(0, -1), Enter: () => at && open(at),
      "+": () => zoomTo(x - (to - from) / 4, x + (to - from) / 4), "-": () => zoomTo(x - (to - from), x + (to - from)), "0": () => zoomTo(0, 0), Escape: () => zoomTo(0, 0)};
    if (e.target !== c.host || !keys[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    keys[e.key]();
  });
  onChange(() => draw());
  new ResizeObserver(() => { if (view && Math.abs(view.width - c.host.clientWidth) > 1) draw(); }).observe(c.host);
  return {section: c.section, draw};
}

function line(g, x1, y1, x2, y2) {
  g.beginPath();
  g.moveTo(x1, y1);
  g.lineTo(x2, y2);
  g.stroke();
}

function diamond(g, x, y, ink, size = 1) {
  g.beginPath();
  g.moveTo(x, y - 5 * size);
  g.lineTo(x + 4 * size, y);
  g.lineTo(x, y + 5 * size);
  g.lineTo(x - 4 * size, y);
  g.closePath();
  g.fillStyle = color("paper");
  g.fill();
  g.strokeStyle = ink;
  g.lineWidth = 1.5 * size;
  g.stroke();
}

// niceStep is the least of 1, 2, 5, 10, 20, ... that is not below x.
function niceStep(x) {
  const unit = Math.pow(10, Math.floor(Math.log10(Math.max(x, 0.01))));
  return [1, 2, 5, 10].map(f => f * unit).find(s => s >= x - 1e-9);
}
