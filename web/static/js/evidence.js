// Why something is proposed for the active image: the words at once, who speaks for it when somebody rests there.
import { ask, pictureUrl } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";

const REST_MS = 80; // arrows run over many images
const MOST_KEPT = 500;

/** The part of the side panel. */
export class Evidence {
  #panel = byId("evidence");
  #known = new Map(); // voters by image and words: a vote anew has other words
  #timer = 0;
  #run = 0; // counts images: an answer that comes late is not shown

  /** Show it for an image; hide it for one that nothing is said about. */
  explain(image) {
    const mine = ++this.#run;
    clearTimeout(this.#timer);
    this.#panel.hidden = !image?.why;
    if (this.#panel.hidden) return;
    const key = `${image.image_id} ${image.why}`;
    this.#show(image, this.#known.get(key) ?? []);
    if (this.#known.has(key)) return;
    this.#timer = setTimeout(async () => {
      const { evidence } = await ask(`images/${image.image_id}/prediction`).catch(() => ({ evidence: [] }));
      this.#keep(key, evidence);
      if (mine === this.#run) this.#show(image, evidence);
    }, REST_MS);
  }

  #show({ why }, evidence) {
    const voters = evidence.map((voter) =>
      make(
        "figure",
        {},
        make("img", { src: pictureUrl(voter.image_id, 96), alt: "" }),
        make("figcaption", { textContent: `${voter.taxon} ${format.distance(voter.distance)}` }),
      ),
    );
    this.#panel.replaceChildren(make("h2", { textContent: "Why" }), make("p", { textContent: why }), make("div", {}, ...voters));
  }

  #keep(key, evidence) {
    this.#known.set(key, evidence);
    if (this.#known.size > MOST_KEPT) this.#known.delete(this.#known.keys().next().value);
  }
}
