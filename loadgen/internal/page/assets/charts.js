// What all charts have in common: a heading, what it shows, controls, the drawing, a line that says what the cursor is at, and a table.

function chart(id, title, about, rows) {
  const heading = element("h2", {id}, title);
  const controls = element("div", {class: "controls"});
  const host = element("div", {class: "chart", tabindex: 0, role: "application", "aria-roledescription": "chart", "aria-labelledby": id, "aria-describedby": id + "-about"});
  const note = element("p", {class: "note", id: id + "-about"}, about);
  const readout = element("p", {class: "readout", "aria-live": "polite"}, " ");
  const section = element("section", {class: "drawn", "aria-labelledby": id}, heading, note, controls, host, readout, tableOf(title, rows));
  return {section, host, controls, readout, note};
}

// choice is a group of buttons of which one is pressed.
function choice(label, options, get, set) {
  const group = element("div", {class: "choice", role: "group", "aria-label": label}, element("span", {}, label));
  for (const [value, text] of options) {
    const b = element("button", {type: "button", onclick: () => { set(value); press(); }}, text);
    b.value = value;
    group.append(b);
  }
  function press() {
    for (const b of group.querySelectorAll("button")) b.setAttribute("aria-pressed", String(b.value === String(get())));
  }
  press();
  onChange(press);
  return group;
}

// legend switches modes on and off in all charts.
function legend() {
  const bar = element("div", {class: "legend", role: "group", "aria-label": "Modes"});
  for (const s of state.series) {
    const b = element("button", {type: "button", "aria-pressed": "true", title: s.label}, swatch(s), name(s.label));
    b.addEventListener("click", () => {
      if (!state.hidden.delete(s.key)) state.hidden.add(s.key);
      b.setAttribute("aria-pressed", String(visible(s)));
      changed("modes");
    });
    b.addEventListener("dblclick", () => only(s));
    b.dataset.key = s.key;
    bar.append(b);
  }
  function only(s) {
    state.hidden = new Set(state.series.filter(x => s && x !== s).map(x => x.key));
    for (const b of bar.querySelectorAll("button[data-key]")) b.setAttribute("aria-pressed", String(!state.hidden.has(b.dataset.key)));
    changed("modes");
  }
  bar.append(element("button", {type: "button", class: "all", onclick: () => only(null)}, "all"));
  return state.series.length > 1 ? bar : "";
}

// phaseAt is the phase at a point of the axis of time.
function phaseAt(x) {
  return state.layout.phases.find(p => x >= p.from && x < p.to) || state.layout.phases[state.layout.phases.length - 1];
}
