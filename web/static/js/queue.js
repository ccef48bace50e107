// What to look at next: pages of proposals, and clusters that are grown from one specimen.
import { may } from "./account.js";
import { ask, change } from "./api.js";
import { claims } from "./claims.js";
import * as likely from "./likely.js";
import { saving } from "./saving.js";

const LEAST = 60;
const MOST_GROUP = 200; // as many as the API grows
const SEEDS = 2; // of clusters: the one that is opened, and the one after it

const NOTHING = { images: [], seed: null, cursor: null };

/** One queue at a time, one page of it. */
export class Queue {
  #name = "clusters";
  #query = {};
  #cursor = null;
  #seed = null;
  #isOpen = false;
  #wasAccepted = false;
  #proposed = null;
  #ahead = null; // promise of the page after this one
  #given = new Set(); // images that got a name here: a page that was asked for before may have them
  #fits;
  #onAhead;

  /**
   * @param {{fits: () => number, onAhead?: (images: object[]) => void}} options how many images fill
   *   the view; and who wants to know the next page's before they are shown
   */
  constructor({ fits, onAhead = () => {} }) {
    this.#fits = fits;
    this.#onAhead = onAhead;
  }

  /** Whether the page is one group, which gets one name. */
  get isGroup() {
    return this.#seed !== null;
  }

  /** The taxon that a group is proposed to be, or that all of a page are; null if they differ. */
  get proposed() {
    return this.#proposed;
  }

  /** The first page of a queue. */
  open(name, query) {
    this.#name = name;
    this.#query = query;
    this.#ahead = null;
    this.#isOpen = true;
    return this.#first();
  }

  /** Somebody may want the queue with these filters; its images, none of them claimed. */
  async expect(query) {
    if (this.#name === "clusters" || this.isGroup) return []; // groups are grown when they are wanted
    const { images } = await likely.expect(`queues/${this.#name}`, this.#peek(query));
    return images;
  }

  /** A group of unlabelled look-alikes of a specimen. */
  grow(imageId) {
    this.#ahead = null;
    this.#isOpen = true;
    return this.#group(imageId);
  }

  /** No queue is worked through any more. */
  leave() {
    this.#ahead = null;
    this.#isOpen = false;
  }

  /** A page came that nobody waits for any more; what a queue that was left gave is free again. */
  drop() {
    if (!this.#isOpen) claims.free();
  }

  /** The next page. What was accepted has left the queue; a cluster that was not is passed over. */
  async next() {
    const ahead = await this.#take();
    if (may("labeller") && this.isGroup && !this.#wasAccepted) {
      const skip = change("queues/clusters/skips", { method: "POST", body: { image_ids: [this.#seed] } });
      if (!ahead) await skip;
      else skip.catch(() => {}); // it only orders what comes later
    }
    return ahead ?? this.#ask({ cursor: this.#goesOn ? this.#cursor : null });
  }

  /** Be at a page that was asked for; its images. */
  turnTo({ images, seed, cursor }) {
    this.#seed = seed;
    this.#cursor = cursor;
    this.#wasAccepted = false;
    claims.keep(images.map((image) => image.image_id));
    const said = Map.groupBy(images.filter((one) => one.predicted), (one) => one.predicted);
    const [commonest] = [...said.entries()].toSorted(([, a], [, b]) => b.length - a.length);
    const isOne = said.size === 1 || this.isGroup;
    this.#proposed = commonest && isOne ? commonest[0] : null;
    return images;
  }

  /** Have the next page before it is asked for. */
  prefetch() {
    const ahead = this.#ask({ cursor: this.#goesOn ? this.#cursor : null, without: this.#goesOn || this.#wasAccepted ? null : this.#seed });
    this.#ahead = ahead;
    ahead.then(
      ({ images }) => {
        if (ahead !== this.#ahead) return; // asked for anew since
        claims.expect(images.map((image) => image.image_id));
        this.#onAhead(images);
      },
      () => {}, // asked for again when it is wanted
    );
  }

  /** Names were given: the rest of the queue starts over. */
  accepted() {
    this.#wasAccepted = true;
    this.prefetch();
  }

  /** Images are called otherwise: without a name they belong on pages again. */
  renamed(images) {
    for (const { image_id, taxon } of images) {
      if (taxon) this.#given.add(image_id);
      else this.#given.delete(image_id);
    }
    if (images.some((image) => !image.taxon)) this.prefetch();
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
      await saving.send("rejections", { method: "POST", body }, `what is not ${key}`);
    }
  }

  /** Whether the queue goes on after this page, and does not start over. */
  get #goesOn() {
    return !may("labeller") || (!this.#wasAccepted && !this.isGroup); // whoever looks only leaves it as it is
  }

  /** The page that was asked for ahead, without what got a name since; null: ask again. */
  async #take() {
    const page = await (this.#ahead ?? Promise.resolve(null)).catch(() => null);
    this.#ahead = null;
    if (!page || this.#given.has(page.seed)) return null;
    const images = page.images.filter((image) => !this.#given.has(image.image_id));
    return images.length || !page.images.length ? { ...page, images } : null;
  }

  #peek(query) {
    return { ...query, limit: this.#limit, peek: "true" };
  }

  get #limit() {
    return Math.max(LEAST, this.#fits());
  }

  /** The first page: only looked at, so that its pictures come while it is claimed; anew if not all of it can be had. */
  async #first() {
    if (this.#name === "clusters") return this.#ask({ cursor: null });
    const query = this.#query;
    const peeked = await likely.get(`queues/${this.#name}`, this.#peek(query));
    if (!this.#isOpen || query !== this.#query) return NOTHING; // nobody waits for it any more: claim nothing
    this.#onAhead(peeked.images);
    await claims.ready;
    return (await claims.take(peeked.images.map((image) => image.image_id))) ? this.#page(peeked) : this.#ask({ cursor: null });
  }

  async #ask({ cursor, without = null }) {
    const isClusters = this.#name === "clusters";
    const seeds = may("labeller") ? SEEDS : 1;
    const limit = isClusters ? seeds : this.#limit;
    await claims.ready;
    const page = await ask(`queues/${this.#name}`, { query: { ...this.#query, limit, cursor: cursor ?? "" } });
    if (isClusters) {
      const seed = page.images.find((image) => image.image_id !== without);
      if (!seed) return NOTHING;
      return { ...(await this.#group(seed.image_id)), cursor: may("labeller") ? null : page.next_cursor };
    }
    return this.#page(page);
  }

  #page({ images, next_cursor: cursor }) {
    // Taxon by taxon: what is wrong then stands out.
    const byTaxon = (a, b) => (a.predicted ?? "").localeCompare(b.predicted ?? "") || b.score - a.score;
    return { images: this.#name === "predicted" ? images.toSorted(byTaxon) : images, seed: null, cursor };
  }

  async #group(seed) {
    const k = Math.min(MOST_GROUP, Math.max(LEAST, this.#fits()));
    await claims.ready;
    const { images } = await ask(`images/${seed}/group`, { query: { k } });
    return { images, seed, cursor: null };
  }
}
