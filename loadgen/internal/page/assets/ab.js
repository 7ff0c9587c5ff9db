// An A/B test: of each endpoint the ratio of B to A in each epoch, their middle, and its interval.

function epochs() {
  const all = () => state.data.ab.endpoints;
  const c = still(chart("epochs", "Each epoch, and what follows", "B / A of each endpoint. Small dots: one for each epoch, a pair of fresh processes. The bar is the interval that has the true ratio in 95% of such tests, " +
    "the large dot its middle. Broken line: the margin below which it passes.", () => ({columns: ["endpoint", "B / A", "interval", "finding", "epochs"],
    body: all().map(e => [e.name, times(e.effect[0]), e.effect[1] ? times(e.effect[1]) + " to " + times(e.effect[2]) : none, e.word, e.epochs.map(times).join(", ")])})));

  function rowOf(e) {
    const bounded = e.effect[1] > 0;
    return {label: [name(e.name)], lines: [{x: 1, kind: "one"}, {x: e.margin, kind: "margin"}], bar: bounded && {from: e.effect[1], to: e.effect[2]}, small: e.epochs,
      dot: e.effect[0] > 0 && {x: e.effect[0]}, value: bounded ? within(e.effect) : e.effect[0] > 0 ? times(e.effect[0]) : none, note: e.word === "open" ? "undecided" : e.word, kind: e.word};
  }

  function draw() {
    const ends = all().flatMap(e => [...e.epochs, e.margin, 1, ...e.effect.filter(x => x > 0)]);
    c.host.replaceChildren(dots(logAxis(ends, 1.05, [0.1, 0.2, 0.5, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 5, 10], x => x + "x"), ["B / A", ""], [{rows: all().map(rowOf)}]));
  }
  onChange(draw);
  return {section: c.section, draw};
}

// armTraces lists the traces of both arms.
function armTraces() {
  const all = state.data.runs[0].traces || [];
  if (!all.length) return null;
  return element("section", {class: "drawn", "aria-labelledby": "arms"}, element("h2", {id: "arms"}, "The slowest traced request of each arm"),
    ...all.map(t => element("p", {}, element("button", {type: "button", class: "open", "data-trace": t.id, onclick: () => openTrace(0, t.id, "")}, t.why + ": " + latency(t.response)),
      element("span", {class: "reason"}, longest(t)))));
}
