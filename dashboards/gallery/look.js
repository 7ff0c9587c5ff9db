// What a reader sees of a Grafana dashboard. Each place of its grid is a .react-grid-item in versions 9.4 to 13; the title and the sign of an error have had several marks.
(() => {
  const titleOf = (item) => {
    const marked = item.querySelector('[data-testid^="data-testid Panel header "]') || (item.matches('[data-testid^="data-testid Panel header "]') && item);
    if (marked) return marked.getAttribute('data-testid').slice('data-testid Panel header '.length);
    const heading = item.querySelector('h2, h6');
    return heading ? heading.innerText : '';
  };
  const errorOf = (item) => {
    const mark = item.querySelector('[data-testid="data-testid Panel status error"], .panel-info-corner--error, [aria-label="Panel status error"]');
    if (mark) return mark.getAttribute('title') || mark.getAttribute('aria-label') || mark.innerText || 'marked in its corner';
    const failed = [/Panel plugin not found.*/, /An unexpected error happened.*/, /Error loading: .*/, /Query error.*/].map((r) => item.innerText.match(r)).find((m) => m);
    return failed ? failed[0] : '';
  };
  const panels = [...document.querySelectorAll('.react-grid-item')].map((item) => {
    const title = titleOf(item).trim();
    return { title, text: item.innerText.replace(title, '').trim(), error: errorOf(item) };
  }).filter((p) => p.title !== '' || p.error !== '');
  const alerts = [...document.querySelectorAll('[role="alert"], [data-testid^="data-testid Alert error"]')].map((a) => a.innerText.trim()).filter((t) => t !== '');
  if (/Dashboard not found/.test(document.body.innerText)) alerts.push('Dashboard not found');
  return { panels, alerts: [...new Set(alerts)] };
})()
