// An A/B test: of each endpoint the ratio of B to A in each epoch, their middle, and its interval.

function epochs() {
  const all = state.data.ab.endpoints;
  const c = chart("epochs", "Each epoch, and what follows", "B / A of each endpoint. Small dots: one for each epoch, a pair of fresh processes. The bar is the interval that has the true ratio in 95% of such tests, " +
    "the large dot its middle. Broken line: the margin below which it passes.", () => ({columns: ["endpoint", "B / A", "interval", "finding", "epochs"],
    body: all.map(e => [e.name, times(e.effect[0]), e.effect[1] ? times(e.effect[1]) + " to " + times(e.effect[2]) : none, e.word, e.epochs.map(times).join(", ")])}));
  c.host.removeAttribute("tabindex");
  c.host.setAttribute("role", "img");
  c.host.removeAttribute("aria-roledescription");
  const ends = all.flatMap(e => [...e.epochs, e.margin, 1, ...e.effect.filter(x => x > 0)]);
  const low = Math.min(...ends) / 1.05, high = Math.max(...ends) * 1.05;
  const place = x => Math.log(x / low) / Math.log(high / low) * 1000;
  const table = element("div", {class: "glance"}), scale = element("div", {class: "plot scale"});
  for (const x of [0.1, 0.2, 0.5, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 5, 10]) {
    if (x < low || x > high) continue;
    const mark = element("span", {}, x + "x");
    mark.style.left = place(x) / 10 + "%";
    scale.append(mark);
  }
  table.append(element("div", {class: "row scales"}, element("div", {class: "mode"}), scale, element("div", {class: "value"}, "B / A"), element("div", {class: "word"})));
  for (const e of all) {
    const plot = svg("svg", {viewBox: "0 0 1000 18", preserveAspectRatio: "none"}, svg("line", {x1: place(1), x2: place(1), y1: 0, y2: 18, class: "one"}),
      svg("line", {x1: place(e.margin), x2: place(e.margin), y1: 0, y2: 18, class: "margin"}));
    if (e.effect[1]) plot.append(svg("line", {x1: place(e.effect[1]), x2: place(e.effect[2]), y1: 9, y2: 9, class: "bar " + e.word, "vector-effect": "non-scaling-stroke"}));
    const box = element("div", {class: "plot"}, plot);
    for (const x of e.epochs) box.append(at(element("span", {class: "epoch"}), x));
    box.append(at(element("span", {class: "dot whole " + e.word}), e.effect[0]));
    table.append(element("div", {class: "row"}, element("div", {class: "mode"}, name(e.name)), box, element("div", {class: "value"}, times(e.effect[0]) + (e.effect[1] ? " [" + times(e.effect[1]).slice(0, -1) + ", " + times(e.effect[2]).slice(0, -1) + "]" : "")),
      element("div", {class: "word " + e.word}, e.word)));
  }
  c.host.append(table);
  function at(e, x) { e.style.left = place(x) / 10 + "%"; return e; }
  return c.section;
}

// armTraces lists the traces of both arms.
function armTraces() {
  const all = state.data.runs[0].traces || [];
  if (!all.length) return null;
  return element("section", {class: "drawn", "aria-labelledby": "arms"}, element("h2", {id: "arms"}, "The slowest traced request of each arm"),
    ...all.map(t => element("p", {}, element("button", {type: "button", class: "open", "data-trace": t.id, onclick: () => openTrace(0, t.id, "")}, t.why + ": " + latency(t.response)),
      element("span", {class: "reason"}, longest(t)))));
}
