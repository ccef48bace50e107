// The stream of new images: newest first, held still while somebody works in it.
import { ask } from "./api.js";
import { events } from "./events.js";
import * as format from "./format.js";
import * as likely from "./likely.js";

const LEAST = 120;
const MOST_TILES = 1_000;

/** Fills a grid with what arrives. */
export class Arriving {
  #grid;
  #fresh;
  #query = {};
  #cursor = null;
  #isActive = false;
  #isLoading = false;
  #seen = "";
  #ahead = null; // promise of the page after the last, asked for before it is wanted
  #run = 0;

  /**
   * @param {import("./grid.js").Grid} grid
   * @param {HTMLButtonElement} fresh says how many wait to be shown
   */
  constructor(grid, fresh) {
    this.#grid = grid;
    this.#fresh = fresh;
    fresh.addEventListener("click", () => this.start(this.#query));
  }

  /** Show the newest images that match. */
  async start(query) {
    this.#query = query;
    this.#isActive = true;
    this.#fresh.hidden = true;
    const run = ++this.#run;
    const page = await likely.get("images", this.#first(query));
    await this.#grid.prepare(page.images);
    if (run !== this.#run) return;
    this.#cursor = page.next_cursor;
    this.#ahead = null;
    this.#grid.show(page.images);
    this.#grid.shown.then(() => run === this.#run && !this.#ahead && this.#goOn(this.#cursor));
  }

  /** Somebody may want those that match this. */
  async expect(query) {
    const { images } = await likely.expect("images", this.#first(query));
    return images;
  }

  /** Something else is shown now. */
  stop() {
    this.#isActive = false;
    this.#run += 1;
    this.#fresh.hidden = true;
  }

  /** Look for newcomers if the totals say that there are some. */
  async refresh(stats, isScrolled) {
    // Names are told as they change; only where they are not, the number of labels hints at them.
    const seen = events.isLive ? `${stats.indexed}` : `${stats.indexed} ${stats.labelled}`;
    if (!this.#isActive || seen === this.#seen) return;
    const run = this.#run;
    const page = await this.#ask(null);
    if (run !== this.#run) return;
    this.#seen = seen;
    if (!events.isLive) this.#grid.rename(page.images);
    const fresh = page.images.filter((image) => !this.#grid.has(image.image_id));
    if (fresh.length === 0) return;
    if (this.#grid.isBusy || isScrolled) this.#announce(fresh.length, page.images.length);
    else if (fresh.length === page.images.length) await this.start(this.#query);
    else {
      this.#grid.add(fresh, { before: true });
      if (this.#grid.images.length > 2 * page.images.length) {
        this.#grid.keep(page.images);
        this.#goOn(page.next_cursor);
      }
      this.#fresh.hidden = true;
    }
  }

  /** Load the next older page; whether there was one. */
  async more() {
    if (!this.#isActive || this.#isLoading || !this.#cursor || this.#grid.images.length >= MOST_TILES) return false;
    this.#isLoading = true;
    const run = this.#run;
    try {
      const page = await (this.#ahead ?? this.#ask(this.#cursor));
      if (run !== this.#run) return false;
      this.#grid.add(page.images, { before: false });
      this.#goOn(page.next_cursor);
      return true;
    } catch (error) {
      this.#ahead = null;
      throw error;
    } finally {
      this.#isLoading = false;
    }
  }

  #ask(cursor) {
    return ask("images", { query: { ...this.#first(this.#query), cursor } });
  }

  #first(query) {
    return { ...query, limit: Math.max(LEAST, this.#grid.fits) };
  }

  /** The page after a cursor is fetched at once, with its pictures. */
  #goOn(cursor) {
    this.#cursor = cursor;
    this.#ahead = cursor && this.#grid.images.length < MOST_TILES ? this.#ask(cursor) : null;
    this.#ahead?.then((page) => this.#grid.painter.prefetch(page.images)).catch(() => {});
  }

  #announce(number, most) {
    this.#fresh.hidden = false;
    this.#fresh.textContent = `↑ ${number === most ? `${most}+` : format.count(number)} new`;
  }
}
