// What the page carries: see data.go.

async function load() {
  const at = document.getElementById("data");
  if (at.type === "application/json") return JSON.parse(at.textContent);
  const packed = Uint8Array.from(atob(at.textContent.trim()), c => c.charCodeAt(0));
  const text = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
  return JSON.parse(text);
}

// seriesOf lists what has a line: the modes of every run. A run beyond the first is drawn thin.
function seriesOf(data) {
  const all = [];
  data.runs.forEach((run, r) => run.modes.forEach((m, i) => {
    if (!run.cells.some(c => c.mode === i)) return;
    all.push({key: r + ":" + i, run: r, mode: i, name: m.name, color: m.color, dash: m.dash, steps: m.steps,
      label: (run.label ? run.label + " " : "") + m.name});
  }));
  return all;
}

// layoutOf lays the phases of all runs out one after the other, on one axis of seconds.
function layoutOf(data) {
  const phases = [];
  for (const run of data.runs) {
    for (const p of run.phases) {
      let at = phases.find(x => x.name === p.name);
      if (!at) phases.push(at = {name: p.name, load: p.load, length: 0, mix: p.mix});
      at.length = Math.max(at.length, p.length);
    }
  }
  let from = 0;
  for (const p of phases) {
    p.from = from;
    from += p.length;
    p.to = from;
  }
  return {phases, end: from};
}

// cellOf is what a series did in a phase of that name; undefined if nothing.
function cellOf(data, s, phase) {
  const run = data.runs[s.run];
  const p = run.phases.findIndex(x => x.name === phase);
  return run.cells.find(c => c.mode === s.mode && c.phase === p);
}
