// Draws the pictures of a grid's tiles: those in view at once, the others as they come near.
import { cellOf, load, sizeFor } from "./pictures.js";
import { commonScale } from "./scale.js";
import { draw } from "./tile.js";

const NEAR = "800px"; // so far from the view a picture is already drawn
const BORDERS_PX = 2;
const AGAIN_MS = 2_000;

/** Keeps pictures on the tiles of one grid. */
export class Painter {
  #element;
  #imageOf;
  #images;
  #near;
  #look = null;
  #common = null;
  #trueToScale = false;

  /**
   * @param {HTMLElement} element the grid
   * @param {{imageOf: (tile: HTMLElement) => object|undefined, images: () => object[]}} items
   */
  constructor(element, { imageOf, images }) {
    this.#element = element;
    this.#images = images;
    this.#imageOf = imageOf;
    this.#near = new IntersectionObserver((seen) => this.#came(seen), {
      root: element.closest(".scroll"),
      rootMargin: NEAR,
    });
  }

  /** Whether all tiles are drawn at one scale. */
  get isTrueToScale() {
    return this.#trueToScale;
  }

  set isTrueToScale(value) {
    this.#trueToScale = value;
    this.redraw();
  }

  /** Screen pixels per µm of all tiles; null: each has its own, or sizes are not known. */
  get perUm() {
    this.#looks();
    return this.#common?.isKnown ? this.#common.perUnit / devicePixelRatio : null;
  }

  /** What is drawn now is other images: look anew at how large tiles are, before they change: later it would cost a layout. */
  reset() {
    this.#near.disconnect();
    this.#look = null;
    this.#looks();
  }

  /**
   * Draw these tiles now, or as soon as their pictures come.
   * @returns {Promise<void>} when all are drawn; at once if all pictures are here
   */
  async paint(tiles) {
    const bare = tiles.filter((tile) => !draw(tile, this.#imageOf(tile), this.#looks()));
    if (bare.length) await this.#draw(bare);
  }

  /** Whether the picture of an image could be shown. */
  has(image) {
    return cellOf(image.image_id, this.#looks().sizePx) !== null;
  }

  /** Draw these when they come near the view. */
  watch(tiles) {
    for (const tile of tiles) this.#near.observe(tile);
  }

  /** Have pictures here before their tiles are. */
  prefetch(images) {
    return load(images.map((image) => image.image_id), this.#looks().sizePx);
  }

  /** Tiles or their scale changed: draw all again that were drawn. */
  redraw() {
    this.reset();
    this.watch([...this.#element.children]);
  }

  #came(seen) {
    const tiles = seen.filter((one) => one.isIntersecting).map((one) => one.target);
    for (const tile of tiles) this.#near.unobserve(tile);
    const fresh = tiles.filter((tile) => this.#imageOf(tile));
    if (fresh.length) this.paint(fresh);
  }

  async #draw(tiles) {
    const byId = new Map(tiles.map((tile) => [tile.dataset.id, tile]));
    const look = this.#looks();
    await load([...byId.keys()], look.sizePx, (ids) => {
      if (look !== this.#look) return; // drawn anew since
      for (const id of ids) {
        const image = this.#imageOf(byId.get(id));
        if (image) draw(byId.get(id), image, look);
      }
    });
    // The server did not answer, or refused: what is still there and bare is looked at again.
    const bare = tiles.filter((tile) => tile.isConnected && this.#imageOf(tile) && !this.has(this.#imageOf(tile)));
    if (bare.length) setTimeout(() => this.watch(bare), AGAIN_MS);
  }

  #looks() {
    if (this.#look) return this.#look;
    const style = getComputedStyle(this.#element);
    const px = (Number.parseFloat(style.getPropertyValue("--tile")) || 116) - BORDERS_PX;
    const tilePx = Math.round(px * devicePixelRatio);
    this.#common = this.#trueToScale ? commonScale(this.#images(), tilePx) : null;
    this.#look = { tilePx, sizePx: sizeFor(tilePx), common: this.#common };
    return this.#look;
  }
}
