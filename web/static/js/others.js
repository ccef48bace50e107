// What other people do to the images that are shown here, as they do it.
import { ask } from "./api.js";
import { byId } from "./dom.js";
import { events } from "./events.js";
import * as format from "./format.js";
import { hear } from "./heard.js";

const SHOWN_MS = 8_000;
const MOST_ASKED = 10_000;

let timer = 0;

const { person } = document.body.dataset;

/**
 * Keep the names on a grid's tiles current.
 * @param {import("./grid.js").Grid} grid
 * @param {import("./labelling.js").Labelling} labelling
 * @param {(images: object[]) => void} onChanged gets images with their new names
 */
export function followOthers(grid, labelling, onChanged) {
  // While a change of ours is on its way, what we hear may be that very change: its answer tells.
  events.on("labels", async ({ labels }) => {
    await labelling.settled;
    take(labels.map(({ image_id, taxon, state, version, who }) => ({ image_id, taxon, state, label_version: version, by: who })));
  });
  events.on("resync", check);
  events.on("live", check);

  function take(changes) {
    const news = changes.filter((change) => (grid.find(change.image_id)?.label_version ?? Infinity) < change.label_version);
    hear(changes);
    if (!news.length) return;
    onChanged(news);
    say(news);
  }

  /** Something may have been missed. */
  async function check() {
    const ids = grid.images.slice(0, MOST_ASKED).map(({ image_id }) => image_id);
    if (!ids.length) return;
    try {
      const { names } = await ask("images/names", { method: "POST", body: { image_ids: ids } });
      await labelling.settled;
      take(names.map((name) => ({ ...name, by: "somebody" })));
    } catch {
      // The banner says it; a label for an image that is called something else by now is refused.
    }
  }
}

function say(changes) {
  const { by, taxon } = changes.at(-1);
  const same = changes.filter((change) => change.by === by && change.taxon === taxon);
  const images = format.images(same.length);
  const more = changes.length - same.length;
  const who = by === person ? "Another page of yours" : by;
  const text = taxon ? `${who} named ${images} ${taxon}` : `${who} took the name back from ${images}`;
  byId("others").textContent = byId("others").title = more ? `${text}, and ${format.images(more)} changed besides` : text;
  clearTimeout(timer);
  timer = setTimeout(() => (byId("others").textContent = byId("others").title = ""), SHOWN_MS);
}
