// What to look at next: pages of proposals, and clusters that are grown from one specimen.
import { ask, change } from "./api.js";

const PAGE = 60;

/** One queue at a time, one page of it. */
export class Queue {
  #name = "";
  #query = {};
  #cursor = null;
  #seed = null;
  #wasAccepted = false;
  #proposed = null;

  /** Whether the page is one group, which gets one name. */
  get isGroup() {
    return this.#seed !== null;
  }

  /** The taxon that a group is proposed to be, or that all of a page are; null if they differ. */
  get proposed() {
    return this.#proposed;
  }

  /** Open a queue at its first page. */
  open(name, query) {
    this.#name = name;
    this.#query = query;
    this.#cursor = null;
    return this.#load();
  }

  /** A group of unlabelled look-alikes of a specimen. */
  async grow(imageId) {
    this.#seed = imageId;
    const { images } = await ask(`images/${imageId}/group`, { query: { k: PAGE } });
    return this.#show(images);
  }

  /** The next page. What was accepted has left the queue; a cluster that was not is passed over. */
  async next() {
    if (this.#seed !== null && !this.#wasAccepted) {
      await change("queues/clusters/skips", { method: "POST", body: { image_ids: [this.#seed] } });
    }
    if (this.#wasAccepted || this.#seed !== null) this.#cursor = null;
    return this.#load();
  }

  /** Names were given: the rest of the queue starts over. */
  accepted() {
    this.#wasAccepted = true;
  }

  /**
   * Remember that images are not what was proposed, so that it is not proposed again.
   * @param {object[]} images
   * @param {string|null} taxon of all of them; null: each its own proposal
   */
  async reject(images, taxon = null) {
    const byTaxon = Map.groupBy(images, (image) => taxon ?? image.predicted);
    byTaxon.delete(null);
    for (const [key, some] of byTaxon) {
      const body = { image_ids: some.map((image) => image.image_id), taxon: key };
      await change("rejections", { method: "POST", body });
    }
  }

  async #load() {
    const isClusters = this.#name === "clusters";
    const query = { ...this.#query, limit: isClusters ? 1 : PAGE, cursor: this.#cursor ?? "" };
    const page = await ask(`queues/${this.#name}`, { query });
    this.#cursor = page.next_cursor;
    if (isClusters && page.images.length) return this.grow(page.images[0].image_id);
    this.#seed = null;
    // Taxon by taxon: what is wrong then stands out.
    const byTaxon = (a, b) => (a.predicted ?? "").localeCompare(b.predicted ?? "") || b.score - a.score;
    return this.#show(this.#name === "predicted" ? page.images.toSorted(byTaxon) : page.images);
  }

  #show(images) {
    this.#wasAccepted = false;
    const said = Map.groupBy(images.filter((one) => one.predicted), (one) => one.predicted);
    const [commonest] = [...said.entries()].toSorted(([, a], [, b]) => b.length - a.length);
    const isOne = said.size === 1 || this.isGroup;
    this.#proposed = commonest && isOne ? commonest[0] : null;
    return images;
  }
}
