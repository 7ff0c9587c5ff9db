// A page whose run goes on: it is fed by server-sent events, and in the end becomes the report.

function live(data) {
  const status = document.getElementById("status"), run = data.runs[0];
  const columns = ["seen", "n", "p50", "p95", "p99", "max", "lagN", "lag", "scheduled", "failed", "done", "recomputes", "waited", "wait", "heat"];
  let since = null, phase = null;

  // cell finds or makes the cell of an item; null of a phase that is not shown.
  function cell(item) {
    const p = data.live.phases.indexOf(item.phase);
    if (p < 0) return null;
    let c = run.cells.find(x => x.mode === item.mode && x.phase === p);
    if (!c) {
      c = {mode: item.mode, phase: p, rounds: 1, took: 0, at: []};
      for (const k of columns) c[k] = [];
      run.cells.push(c);
      run.cells.sort((a, b) => a.phase - b.phase || a.mode - b.mode);
    }
    return c;
  }

  function take(item) {
    const c = cell(item);
    if (!c) return;
    if (item.quantiles) {
      c.quantiles = item.quantiles;
      c.took = item.took;
      c.rounds = item.rounds;
      return;
    }
    let i = c.at.indexOf(item.at);
    if (i < 0) {
      i = c.at.findIndex(x => x > item.at);
      if (i < 0) i = c.at.length;
      c.at.splice(i, 0, item.at);
      for (const k of columns) c[k].splice(i, 0, null);
    }
    for (const k of columns) c[k][i] = k === "heat" ? item.heat || [] : item[k];
    if (item.scheduled > 0) run.phases[c.phase].length = Math.max(run.phases[c.phase].length, item.at + 1);
  }

  function tell() {
    if (!phase) return;
    const rounds = phase.Rounds ? phase.Round + " of " + phase.Rounds : phase.Round;
    status.textContent = "round " + rounds + ", " + phase.Turn + ", " + phase.Name + (phase.Warmup ? " (warm-up)" : "") + ": " + phase.Load + "; " + Math.round((Date.now() - since) / 1000) + " s of it are over";
  }

  const events = follow(data);
  const clock = setInterval(tell, 1000);
  events.addEventListener("phase", e => { phase = JSON.parse(e.data); since = Date.now(); tell(); });
  events.addEventListener("points", e => {
    for (const item of JSON.parse(e.data)) take(item);
    refresh(data);
  });
  events.addEventListener("report", () => clearInterval(clock));
  events.onerror = () => { status.textContent = "the connection is lost; trying again"; };
}

// liveTest is an A/B test that goes on: each event has all that the page shows.
function liveTest(data) {
  const events = follow(data);
  const doing = text => { document.getElementById("status").textContent = text; };
  doing(data.live.doing || "");
  events.addEventListener("test", e => {
    const now = JSON.parse(JSON.parse(e.data)), focus = document.activeElement && document.activeElement.id;
    replace(now);
    doing(now.data.live.doing || "");
    stopper(data);
    if (focus && document.getElementById(focus)) document.getElementById(focus).focus();
  });
  events.onerror = () => doing("the connection is lost; trying again");
}

// follow gets the events, the last of which is the report, and has the button end what goes on.
function follow(data) {
  const events = new EventSource("/events");
  events.addEventListener("report", e => {
    events.close();
    replace(JSON.parse(JSON.parse(e.data)));
    document.documentElement.dataset.report = "true";
  });
  stopper(data);
  return events;
}

// replace makes the page what an event says.
function replace(page) {
  document.title = page.title;
  document.getElementById("content").innerHTML = page.body;
  state.listeners = [];
  build(page.data);
}

function stopper(data) {
  const stop = document.getElementById("stop");
  stop.addEventListener("click", () => {
    stop.disabled = true;
    fetch("/stop", {method: "POST", headers: {"Loadgen-Token": data.live.token}}).then(r => { stop.textContent = r.ok ? "Stopping" : "Not stopped"; });
  });
}
