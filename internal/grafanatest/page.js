// A dashboard, drawn by the parts of Grafana that npm has: its transformations, its field settings and its components. What Prometheus returned is put into
// data frames here, as Grafana's data source does; panels whose component is part of Grafana's own program (bar charts, heat maps, state timelines) are not drawn,
// but their frames and settings are made.
const { React, createRoot, rxjs, data: grafanaData, ui } = grafana;
const {
  FieldConfigOptionsRegistry, applyFieldOverrides, createTheme, dateTime, formattedValueToString, getDisplayValueAlignmentFactors, getFieldDisplayName,
  getFieldDisplayValues, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} = grafanaData;
const major = parseInt(grafana.version, 10);
const h = React.createElement;

const theme = createTheme({ colors: { mode: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light' } });

// Since Grafana 13 a transformation is loaded when it is needed.
const loaded = (t) => (major >= 13 ? async () => t : t);
const transformers = new Map(Object.values(standardTransformers).filter((t) => t?.id).map((t) => [t.id, t])); // some are there by two names
standardTransformersRegistry.setInit(() => [...transformers.values()].map((t) => ({ id: t.id, name: t.name, transformation: loaded(t), editor: () => null })));

const sized = major > 9; // bars have a greatest height since 10.3

// What a panel's settings may name: the standard ones, and those of its own under custom.
const standard = ['unit', 'decimals', 'min', 'max', 'color', 'mappings', 'links', 'noValue', 'thresholds', 'displayName', 'filterable'];
const own = {
  timeseries: ['drawStyle', 'fillOpacity', 'lineWidth', 'lineStyle', 'hideFrom', 'axisSoftMax', 'axisSoftMin', 'stacking', 'scaleDistribution', 'showPoints', 'pointSize',
    'spanNulls', 'lineInterpolation', 'axisPlacement', 'axisLabel'],
  table: ['width', 'minWidth', 'align', 'hidden', 'hideFrom', 'cellOptions', 'displayMode', 'filterable'],
  barchart: ['lineWidth', 'fillOpacity', 'gradientMode', 'axisPlacement', 'axisSoftMin', 'axisSoftMax', 'hideFrom'],
  heatmap: ['scaleDistribution', 'hideFrom'],
  'state-timeline': ['fillOpacity', 'lineWidth', 'spanNulls', 'insertNulls', 'hideFrom'],
};
const graph = {
  drawStyle: 'line', lineInterpolation: 'linear', lineWidth: 1, fillOpacity: 0, gradientMode: 'none', showPoints: 'auto', pointSize: 5, spanNulls: false,
  axisPlacement: 'auto', axisColorMode: 'text', axisBorderShow: false, scaleDistribution: { type: 'linear' }, stacking: { mode: 'none', group: 'A' },
  hideFrom: { viz: false, legend: false, tooltip: false }, thresholdsStyle: { mode: 'off' }, barAlignment: 0, barWidthFactor: 0.6,
};
const registry = (type) => new FieldConfigOptionsRegistry(() => [
  ...standard.map((id) => ({ id, path: id, isCustom: false })),
  ...(own[type] ?? []).map((path) => ({ id: 'custom.' + path, path, isCustom: true })),
].map((item) => ({
  ...item, name: item.id, editor: () => null, override: () => null, process: (value) => value, shouldApply: () => true, settings: {}, getItemsCount: () => 0,
  defaultValue: item.isCustom && type === 'timeseries' ? graph[item.path] : undefined,
})));

// expander returns what puts values in the place of variables: those of the dashboard, and those of a cell.
const expander = (variables) => (text, scoped) => String(text).replace(/\$(?:\{([\w.]+)(?::\w+)?\}|(\w+))/g, (all, a, b) => {
  const name = a ?? b;
  if (scoped && name in scoped) {
    return scoped[name].text ?? scoped[name].value;
  }
  return variables[name] ?? all;
});

const legend = (format, labels) => {
  if (format) {
    return format.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name) => labels[name] ?? name);
  }
  return '{' + Object.entries(labels).map(([k, v]) => `${k}="${v}"`).join(', ') + '}';
};

// frames are what the data source makes of the results of a panel's queries.
const frames = ({ panel, results }) => {
  const many = results.filter((r) => r.series.length > 0).length > 1;
  return panel.targets.flatMap((target) => {
    const series = results.find((r) => r.refId === target.refId)?.series ?? [];
    switch (target.format) {
      case 'table': {
        if (series.length === 0) {
          return [];
        }
        const labels = [...new Set(series.flatMap((s) => Object.keys(s.labels).sort()))];
        const rows = series.flatMap((s) => s.points.map((p) => ({ ...s, p })));
        return [{
          refId: target.refId,
          fields: [
            { name: 'Time', type: 'time', config: {}, values: rows.map((r) => r.p[0]) },
            ...labels.map((name) => ({ name, type: 'string', config: { filterable: true }, values: rows.map((r) => r.labels[name] ?? '') })),
            { name: many ? 'Value #' + target.refId : 'Value', type: 'number', config: {}, values: rows.map((r) => r.p[1]) },
          ],
        }];
      }
      case 'heatmap': {
        const byLe = series.map((s) => ({ le: s.labels.le, points: new Map(s.points) })).sort((a, b) => (a.le === '+Inf' ? Infinity : +a.le) - (b.le === '+Inf' ? Infinity : +b.le));
        const times = [...new Set(series.flatMap((s) => s.points.map((p) => p[0])))].sort((a, b) => a - b);
        return [{
          refId: target.refId, meta: { type: 'heatmap-rows' },
          fields: [
            { name: 'Time', type: 'time', config: {}, values: times },
            ...byLe.map((s, i) => ({ name: s.le, labels: { le: s.le }, type: 'number', config: {}, values: times.map((t) => (s.points.get(t) ?? 0) - (i > 0 ? byLe[i - 1].points.get(t) ?? 0 : 0)) })),
          ],
        }];
      }
      default:
        return series.map((s) => ({
          refId: target.refId, name: legend(target.legendFormat, s.labels),
          fields: [
            { name: 'Time', type: 'time', config: target.instant ? {} : { interval: 1000 }, values: s.points.map((p) => p[0]) },
            { name: 'Value', type: 'number', labels: s.labels, config: { displayNameFromDS: legend(target.legendFormat, s.labels) }, values: s.points.map((p) => p[1]) },
          ],
        }));
    }
  }).map((f) => toDataFrame(f));
};

const all = (values) => Array.from({ length: values.length }, (_, i) => (values.get ? values.get(i) : values[i]));

// prepare makes what a panel shows of its results: the frames after transformations and overrides, or for panels of single values those.
const prepare = async (asked, variables) => {
  const { panel } = asked;
  const replaceVariables = expander(variables);
  const title = replaceVariables(panel.title);
  const unknown = (panel.transformations ?? []).filter((t) => !standardTransformersRegistry.getIfExists(t.id)).map((t) => t.id);
  if (unknown.length > 0) {
    throw new Error(`${title}: there is no transformation ${unknown}`);
  }
  const known = registry(panel.type);
  for (const o of panel.fieldConfig?.overrides ?? []) {
    for (const p of o.properties) {
      if (!known.getIfExists(p.id)) {
        throw new Error(`${title}: there is no setting ${p.id}`);
      }
    }
  }
  const raw = await rxjs.lastValueFrom(transformDataFrame(panel.transformations ?? [], frames(asked), { interpolate: replaceVariables }));
  const fieldConfig = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  const data = applyFieldOverrides({ data: raw, fieldConfig, replaceVariables, theme, timeZone: 'utc', fieldConfigRegistry: known });
  if (panel.type === 'stat' || panel.type === 'bargauge') {
    const values = getFieldDisplayValues({ fieldConfig, reduceOptions: panel.options.reduceOptions, replaceVariables, theme, data, timeZone: 'utc' });
    return { panel, title, values, cells: values.filter((v) => v.hasData !== false).map((v) => ({ name: v.display.title ?? v.name, text: formattedValueToString(v.display), color: v.display.color })) };
  }
  const fields = data.flatMap((frame) => frame.fields.map((field) => {
    const values = all(field.values);
    return {
      name: getFieldDisplayName(field, frame, data), type: field.type, unit: field.config.unit ?? '', hidden: Boolean(field.config.custom?.hidden || field.config.custom?.hideFrom?.viz),
      color: field.config.color?.mode === 'fixed' ? field.config.color.fixedColor : '', dash: field.config.custom?.lineStyle?.dash ?? [],
      texts: panel.type === 'table' || panel.type === 'barchart' ? values.map((v) => formattedValueToString(field.display(v))) : [],
      colors: panel.type === 'table' ? values.map((v) => field.display(v).color ?? '') : [],
      links: panel.type === 'table' && field.getLinks ? field.getLinks({ valueRowIndex: 0 }).map((l) => l.href) : [], count: values.length,
    };
  }));
  return { panel, title, data, fields };
};

// component is what Grafana draws a panel with; null for what it draws with parts of its own program, or where there is nothing to draw.
const component = ({ panel, data, values }, range, width, height) => {
  const options = panel.options ?? {};
  switch (panel.type) {
    case 'stat':
      return h(ui.VizRepeater, {
        width, height, source: values, getValues: () => values, itemSpacing: 3, autoGrid: true, orientation: options.orientation, renderCounter: 1, getAlignmentFactors: getDisplayValueAlignmentFactors,
        renderValue: (v) => h(ui.BigValue, {
          ...v, value: v.value.display, colorMode: options.colorMode, graphMode: options.graphMode, justifyMode: options.justifyMode, textMode: options.textMode, text: options.text, theme,
        }),
      });
    case 'bargauge': {
      const manual = options.sizing === 'manual' || !sized;
      return h(ui.VizRepeater, {
        width, height, source: values, getValues: () => values, itemSpacing: 10, orientation: options.orientation, renderCounter: 1, getAlignmentFactors: getDisplayValueAlignmentFactors,
        minVizWidth: options.minVizWidth, minVizHeight: manual ? options.minVizHeight : 16, maxVizHeight: !sized ? undefined : manual ? options.maxVizHeight : 300,
        renderValue: (v) => h(ui.BarGauge, {
          ...v, value: v.value.display, field: v.value.field, display: v.value.view?.getFieldDisplayProcessor(v.value.colIndex), displayMode: options.displayMode,
          text: options.text, showUnfilled: options.showUnfilled, valueDisplayMode: options.valueMode, namePlacement: options.namePlacement ?? 'auto', theme, itemSpacing: 10, lcdCellWidth: 8,
        }),
      });
    }
    case 'table':
      return data.length === 0 ? null : h(ui.Table, { data: data[0], width, height, initialSortBy: options.sortBy, cellHeight: options.cellHeight, resizable: true });
    case 'timeseries':
      return data.length === 0 ? null : h(ui.TimeSeries, { frames: data, timeRange: range, timeZone: 'utc', width, height, legend: options.legend, structureRev: 1, options });
    default:
      return null;
  }
};

// Guard shows the error of a component in its place.
class Guard extends React.Component {
  constructor(props) { super(props); this.state = { error: '' }; }
  static getDerivedStateFromError(error) { return { error: String(error.stack) }; }
  render() { return this.state.error ? h('pre', { className: 'error' }, this.state.error) : this.props.children; }
}

const line = 38; // of Grafana's grid

const section = (shown, range, column) => {
  const { x, y, w, h: lines } = shown.panel.gridPos;
  const at = { left: x * column + 4, top: y * line + 4, width: w * column - 8, height: lines * line - 8 };
  const drawn = shown.error ? h('pre', { className: 'error' }, shown.error) : component(shown, range, at.width - 18, at.height - 42);
  return h('section', {
    key: shown.panel.id, id: 'panel-' + shown.panel.id,
    style: { position: 'absolute', ...at, background: theme.colors.background.primary, border: '1px solid ' + theme.colors.border.weak, overflow: 'hidden' },
  }, h('h2', { style: { font: '500 14px/24px Inter', margin: '4px 8px', whiteSpace: 'nowrap' } }, shown.title), h('div', { style: { margin: '0 8px' } }, h(Guard, null, drawn)));
};

// cut are the texts of an element that have no room: they end in dots, or lie outside.
const cut = (element) => {
  const box = element.getBoundingClientRect();
  return [...element.querySelectorAll('*')].filter((e) => e.childNodes.length > 0 && [...e.childNodes].every((n) => n.nodeType === Node.TEXT_NODE) && e.innerText?.trim()).filter((e) => {
    const r = e.getBoundingClientRect();
    const scrolled = e.closest('[role=table], [role=row]') !== null; // rows of a table may be below
    return e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 0 || r.right > box.right + 1 || !scrolled && r.bottom > box.bottom + 1;
  }).map((e) => e.innerText.trim());
};

// draw draws a dashboard, and returns what it shows.
globalThis.draw = async ({ asked, variables, from, to, width }) => {
  document.body.style.cssText = `margin: 0; background: ${theme.colors.background.canvas}; color: ${theme.colors.text.primary}; font: 14px Inter, sans-serif; position: relative`;
  const shown = await Promise.all(asked.map((a) => prepare(a, variables).catch((e) => ({ panel: a.panel, title: a.panel.title, error: String(e.stack) }))));
  const range = { from: dateTime(from), to: dateTime(to), raw: { from: dateTime(from), to: dateTime(to) } };
  const style = document.createElement('style');
  style.textContent = grafana.uplot + '*, *::before, *::after { box-sizing: border-box }'; // the latter is of Grafana's own program
  document.head.append(style);
  // Texts are measured before they are drawn, in the font that they are drawn in.
  const font = (weight, file) => new FontFace('Inter', `url(public/fonts/inter/Inter-${file}.woff2)`, { weight }).load().then((f) => document.fonts.add(f));
  await Promise.all([font('400', 'Regular'), font('500', 'Medium')]);
  const root = document.createElement('main');
  document.body.replaceChildren(root);
  document.body.style.height = Math.max(...asked.map((a) => (a.panel.gridPos.y + a.panel.gridPos.h) * line)) + 'px';
  createRoot(root).render(h(ui.ThemeContext.Provider, { value: theme }, h(ui.GlobalStyles), ...shown.map((s) => section(s, range, width / 24))));
  await new Promise((resolve) => setTimeout(resolve, 500)); // graphs are drawn after a frame or two
  return shown.map(({ panel, title, error, fields, cells }) => {
    const drawn = document.getElementById('panel-' + panel.id);
    const text = drawn.querySelector('h2 + div').innerText;
    return {
      type: panel.type, title, error: error ?? drawn.querySelector('.error')?.innerText ?? '', fields: fields ?? [], cells: cells ?? [], cut: cut(drawn), text,
      drawn: text.trim() !== '' || drawn.querySelector('canvas') !== null,
    };
  });
};
