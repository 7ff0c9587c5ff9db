// What the reader has chosen, and who wants to know of it.

const state = {
  data: null, series: [], layout: null,
  hidden: new Set(), // keys of series
  metric: "p99", second: "p99", zoom: null, // metric is of phases, second of their seconds; zoom is seconds from and to, null is all
  listeners: [],
};

function onChange(f) { state.listeners.push(f); }

// changed informs of a change: "modes", "metric", "zoom" or "theme".
function changed(what) { for (const f of state.listeners) f(what); }

function visible(s) { return !state.hidden.has(s.key); }

function zoomTo(from, to) {
  const end = state.layout.end;
  from = Math.max(0, from);
  to = Math.min(end, to);
  state.zoom = to - from >= end - 1e-9 || to <= from ? null : [from, to];
  changed("zoom");
}

function zoomed() { return state.zoom || [0, state.layout.end]; }

// color is one of the theme's.
function color(variable) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + variable).trim();
}
