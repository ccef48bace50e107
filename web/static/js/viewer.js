// A picture that can be zoomed and scrolled, with a scale bar.
import { niceStep } from "./chart.js";
import { byId } from "./dom.js";

const MOST = 32;
const STEP = 1.25;
const BAR_PX = 140; // at most
const SHARP_FROM = 2; // pixels of the camera are shown as squares from here on

/** Zooms the picture of the image page. */
export class Viewer {
  #box = byId("viewer");
  #picture = byId("picture");
  #size;
  #pixelUm;
  #zoom = 1;
  #fits = true;

  /** @param {{width_px: number, height_px: number, pixel_size_um: number|null}} image */
  constructor(image) {
    this.#size = { width: image.width_px, height: image.height_px };
    this.#pixelUm = image.pixel_size_um;
    byId("larger").addEventListener("click", () => this.#by(STEP));
    byId("smaller").addEventListener("click", () => this.#by(1 / STEP));
    byId("fit").addEventListener("click", () => this.fit());
    byId("true-size").addEventListener("click", () => this.#to(1));
    this.#box.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    this.#picture.addEventListener("dblclick", (event) => this.#by(2, event));
    new ResizeObserver(() => this.#fits && this.fit()).observe(this.#box);
    this.fit();
  }

  /** Show all of it; a small picture is enlarged. */
  fit() {
    const { clientWidth, clientHeight } = this.#box;
    const zoom = Math.min((clientWidth - 24) / this.#size.width, (clientHeight - 24) / this.#size.height);
    this.#show(Math.min(Math.max(zoom, 0.02), 8));
    this.#fits = true;
  }

  /** What a key does here; whether it did anything. */
  pressed(key) {
    if (key === "+" || key === "=") this.#by(STEP);
    else if (key === "-") this.#by(1 / STEP);
    else if (key === "0") this.fit();
    else if (key === "1") this.#to(1);
    else return false;
    return true;
  }

  #wheeled(event) {
    if (event.shiftKey) return; // scrolls sideways
    event.preventDefault();
    this.#by(event.deltaY < 0 ? STEP : 1 / STEP, event);
  }

  #by(factor, at = null) {
    this.#to(this.#zoom * factor, at);
  }

  // What is under the pointer, or in the middle, stays where it is.
  #to(zoom, at = null) {
    const box = this.#box.getBoundingClientRect();
    const x = at ? at.clientX - box.left : box.width / 2;
    const y = at ? at.clientY - box.top : box.height / 2;
    const before = this.#picture.getBoundingClientRect();
    const held = { x: (x + box.left - before.left) / before.width, y: (y + box.top - before.top) / before.height };
    this.#show(Math.min(Math.max(zoom, 0.02), MOST));
    this.#fits = false;
    const after = this.#picture.getBoundingClientRect();
    this.#box.scrollLeft += after.left + held.x * after.width - (x + box.left);
    this.#box.scrollTop += after.top + held.y * after.height - (y + box.top);
  }

  #show(zoom) {
    this.#zoom = zoom;
    this.#picture.style.width = `${this.#size.width * zoom}px`;
    this.#picture.style.height = `${this.#size.height * zoom}px`;
    this.#picture.classList.toggle("sharp", zoom >= SHARP_FROM);
    byId("zoom").textContent = `${Math.round(zoom * 100)}%`;
    this.#showBar();
  }

  #showBar() {
    const unitsPerPx = (this.#pixelUm ?? 1) / this.#zoom; // of the screen
    const length = longest(BAR_PX * unitsPerPx);
    byId("bar").style.width = `${length / unitsPerPx}px`;
    byId("bar-length").textContent = this.#pixelUm ? micrometres(length) : `${length} px (pixel size unknown)`;
  }
}

/** The longest of 1, 2, 5, 10 … that is no more than this, also below 1. */
function longest(most) {
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((factor) => factor * power).find((length) => length <= most) ?? niceStep(most);
}

const micrometres = (length) => (length >= 1000 ? `${length / 1000} mm` : `${Number(length.toPrecision(3))} µm`);
