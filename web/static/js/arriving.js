// The stream of new images: newest first, held still while somebody works in it.
import { ask } from "./api.js";
import * as format from "./format.js";

const PAGE = 120;
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
    const page = await ask("images", { query: { ...query, limit: PAGE } });
    if (run !== this.#run) return;
    this.#grid.show(page.images);
    this.#cursor = page.next_cursor;
  }

  /** Something else is shown now. */
  stop() {
    this.#isActive = false;
    this.#run += 1;
    this.#fresh.hidden = true;
  }

  /** Look for newcomers if the totals say that something changed. */
  async refresh(stats, isScrolled) {
    const seen = `${stats.indexed} ${stats.labelled}`;
    if (!this.#isActive || seen === this.#seen) return;
    const run = this.#run;
    const page = await ask("images", { query: { ...this.#query, limit: PAGE } });
    if (run !== this.#run) return;
    this.#seen = seen;
    this.#grid.rename(page.images);
    const fresh = page.images.filter((image) => !this.#grid.has(image.image_id));
    if (fresh.length === 0) return;
    if (this.#grid.isBusy || isScrolled) this.#announce(fresh.length);
    else if (fresh.length === page.images.length) await this.start(this.#query);
    else {
      this.#grid.add(fresh, { before: true });
      if (this.#grid.images.length > 2 * PAGE) {
        this.#grid.keep(page.images);
        this.#cursor = page.next_cursor;
      }
      this.#fresh.hidden = true;
    }
  }

  /** Load the next older page. */
  async more() {
    if (!this.#isActive || this.#isLoading || !this.#cursor || this.#grid.images.length >= MOST_TILES) return;
    this.#isLoading = true;
    const run = this.#run;
    try {
      const page = await ask("images", { query: { ...this.#query, limit: PAGE, cursor: this.#cursor } });
      if (run !== this.#run) return;
      this.#grid.add(page.images, { before: false });
      this.#cursor = page.next_cursor;
    } finally {
      this.#isLoading = false;
    }
  }

  #announce(number) {
    this.#fresh.hidden = false;
    this.#fresh.textContent = `↑ ${number === PAGE ? `${PAGE}+` : format.count(number)} new`;
  }
}
