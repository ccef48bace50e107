// How tiles look: their size, and whether all are drawn at one scale.
import { byId } from "./dom.js";
import { bar } from "./scale.js";
import { readTiles, writeTiles } from "./view.js";

/** The controls above the grid, and what was last chosen there. */
export class TileLook {
  #grid;
  #tiles = readTiles();

  /** @param {import("./grid.js").Grid} grid */
  constructor(grid) {
    this.#grid = grid;
    byId("size").value = String(this.#tiles.size);
    byId("size").addEventListener("change", (event) => this.#change({ size: Number(event.target.value) }));
    byId("scale").addEventListener("click", () => this.toggleScale());
    this.#apply();
  }

  /** One scale for all, or each fills its tile. */
  toggleScale() {
    this.#change({ trueToScale: !this.#tiles.trueToScale });
  }

  /** Other images are shown: say how long so many µm are. */
  show() {
    const { perUm } = this.#grid.painter;
    const length = perUm ? bar(perUm, this.#tiles.size) : null;
    const element = byId("scale-bar");
    element.hidden = !length;
    if (!length) return;
    element.textContent = length.text;
    element.setAttribute("aria-label", `Scale bar: ${length.text}`);
    element.style.setProperty("--length", `${length.px}px`);
  }

  #change(changed) {
    this.#tiles = { ...this.#tiles, ...changed };
    writeTiles(this.#tiles);
    this.#apply();
  }

  #apply() {
    const { size, trueToScale } = this.#tiles;
    byId("grid").style.setProperty("--tile", `${size}px`);
    byId("grid").classList.toggle("tiny", size < 80);
    byId("scale").setAttribute("aria-pressed", String(trueToScale));
    this.#grid.painter.isTrueToScale = trueToScale;
    this.show();
  }
}
