// The table of a chart: the same figures, for those who cannot see it and for copying. It is made when it is first opened.

// tableOf makes a folded table. rows is a function that returns the titles of the columns, and rows of texts.
function tableOf(title, rows) {
  const details = element("details", {class: "figures"}, element("summary", {}, "Figures of this chart as a table"));
  details.addEventListener("toggle", () => { if (details.open) fill(); });
  onChange(() => { if (details.open) fill(); });
  function fill() {
    const {columns, body} = rows();
    const table = element("table", {}, element("caption", {}, title),
      element("thead", {}, element("tr", {}, ...columns.map((c, i) => element("th", {scope: "col", class: i === 0 ? "left" : false}, c)))),
      element("tbody", {}, ...body.map(row => element("tr", {}, ...row.map((c, i) => i === 0 ? element("th", {scope: "row"}, name(c)) : element("td", {}, c))))));
    while (details.children.length > 1) details.lastChild.remove();
    details.append(element("div", {class: "scroll", tabindex: 0, role: "group", "aria-label": title}, table));
  }
  return details;
}
