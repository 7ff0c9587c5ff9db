// Numbers as text, as package unit renders them, and elements.

const none = "–", atLeast = "≥";

const perDecade = 12; // buckets of the heat map for a factor of ten, as package page has them

function count(n) {
  return Math.round(n).toString().replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

// fixed is a number with so many decimals: what is just between two ends with an even one, as in Go.
function fixed(x, decimals) {
  const exact = x.toFixed(60), end = exact.indexOf(".") + 1 + decimals;
  return /^50*$/.test(exact.slice(end)) && exact[end - 1] % 2 === 0 ? exact.slice(0, end) : x.toFixed(decimals);
}

function digits(x) {
  const a = Math.abs(x);
  if (!isFinite(x)) return none;
  if (a >= 99.95) return count(x);
  if (a >= 9.995) return fixed(x, 1);
  if (a >= 0.9995) return fixed(x, 2);
  if (a >= 0.001) return fixed(x, 3);
  return a === 0 ? "0" : "<0.001";
}

// amount is a count, or a mean of counts.
function amount(x) { return Number.isInteger(x) ? count(x) : digits(x); }

// latency renders microseconds.
function latency(us) {
  us = Math.round(us);
  if (us === 0) return "0";
  if (us < 1000) return us + " µs";
  if (us < 999500) return digits(us / 1e3) + " ms";
  return digits(us / 1e6) + " s";
}

// tick renders microseconds on an axis.
function tick(us) {
  if (us === 0) return "0";
  if (us < 1000) return +us.toPrecision(3) + " µs";
  if (us < 1e6) return +(us / 1e3).toPrecision(3) + " ms";
  return +(us / 1e6).toPrecision(3) + " s";
}

function times(x) {
  return x < 0.0995 ? fixed(x, 3) + "x" : x < 9.995 ? fixed(x, 2) + "x" : x < 99.95 ? fixed(x, 1) + "x" : count(x) + "x";
}

function percent(x) {
  if (x === 0 || x === 1) return x * 100 + "%";
  if (x < 0.001) return "<0.1%";
  if (x > 0.999) return ">99.9%";
  return fixed(x * 100, 1) + "%";
}

// samples is how many values a quantile takes: of fewer it is the greatest of them, whatever they are.
function samples(q) { return Math.floor(1 / (1 - q) + 0.5); }

// element makes an element with attributes and children; strings are text.
function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [k, v] of Object.entries(attributes || {})) {
    if (v === false || v === undefined || v === null) continue;
    if (k.startsWith("on")) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v === true ? "" : v);
  }
  e.append(...children.filter(c => c !== null && c !== undefined));
  return e;
}

const svgSpace = "http://www.w3.org/2000/svg";

function svg(name, attributes, ...children) {
  const e = document.createElementNS(svgSpace, name);
  for (const [k, v] of Object.entries(attributes || {})) if (v !== undefined && v !== null) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// swatch draws the line of a mode.
function swatch(s) {
  return svg("svg", {class: "swatch", width: 22, height: 10, "aria-hidden": "true"},
    svg("line", {x1: 1, y1: 5, x2: 21, y2: 5, stroke: s.color, "stroke-width": s.run > 0 ? 1.5 : 3, "stroke-dasharray": (s.dash || []).join(" ")}));
}

// name is a text that keeps its direction to itself.
function name(text) { return element("bdi", {}, text); }
