// One image enlarged, over the grid; it follows the active image while it is open.
import { pictureUrl } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { bar } from "./scale.js";

const SIZE_PX = 640; // asked for; it is drawn to fill its box

/** The enlarged picture. */
export class Peek {
  #element = byId("peek");
  #shown = null;

  constructor() {
    this.#element.addEventListener("click", () => this.close());
  }

  get isOpen() {
    return !this.#element.hidden;
  }

  /** Open with an image, or close. */
  toggle(image) {
    if (this.isOpen || !image) this.close();
    else {
      this.#element.hidden = false;
      this.follow(image);
    }
  }

  close() {
    this.#element.hidden = true;
    this.#shown = null;
  }

  /** Another image is active. */
  follow(image) {
    if (!this.isOpen || image?.image_id === this.#shown) return;
    if (!image) return this.close();
    this.#shown = image.image_id;
    const called = image.taxon ? `${image.taxon}, ${image.state}` : image.predicted ? `perhaps ${image.predicted}` : "unlabelled";
    const picture = make("img", { src: pictureUrl(image.image_id, SIZE_PX), alt: `Image ${image.image_id}: ${called}` });
    const box = make("div", {}, picture);
    const about = make("figcaption", {}, make("b", { textContent: called }), make("span", { textContent: facts(image) }));
    this.#element.replaceChildren(box, about);
    about.append(...scaleBar(image, box));
  }
}

function facts(image) {
  const depth = image.depth_m === null ? "" : ` · ${image.depth_m.toFixed(1)} m`;
  return `${image.camera} · ${format.time(image.captured_at)}${depth}`;
}

/** How long so many µm are, as the picture is drawn in its box. */
function scaleBar(image, { clientWidth, clientHeight }) {
  if (!image.pixel_size_um) return [];
  const scale = Math.min(clientWidth / image.width_px, clientHeight / image.height_px);
  const length = bar(scale / image.pixel_size_um, clientWidth / 2);
  if (!length) return [];
  const line = make("span", { className: "scale-bar", textContent: length.text });
  line.style.setProperty("--length", `${length.px}px`);
  return [line];
}
