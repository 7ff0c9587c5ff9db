// Rows of dots on a common axis: of each an interval, a dot, and lines that it is compared with. Figures with their intervals, A/B tests, predictions and staleness are drawn so.

// dotAxis is an axis: place(x) is from 0 to 1000, and marks are the values that it names, as text renders them.
function logAxis(values, apart, marks, text) {
  let low = Math.min(...values) / apart, high = Math.max(...values) * apart;
  if (marks.filter(x => x >= low && x <= high).length < 2) { // as where all are about the same: the axis has no scale without two marks
    marks = decades(low / 10, high).flatMap(x => [1, 2, 5].map(f => f * x));
    if (marks.filter(x => x >= low && x <= high).length < 2) [low, high] = [Math.max(...marks.filter(x => x <= low)), Math.min(...marks.concat(10 * marks[marks.length - 1]).filter(x => x >= high))];
  }
  const share = x => Math.min(Math.max(Math.log(x / low) / Math.log(high / low), 0), 1); // an interval may have ends beyond the axis
  return {place: x => share(x) * 1000, marks: marks.filter(x => x >= low && x <= high), text};
}

// spanAxis is linear, and logarithmic where values are far apart: then what is 0 is at its begin.
function spanAxis(values, text) {
  const positive = values.filter(x => x > 0), most = Math.max(...positive, 0), least = Math.min(...positive, most);
  if (most > 20 * least) {
    const axis = logAxis(positive.concat(values.some(x => x === 0) ? [least / 3] : []), 1.2, decades(least / 4, most * 2), text), place = axis.place;
    return {...axis, place: x => x > 0 ? place(x) : 0};
  }
  const near = most > 0 && least > 0.5 * most && !values.includes(0), from = near ? least - (most - least || most) * 0.2 : 0, to = near ? most + (most - least || most) * 0.2 : most * 1.05 || 1;
  const step = niceFraction((to - from) / 4), marks = [];
  for (let x = Math.ceil(from / step - 1e-9) * step; x <= to; x += step) marks.push(+x.toPrecision(12));
  return {place: x => (Math.min(x, to) - from) / (to - from) * 1000, marks, text};
}

// decades are the powers of ten from low to high.
function decades(low, high) {
  const found = [];
  for (let d = Math.ceil(Math.log10(low)); d <= Math.log10(high); d++) found.push(Math.pow(10, d));
  return found;
}

// niceFraction is the least of 1, 2 and 5 times a power of ten that is not below x.
function niceFraction(x) {
  const unit = Math.pow(10, Math.floor(Math.log10(x)));
  return [1, 2, 5, 10].map(f => f * unit).find(s => s >= x * (1 - 1e-9));
}

// dots draws groups {title, about, rows} of rows {label, bar, lines, small, dot, value, note, kind, also}: a bar is {from, to, color}, a line {x, kind}, a dot {x, color, hollow}; small are dots without
// a colour, and kind is a class. titles are those of the values, of the notes, and of what is also there, if anything is.
function dots(axis, titles, groups) {
  const table = element("div", {class: titles[2] ? "glance two" : "glance"}), scale = element("div", {class: "plot scale"});
  const put = (e, x) => { e.style.left = axis.place(x) / 10 + "%"; return e; };
  for (const x of axis.marks) scale.append(put(element("span", {class: axis.place(x) > 940 ? "last" : axis.place(x) < 60 ? "first" : false}, axis.text(x)), x));
  table.append(element("div", {class: "row scales"}, element("div", {class: "mode"}), scale, element("div", {class: "value"}, titles[0]), titles[2] ? element("div", {class: "together"}, titles[2]) : "", element("div", {class: "ratio"}, titles[1])));
  for (const g of groups) {
    if (g.title) table.append(element("div", {class: "phase"}, element("strong", {}, name(g.title)), " ", element("span", {}, g.about || "")));
    for (const r of g.rows) table.append(dotRow(axis, r, put, titles[2]));
  }
  return table;
}

function dotRow(axis, r, put, also) {
  const upright = (x, kind) => svg("line", {x1: axis.place(x), x2: axis.place(x), y1: 0, y2: 18, class: kind});
  const plot = svg("svg", {viewBox: "0 0 1000 18", preserveAspectRatio: "none"}, ...axis.marks.map(x => upright(x, "decade")), ...(r.lines || []).map(l => upright(l.x, l.kind)));
  if (r.bar) {
    plot.append(svg("line", {x1: axis.place(r.bar.from), x2: axis.place(r.bar.to), y1: 9, y2: 9, class: "bar " + (r.kind || ""), stroke: r.bar.color, "vector-effect": "non-scaling-stroke"}));
  }
  const box = element("div", {class: "plot"}, plot);
  for (const x of r.small || []) box.append(put(element("span", {class: "epoch"}), x));
  if (r.dot) {
    const dot = put(element("span", {class: "dot" + (r.dot.hollow ? " hollow" : r.dot.color ? "" : " whole " + (r.kind || ""))}), r.dot.x);
    if (r.dot.color) {
      dot.style.borderColor = r.dot.color;
      if (!r.dot.hollow) dot.style.background = r.dot.color;
    }
    box.append(dot);
  }
  return element("div", {class: "row"}, element("div", {class: "mode"}, ...r.label), box, element("div", {class: "value"}, r.value), also ? element("div", {class: "together", "data-title": also + " "}, r.also) : "",
    element("div", {class: (r.kind ? "word " + r.kind : "ratio")}, r.note || ""));
}

// still is a chart that is looked at and has no cursor.
function still(c) {
  c.host.removeAttribute("tabindex");
  c.host.setAttribute("role", "img");
  c.host.removeAttribute("aria-roledescription");
  c.host.classList.add("still");
  return c;
}

// within renders the ends of an interval of ratios.
function within(x) { return times(x[0]) + " [" + times(x[1]).slice(0, -1) + ", " + times(x[2]).slice(0, -1) + "]"; }
