// What strategies' laws predict beside what was measured, and how old pages were beside their bound.

// predicted are the figures that are drawn, each on an axis of its own: their names, what is above their rows, and how they are rendered.
const predicted = [["recomputes", "Recomputes in all rounds", amount], ["hit ratio", "Share of requests that the cache answered", percent]];

// lawsOf are the predictions of a figure, by phase and mode.
function lawsOf(figure) {
  return state.layout.phases.map(p => ({p, rows: state.series.filter(visible).flatMap(s => ((cellOf(state.data, s, p.name) || {}).laws || []).filter(l => l.figure === figure).map(l => ({s, l})))}))
    .filter(g => g.rows.length);
}

// rangeOf renders what a law allows.
function rangeOf(l, text) {
  if (l.least === undefined) return "no prediction";
  if (l.most === undefined) return "at least " + text(l.least);
  return text(l.least) === text(l.most) ? text(l.least) : text(l.least) + " to " + text(l.most);
}

function predictions() {
  const some = predicted.filter(([figure]) => lawsOf(figure).length);
  if (!some.length) return null;
  const c = still(chart("predictions", "Predicted and measured", "The dot is what was measured, the bar from where to where chance takes a correct strategy, and the upright line the mean, or the bound, of what its law predicts. " +
    "A dot outside of its bar differs. The section \"What each strategy's law predicts\" has the formulas.", () => ({columns: ["phase, mode, figure", "measured", "predicted", "from", "to", "agreement"],
    body: some.flatMap(([figure, , text]) => lawsOf(figure).flatMap(({p, rows}) => rows.map(({s, l}) => [p.name + ", " + s.label + ", " + figure, text(l.measured),
      l.predicted === undefined ? none : l.relation + " " + text(l.predicted), l.least === undefined ? none : text(l.least), l.most === undefined ? none : text(l.most), l.agreement])))})));

  function draw() {
    c.host.replaceChildren(...some.flatMap(([figure, title, text]) => {
      const groups = lawsOf(figure);
      if (!groups.length) return [];
      const axis = spanAxis(groups.flatMap(g => g.rows.flatMap(({l}) => [l.measured, l.predicted, l.least, l.most])).filter(x => x !== undefined), text);
      const end = axis.marks[axis.marks.length - 1];
      return [element("h3", {}, title), dots(axis, ["measured, of predicted", ""], groups.map(g => ({title: g.p.name, rows: g.rows.map(({s, l}) => ({
        label: [swatch(s), name(s.label)], bar: l.least !== undefined && {from: l.least, to: l.most === undefined ? Math.max(end, l.measured) : l.most, color: s.color},
        lines: l.predicted === undefined ? [] : [{x: l.predicted, kind: "one"}], dot: {x: l.measured, color: s.color, hollow: l.least === undefined},
        value: text(l.measured) + ", of " + rangeOf(l, text), note: l.agreement, kind: l.agreement}))})))];
    }));
  }
  onChange(what => { if (what !== "zoom") draw(); });
  return {section: c.section, draw};
}

// stalenessOf is how old the pages of each mode were, by phase.
function stalenessOf() {
  return state.layout.phases.map(p => ({p, rows: state.series.filter(visible).map(s => ({s, cell: cellOf(state.data, s, p.name)})).filter(x => x.cell && x.cell.stale)
    .map(x => ({s: x.s, stale: x.cell.stale, law: (x.cell.laws || []).find(l => l.figure === "staleness" && l.most !== undefined)}))})).filter(g => g.rows.length);
}

function staleness() {
  if (!stalenessOf().length) return null;
  const known = stalenessOf().some(g => g.rows.some(x => x.law)), share = x => x.share > 0 ? percent(x.share) + " of reads stale" : "no read stale", bound = l => l ? latency(l.most) : none;
  const c = still(chart("staleness", "Staleness and its bound", "The dot is the stalest read of the whole phase: the longest that a page was still served after a price change that was committed before the read was sent. " +
    (known ? "The broken line is the bound that the law of the strategy sets. Not every mode has one." : "No law sets a bound here: laws are of a world in which nothing fails."), () => ({columns: ["phase, mode", "stalest read", "bound", "stale reads", "agreement"],
    body: stalenessOf().flatMap(({p, rows}) => rows.map(x => [p.name + ", " + x.s.label, latency(x.stale.most), bound(x.law), percent(x.stale.share), x.law ? x.law.agreement : none]))})));

  function draw() {
    const groups = stalenessOf();
    if (!groups.length) return c.host.replaceChildren();
    const axis = spanAxis(groups.flatMap(g => g.rows.flatMap(x => [x.stale.most, ...x.law ? [x.law.most] : []])), tick);
    c.host.replaceChildren(dots(axis, ["stalest read" + (known ? ", of its bound" : ""), ""], groups.map(g => ({title: g.p.name, rows: g.rows.map(x => ({label: [swatch(x.s), name(x.s.label)],
      lines: x.law ? [{x: x.law.most, kind: "margin"}] : [], dot: {x: x.stale.most, color: x.s.color}, value: latency(x.stale.most) + (x.law ? ", of " + bound(x.law) : known ? ", no bound known" : ""),
      note: share(x.stale) + (x.law && x.law.agreement === "differs" ? "; differs" : ""), kind: x.law && x.law.agreement === "differs" ? "differs" : ""}))}))));
  }
  onChange(what => { if (what !== "zoom") draw(); });
  return {section: c.section, draw};
}
