// What the bench says when there is nothing to show.
import { byId, make } from "./dom.js";
import { filters } from "./view.js";

/**
 * Say why the grid is empty, or nothing if it is not.
 * @param {number} shown tiles
 * @param {object} view what is shown
 * @param {boolean} isList whether these are neighbours; the specimen is not one of them
 */
export function showEmpty(shown, view, isList) {
  byId("empty").hidden = shown > (view.like ? 1 : 0);
  const [title, hint] = Object.values(filters(view)).some(Boolean)
    ? ["Nothing matches", "No image fulfils all conditions above."]
    : isList
      ? ["No neighbours yet", "This is the only image in the index so far."]
      : ["No images yet", "Waiting for a camera: what it sees appears here within seconds."];
  byId("empty").replaceChildren(make("b", { textContent: title }), hint);
}
