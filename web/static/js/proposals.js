// Working through a queue: accept what is selected, remember what is not, go on.
import { pictureUrl } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { Queue } from "./queue.js";
import { toast } from "./toast.js";

const TITLES = {
  clusters: "Cluster",
  predicted: "Predicted, best first",
  doubtful: "Predicted, worst first",
  uncertain: "Uncertain",
  novel: "Novel",
  rare: "Rare taxa",
  newest: "Newest unlabelled",
};

/** Shows a queue in the grid and does what its keys say. */
export class Proposals {
  #grid;
  #labelling;
  #queue = new Queue();
  #name = "";
  #isBusy = false;

  /**
   * @param {import("./grid.js").Grid} grid
   * @param {import("./labelling.js").Labelling} labelling
   */
  constructor(grid, labelling) {
    this.#grid = grid;
    this.#labelling = labelling;
  }

  /** Open a queue; `query` is its filters, `taxon` among them the proposed one. */
  async open(name, query) {
    this.#name = name;
    this.#show(await this.#queue.open(name, query));
  }

  /** Unlabelled look-alikes of a specimen. */
  async grow(imageId) {
    this.#show(await this.#queue.grow(imageId));
  }

  /** Label what is selected as it is proposed; what was taken out before is remembered as wrong. */
  accept() {
    return this.#once(async () => {
      const selected = this.#grid.selected.filter((image) => this.#queue.proposed ?? image.predicted);
      if (!selected.length) return toast("Nothing is proposed for the selection: press L and name it.");
      const byTaxon = Map.groupBy(selected, (image) => (this.#queue.isGroup ? this.#queue.proposed : image.predicted));
      return (await this.#labelling.applyEach(byTaxon, "validated")) && this.#judged(null);
    });
  }

  /** The selection got a name of somebody's choice. */
  async named(taxon) {
    this.#queue.accepted();
    if (this.#queue.isGroup) await this.#judged(taxon);
  }

  /** Say that the active image is not what is proposed for it. */
  reject() {
    return this.#once(async () => {
      const image = this.#grid.active;
      const taxon = this.#queue.proposed ?? image?.predicted;
      if (!taxon) return toast("Nothing is proposed for this image.");
      await this.#queue.reject([image], taxon);
      this.#grid.deselect(image.image_id);
      return toast(`Not ${taxon}: it is not proposed for this image again.`);
    });
  }

  /** Go on to the next page; a cluster that nothing was taken from comes later. */
  next() {
    return this.#once(async () => this.#show(await this.#queue.next()));
  }

  /** Who speaks for an image, in the side panel. */
  explain(image) {
    const panel = byId("evidence");
    panel.hidden = !image?.why;
    if (panel.hidden) return;
    const voters = image.evidence.map((voter) =>
      make(
        "figure",
        {},
        make("img", { src: pictureUrl(voter.image_id, 96), alt: "" }),
        make("figcaption", { textContent: `${voter.taxon} ${format.distance(voter.distance)}` }),
      ),
    );
    panel.replaceChildren(make("h2", { textContent: "Why" }), make("p", { textContent: image.why }), make("div", {}, ...voters));
  }

  #show(images) {
    this.#grid.show(images);
    // What is proposed comes selected: the wrong ones are taken out.
    const proposed = images.filter((image) => this.#queue.isGroup || image.predicted);
    this.#grid.select(proposed.map((image) => image.image_id));
    const { proposed: taxon } = this.#queue;
    byId("heading").textContent = `${this.#queue.isGroup ? "Look-alikes" : TITLES[this.#name]}${taxon ? `: ${taxon}?` : ""}`;
    byId("accept").disabled = !images.some((image) => image.predicted);
    byId("scroll").scrollTop = 0;
    byId("empty").hidden = images.length > 0;
    byId("empty").replaceChildren(make("b", { textContent: "This queue is empty" }), "Predictions appear as labels and images arrive.");
    byId("grid").focus({ preventScroll: true });
    this.explain(this.#grid.active);
  }

  async #judged(taxon) {
    this.#queue.accepted();
    // Of a group only what comes before the last that was kept: beyond the cut nobody may have looked.
    const images = this.#grid.images;
    const last = this.#queue.isGroup ? images.findLastIndex((image) => image.taxon) : images.length;
    const out = images.slice(0, last).filter((image) => !image.taxon && (taxon ?? this.#queue.proposed ?? image.predicted));
    // Whoever keeps a few only has picked them: the others were not judged.
    if (out.length <= images.length - out.length) await this.#queue.reject(out, taxon ?? this.#queue.proposed);
    this.#grid.select([]);
  }

  async #once(work) {
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      await work();
    } catch (error) {
      toast(error.message, { bad: true });
    } finally {
      this.#isBusy = false;
    }
  }
}
