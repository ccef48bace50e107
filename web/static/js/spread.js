// A heat map of images over capture time and depth, and the same as a table.
import { node } from "./chart.js";
import { make } from "./dom.js";
import * as format from "./format.js";

const MARGIN = { top: 6, right: 6, bottom: 24, left: 78 };
const TICK_PX = 92;
const TALLEST_ROW_PX = 34;
const WIDEST_COLUMN_PX = 96;
const FAINTEST = 0.16;

const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const dayAndHour = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/**
 * Draw how many images lie in each bin; the stronger the more, by the square root.
 * @param {HTMLElement} element filled with the drawing
 * @param {object} spread as the API gives it, with at least one cell
 */
export function drawSpread(element, spread) {
  const { columns, rows } = extent(spread);
  const { clientWidth: width, clientHeight } = element;
  const height = clientHeight || 330;
  const pitch = {
    x: Math.min(WIDEST_COLUMN_PX, (width - MARGIN.left - MARGIN.right) / columns),
    y: Math.min(TALLEST_ROW_PX, (height - MARGIN.top - MARGIN.bottom) / rows.length),
  };
  const most = Math.max(...spread.cells.map(({ images }) => images));
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Images over time and depth, ${most} at most in a bin` });
  const plot = { width: pitch.x * columns, height: pitch.y * rows.length };
  svg.append(node("rect", { class: "ground", x: MARGIN.left, y: MARGIN.top, width: plot.width, height: plot.height, rx: 3 }));
  for (const cell of spread.cells) {
    const place = { x: MARGIN.left + cell.column * pitch.x, y: MARGIN.top + rows.indexOf(cell.row) * pitch.y };
    const shade = FAINTEST + (1 - FAINTEST) * Math.sqrt(cell.images / most);
    const size = { width: Math.max(1, pitch.x - 1), height: Math.max(1, pitch.y - 1) };
    const title = node("title", {}, `${columnName(spread, cell.column)}, ${rowName(spread, cell.row)}: ${format.images(cell.images)}`);
    svg.append(node("rect", { class: "cell", ...place, ...size, "fill-opacity": shade.toFixed(3) }, title));
  }
  svg.append(...depthAxis(spread, rows, pitch), ...timeAxis(spread, columns, pitch, plot.height));
  element.replaceChildren(svg);
}

/** The same numbers, a row a bin of time. */
export function spreadTable(spread) {
  const { rows } = extent(spread);
  const head = make("tr", {}, ...["time", ...rows.map((row) => rowName(spread, row))].map((text) => make("th", { textContent: text, scope: "col" })));
  const byColumn = Map.groupBy(spread.cells, (cell) => cell.column);
  const body = [...byColumn].toSorted(([a], [b]) => a - b).map(([column, cells]) => {
    const counts = rows.map((row) => cells.find((cell) => cell.row === row)?.images ?? 0);
    return make(
      "tr", {},
      make("th", { textContent: columnName(spread, column), scope: "row" }),
      ...counts.map((count) => make("td", { textContent: format.count(count), className: count ? "" : "zero" })),
    );
  });
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
}

// All rows between the shallowest and the deepest; what has no depth comes last.
function extent(spread) {
  const columns = 1 + Math.max(...spread.cells.map(({ column }) => column));
  const known = spread.cells.map(({ row }) => row).filter((row) => row !== null);
  const rows = Array.from({ length: known.length ? 1 + Math.max(...known) : 0 }, (_, row) => row);
  return { columns, rows: spread.cells.some(({ row }) => row === null) ? [...rows, null] : rows };
}

function depthAxis(spread, rows, pitch) {
  const every = Math.max(1, Math.ceil(15 / pitch.y));
  return rows
    .filter((row, index) => row === null || index % every === 0)
    .map((row) => {
      const y = MARGIN.top + (rows.indexOf(row) + 0.5) * pitch.y + 4;
      return node("text", { x: MARGIN.left - 8, y, "text-anchor": "end" }, row === null ? "unknown" : rowName(spread, row));
    });
}

function timeAxis(spread, columns, pitch, height) {
  const every = Math.ceil(TICK_PX / pitch.x);
  const ticks = Array.from({ length: columns }, (_, column) => column).filter((column) => column % every === 0);
  return ticks
    .filter((column) => column === 0 || (columns - column) * pitch.x >= TICK_PX / 2)
    .map((column) => node("text", { x: MARGIN.left + column * pitch.x, y: MARGIN.top + height + 16 }, columnName(spread, column)));
}

function columnName(spread, column) {
  const at = new Date(new Date(spread.start).getTime() + column * spread.column_s * 1000);
  return (spread.column_s >= 86_400 ? day : dayAndHour).format(at);
}

function rowName(spread, row) {
  if (row === null) return "depth unknown";
  const [top, bottom] = [row, row + 1].map((edge) => Number((spread.top_m + edge * spread.row_m).toFixed(1)));
  return `${top}–${bottom} m`;
}
