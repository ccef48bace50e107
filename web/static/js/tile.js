// One image in the grid.
import { make } from "./dom.js";
import * as format from "./format.js";
import { cellOf, fitted } from "./pictures.js";
import { bar, scaleOf } from "./scale.js";

const BAR_FROM_PX = 100; // a bar in a smaller tile would hide what is in it

const blank = make(
  "div",
  { className: "tile" },
  make("canvas", { className: "picture" }),
  make("span", { className: "pick", title: "Select" }),
  make("span", { className: "zoom", title: "Enlarge" }),
  make("span", { className: "caption" }, make("b"), make("i")),
);
blank.setAttribute("role", "option");
blank.setAttribute("aria-selected", "false");

/**
 * @param {object} image as the API gives it; with `distance` and `metric` in a list of neighbours
 * @param {boolean} isQuery whether it is what the others are compared with
 * @param {HTMLElement} [tile] one that is not needed any more: cheaper for the browser than a new one
 */
export function makeTile(image, isQuery = false, tile = blank.cloneNode(true)) {
  tile.id = `tile-${image.image_id}`;
  tile.dataset.id = image.image_id;
  tile.className = isQuery ? "tile query" : "tile";
  tile.setAttribute("aria-selected", "false");
  erase(tile);
  caption(tile, image, isQuery);
  return tile;
}

/** Until it has its picture it shows none. */
function erase({ firstChild: canvas }) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
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
  place.textContent = where;
  name.textContent = image.taxon ?? proposal ?? "";
  name.title = image.taxon ? `${image.taxon}, ${image.state}` : (image.why ?? "");
  tile.classList.toggle("named", name.textContent !== "");
  name.className = proposal ? "predicted" : image.state;
  tile.querySelector(".by")?.remove();
  tile.classList.toggle("theirs", Boolean(image.by));
  if (image.by) tile.append(make("span", { className: "by", textContent: image.by, title: `${image.taxon ?? "no name"}, by ${image.by} just now` }));
  const called = image.taxon ? `${image.taxon}, ${image.state}` : proposal ? `perhaps ${proposal}` : "unlabelled";
  tile.setAttribute("aria-label", `${where}, ${called}${image.by ? ` by ${image.by} just now` : ""}, ${image.camera}`);
}

/**
 * Draw an image's picture if it is here.
 * @param {HTMLElement} tile
 * @param {object} image
 * @param {{tilePx: number, sizePx: number, common: object|null}} look in screen pixels;
 *   `common` is the scale of all tiles, null: each fills its own
 * @returns {boolean} whether it was drawn
 */
export function draw(tile, image, { tilePx, sizePx, common }) {
  const cell = cellOf(image.image_id, sizePx);
  if (!cell) return false;
  const canvas = tile.firstChild;
  if (canvas.width !== tilePx || canvas.height !== tilePx) canvas.width = canvas.height = tilePx;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, tilePx, tilePx);
  tile.classList.toggle("missing", cell.isMissing);
  if (cell.isMissing) return true;
  const [width, height] = fitted(image.width_px, image.height_px, cell.px);
  const scale = scaleOf(image, tilePx, common);
  const [wide, high] = [Math.max(1, image.width_px * scale), Math.max(1, image.height_px * scale)];
  const [left, top] = [Math.round((tilePx - wide) / 2), Math.round((tilePx - high) / 2)];
  context.imageSmoothingQuality = "medium";
  context.drawImage(cell.sheet.bitmap, cell.left, cell.top, width, height, left, top, wide, high);
  const length = !common && image.pixel_size_um && tilePx >= BAR_FROM_PX ? bar(scale / image.pixel_size_um, tilePx) : null;
  if (length) drawBar(context, length, tilePx);
  return true;
}

/** Dark on a light rim, so that it is seen on every picture. */
function drawBar(context, { px, text }, tilePx) {
  const [left, bottom] = [5, tilePx - 6];
  context.font = "10px system-ui, sans-serif";
  for (const [colour, rim] of [["#fffd", 2.5], ["#172022", 0]]) {
    context.strokeStyle = context.fillStyle = colour;
    context.lineWidth = 1.5 + rim;
    context.beginPath();
    context.moveTo(left, bottom);
    context.lineTo(left + px, bottom);
    context.stroke();
    context.lineWidth = rim;
    if (rim) context.strokeText(text, left, bottom - 4);
    else context.fillText(text, left, bottom - 4);
  }
}
