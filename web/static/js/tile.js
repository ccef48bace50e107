// One image in the grid.
import { make } from "./dom.js";
import * as format from "./format.js";
import { cellOf, fitted } from "./pictures.js";
import { bar, scaleOf } from "./scale.js";

const BAR_FROM_PX = 100; // a bar in a smaller tile would hide what is in it

const MARKS = ["active", "further", "missing"]; // of the image that a tile had before

// A tile that is used again keeps the classes and texts that stay: what changes the browser styles and lays out anew.
const blank = make(
  "div",
  { className: "tile" },
  make(
    "span",
    { className: "picture" },
    make("span", { className: "pick", title: "Select" }),
    make("span", { className: "zoom", title: "Enlarge" }),
    make("span", { className: "cell" }),
  ),
  make("span", { className: "caption" }, make("b"), make("i")),
);
blank.setAttribute("role", "option");
blank.setAttribute("aria-selected", "false");

/**
 * @param {object} image as the API gives it; with `distance` and `metric` in a list of neighbours
 * @param {{isQuery: boolean, isSelected: boolean}} marks `isQuery`: it is what the others are compared with
 * @param {HTMLElement} [tile] one that is not needed any more: cheaper for the browser than a new one
 */
export function makeTile(image, { isQuery, isSelected }, tile = blank.cloneNode(true)) {
  tile.id = `tile-${image.image_id}`;
  tile.dataset.id = image.image_id;
  tile.classList.toggle("query", isQuery);
  for (const mark of MARKS) tile.classList.toggle(mark, false);
  markSelected(tile, isSelected);
  erase(tile);
  caption(tile, image, isQuery);
  return tile;
}

/** Show whether it is selected. */
export function markSelected(tile, is) {
  if (tile.getAttribute("aria-selected") !== String(is)) tile.setAttribute("aria-selected", String(is));
}

/** Until it has its picture it shows none. */
function erase(tile) {
  tile.querySelector(".cell").className = "cell";
  tile.querySelector(".bar")?.remove();
}

/** Write a text into an element that has nothing else. */
function write(element, text) {
  if (!element.firstChild) element.textContent = text;
  else if (element.firstChild.data !== text) element.firstChild.data = text;
}

/** Write what an image is called now. */
export function caption(tile, image, isQuery = tile.classList.contains("query")) {
  const where = isQuery
    ? "specimen"
    : image.score !== undefined && image.predicted
      ? format.percent(image.score)
    : image.distance === undefined
      ? format.timeOfDay(image.captured_at) || "undated"
      : format.distance(image.distance, image.metric);
  const proposal = image.taxon ? null : image.predicted;
  const [place, name] = tile.querySelector(".caption").children;
  const called = image.taxon ?? proposal ?? "";
  write(place, where);
  write(name, called);
  name.title = image.taxon ? `${image.taxon}, ${image.state}` : (image.why ?? "");
  tile.classList.toggle("named", called !== "");
  const look = proposal ? "predicted" : image.state;
  if (name.className !== look) name.className = look;
  tile.querySelector(".by")?.remove();
  tile.classList.toggle("theirs", Boolean(image.by));
  if (image.by) tile.append(make("span", { className: "by", textContent: image.by, title: `${image.taxon ?? "no name"}, by ${image.by} just now` }));
  const said = image.taxon ? `${image.taxon}, ${image.state}` : proposal ? `perhaps ${proposal}` : "unlabelled";
  tile.setAttribute("aria-label", `${where}, ${said}${image.by ? ` by ${image.by} just now` : ""}, ${image.camera}`);
}

/**
 * Draw an image's picture if it is here: its part of the sheet, as the background of a cell of its
 * size. A canvas for each tile would be a layer for each, which costs more than all else.
 * @param {HTMLElement} tile
 * @param {object} image
 * @param {{tilePx: number, sizePx: number, common: object|null}} look in screen pixels;
 *   `common` is the scale of all tiles, null: each fills its own
 * @returns {boolean} whether it was drawn
 */
export function draw(tile, image, { tilePx, sizePx, common }) {
  const found = cellOf(image.image_id, sizePx);
  if (!found) return false;
  erase(tile);
  tile.classList.toggle("missing", found.isMissing);
  if (found.isMissing) return true;
  const scale = scaleOf(image, tilePx, common);
  const size = [image.width_px, image.height_px].map((length) => Math.max(1, Math.round(length * scale)));
  const cell = tile.querySelector(".cell");
  cell.classList.add(found.sheet.className);
  cell.style.cssText = placed(found, fitted(image.width_px, image.height_px, found.px), size, tilePx);
  const length = !common && image.pixel_size_um && tilePx >= BAR_FROM_PX ? bar(scale / image.pixel_size_um, tilePx) : null;
  if (length) tile.firstChild.append(drawnBar(length, tilePx));
  return true;
}

/**
 * Where a cell lies in its tile, and the sheet behind it, of which `part` is shown. In shares: right also
 * after the page was zoomed or tiles have another size, until they are drawn anew.
 */
function placed({ sheet, left, top }, part, size, tilePx) {
  const shares = (...numbers) => numbers.map((number) => `${100 * number}%`).join(" ");
  const [x, y] = size.map((length) => Math.round((tilePx - length) / 2) / tilePx);
  const [width, height] = size.map((length) => length / tilePx);
  const whole = [sheet.width, sheet.height];
  const behind = [left, top].map((at, axis) => (whole[axis] > part[axis] ? at / (whole[axis] - part[axis]) : 0));
  const scaled = whole.map((length, axis) => length / part[axis]);
  return `margin: ${shares(y, 0, 0, x)}; width: ${shares(width)}; height: ${shares(height)}; background-position: ${shares(...behind)}; background-size: ${shares(...scaled)}`;
}

function drawnBar({ px, text }, tilePx) {
  const element = make("span", { className: "bar" });
  element.dataset.length = text;
  element.style.width = `${(100 * px) / tilePx}%`;
  return element;
}
