// One image in the grid.
import { pictureUrl } from "./api.js";
import { make } from "./dom.js";
import * as format from "./format.js";

const PICTURE_PX = 192;

/**
 * @param {object} image as the API gives it; with `distance` and `metric` in a list of neighbours
 * @param {boolean} isQuery whether it is what the others are compared with
 */
export function makeTile(image, isQuery = false) {
  const picture = make("img", {
    src: pictureUrl(image.image_id, PICTURE_PX),
    alt: "",
    loading: "lazy",
    decoding: "async",
    draggable: false,
  });
  const tile = make(
    "div",
    { className: isQuery ? "tile query" : "tile", id: `tile-${image.image_id}` },
    picture,
    make("span", { className: "pick", title: "Select" }),
    make("span", { className: "caption" }),
  );
  tile.setAttribute("role", "option");
  tile.setAttribute("aria-selected", "false");
  tile.dataset.id = image.image_id;
  // A picture smaller than its tile is not blown up.
  tile.classList.toggle("small", Math.max(image.width_px, image.height_px) < 80);
  caption(tile, image, isQuery);
  return tile;
}

/** Write what an image is called now. */
export function caption(tile, image, isQuery = tile.classList.contains("query")) {
  const where = isQuery
    ? "specimen"
    : image.score !== undefined
      ? format.percent(image.score)
    : image.distance === undefined
      ? format.timeOfDay(image.captured_at ?? image.indexed_at)
      : format.distance(image.distance, image.metric);
  const proposal = image.taxon ? null : image.predicted;
  const name = make("i", { textContent: image.taxon ?? proposal ?? "", title: image.taxon ? `${image.taxon}, ${image.state}` : (image.why ?? "") });
  name.className = proposal ? "predicted" : image.state;
  tile.querySelector(".caption").replaceChildren(make("b", { textContent: where }), name);
  const called = image.taxon ? `${image.taxon}, ${image.state}` : proposal ? `perhaps ${proposal}` : "unlabelled";
  tile.setAttribute("aria-label", `${where}, ${called}, ${image.camera}`);
}
