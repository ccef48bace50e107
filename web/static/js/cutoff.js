// The cut-off: a slider that selects everything nearer than a distance.
import { byId } from "./dom.js";
import * as format from "./format.js";

/** The slider over the neighbours in a grid. */
export class Cutoff {
  #grid;
  #slider = byId("cutoff");
  #value = byId("cutoff-value");

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.#grid = grid;
    this.#slider.addEventListener("input", () => this.#select());
  }

  /** Other neighbours are shown: nothing is selected by distance. */
  show(neighbours) {
    const [nearest, furthest] = [neighbours[0]?.distance ?? 0, neighbours.at(-1)?.distance ?? 0];
    this.#slider.min = nearest - (furthest - nearest) / 50; // at its left end nothing is selected
    this.#slider.max = furthest;
    this.#slider.disabled = neighbours.length === 0;
    this.reset();
  }

  /** Back to its left end. */
  reset() {
    this.#slider.value = this.#slider.min;
    this.#value.textContent = "–";
  }

  #select() {
    const cutoff = this.#slider.value === this.#slider.min ? -1 : Number(this.#slider.value);
    const { images } = this.#grid;
    const nearer = images.filter((image) => image.distance <= cutoff);
    this.#grid.select(nearer.map((image) => image.image_id));
    this.#value.textContent =
      cutoff < 0 ? "–" : `${format.distance(cutoff, images.at(-1)?.metric)} · ${format.images(nearer.length)}`;
  }
}
