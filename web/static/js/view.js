// What the bench shows, kept in the page's address so that Back, reload and links work.
import { keep, readKept } from "./kept.js";

export const FILTERS = ["camera", "state", "taxon", "below", "predicted", "after", "before", "depth_min", "depth_max"];
const DEFAULTS = { k: "100", metric: "cosine" };
const MORE = ["queue", "grow"];
const LATEST_MS = 300; // whoever loads the page anew after a choice has what was chosen
const TILES = "plankton.tiles"; // how large tiles are is a matter of the screen, not of the link

let waiting = null; // a view whose address is not written yet

/** The view in the address: filters, `like`, the image whose neighbours are shown, and `queue`
 * or `grow`, what is worked through. */
export function readView() {
  waiting = null;
  const given = new URLSearchParams(location.search);
  const view = { like: given.get("like"), ...DEFAULTS };
  for (const name of [...FILTERS, ...MORE, "k", "metric"]) view[name] = given.get(name) ?? view[name] ?? "";
  return view;
}

/** Write a view into the address; as a step that Back undoes, unless only filters change. */
export function writeView(view, { step }) {
  writeWaiting(); // Back goes to what was there before this step
  const given = Object.entries(view).filter(([name, value]) => value && value !== DEFAULTS[name]);
  const address = given.length ? `?${new URLSearchParams(given)}` : location.pathname;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

/** Write a view into the address soon, when it is on the screen: to a browser that is a navigation, with all that belongs to one. */
export function writeLater(view) {
  if (!waiting) setTimeout(writeWaiting, LATEST_MS);
  waiting = view;
}

/** It is on the screen. */
export function writeWaiting() {
  const view = waiting;
  waiting = null;
  if (view) writeView(view, { step: false });
}

/** The filters of a view, as the API takes them. */
export function filters(view) {
  return Object.fromEntries(FILTERS.map((name) => [name, view[name]]));
}

/** The same for a queue, whose images are all unlabelled: its taxon is the proposed one. */
export function queueFilters(view) {
  const { state: _, taxon, predicted, ...rest } = filters(view);
  return { ...rest, taxon: predicted || taxon };
}

/** What a view asks of the neighbours of an image. */
export function searchQuery(view) {
  return { ...filters(view), k: view.k, metric: view.metric };
}

/** Path and query of the neighbours that a view shows. */
export function neighboursOf(view) {
  return [`images/${view.like}/neighbours`, searchQuery(view)];
}

/** How tiles were last looked at: `{size, trueToScale}`. */
export function readTiles() {
  const { size, trueToScale } = readKept("localStorage", TILES) ?? {};
  return { size: Number(size) || 116, trueToScale: trueToScale === true };
}

/** Remember it. */
export function writeTiles(tiles) {
  keep("localStorage", TILES, tiles);
}
