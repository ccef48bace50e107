// A confusion matrix as a table whose cells are tinted: the numbers say it, the colours show it.
import { make } from "./dom.js";
import * as format from "./format.js";

/**
 * @param {HTMLElement} element
 * @param {{taxa: string[], counts: number[][]}} found rows by columns
 * @param {{rows: string, columns: string}} names of who is who
 */
export function drawMatrix(element, { taxa, counts }, { rows, columns }) {
  if (!taxa.length) {
    element.replaceChildren(make("p", { className: "waiting", textContent: "No image to compare." }));
    return;
  }
  const heads = taxa.map((taxon) => make("th", { scope: "col" }, make("span", { textContent: taxon })));
  const body = taxa.map((taxon, row) => {
    const total = counts[row].reduce((sum, one) => sum + one, 0);
    const cells = counts[row].map((count, column) => cell(count, total, taxa[column], row === column));
    return make("tr", {}, make("th", { scope: "row", textContent: taxon }), ...cells);
  });
  const caption = make("caption", { textContent: `Rows: ${rows}. Columns: ${columns}. The stronger the colour, the larger the share of its row.` });
  const corner = make("td");
  element.replaceChildren(
    make("table", { className: "matrix" }, caption, make("thead", {}, make("tr", {}, corner, ...heads)), make("tbody", {}, ...body)),
  );
}

function cell(count, total, column, isSame) {
  const share = total ? count / total : 0;
  const classes = [isSame ? "same" : "", count ? "" : "zero"].join(" ").trim();
  const title = count ? `${format.percent(share)} of the row called ${column}` : "";
  const made = make("td", { textContent: format.count(count), className: classes, title });
  made.style.setProperty("--share", share.toFixed(3));
  return made;
}
