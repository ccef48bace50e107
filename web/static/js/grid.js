// The grid of images: which are shown, which is active, which are selected.
import { caption, makeTile } from "./tile.js";

/** A listbox of tiles, for keyboard and mouse. */
export class Grid {
  #element;
  #items = []; // {image, tile}, in the order shown
  #byId = new Map();
  #selected = new Set();
  #active = -1;
  #anchor = -1;
  #adds = true; // whether a range selects, or takes out like the click before it
  #onOpen;
  #onSelection;
  #onActive;

  /**
   * @param {HTMLElement} element
   * @param {{onOpen: (id: string) => void, onSelection: () => void,
   *   onActive?: (image: object|undefined) => void}} events
   */
  constructor(element, { onOpen, onSelection, onActive = () => {} }) {
    this.#element = element;
    this.#onOpen = onOpen;
    this.#onSelection = onSelection;
    this.#onActive = onActive;
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get images() {
    return this.#items.map(({ image }) => image);
  }

  get selected() {
    return this.images.filter((image) => this.#selected.has(image.image_id));
  }

  /** The image that keys act on, undefined if there is none. */
  get active() {
    return this.#items[this.#active]?.image;
  }

  /** Whether somebody is working in it, so that nothing should move. */
  get isBusy() {
    return this.#selected.size > 0 || this.#element.matches(":hover, :focus-visible");
  }

  has(id) {
    return this.#byId.has(id);
  }

  /** Show these instead of what is there. */
  show(images, queryId = null) {
    this.#items = images.map((image) => this.#item(image, image.image_id === queryId));
    this.#byId = new Map(this.#items.map((item) => [item.image.image_id, item]));
    this.#active = this.#items.length ? 0 : -1;
    this.#anchor = -1;
    this.#element.replaceChildren(...this.#items.map(({ tile }) => tile));
    this.select([]);
    this.#markActive();
  }

  /** Add newer images before, or older ones after; those that are there already are skipped. */
  add(images, { before }) {
    const fresh = images.filter((image) => !this.has(image.image_id)).map((image) => this.#item(image));
    for (const item of fresh) this.#byId.set(item.image.image_id, item);
    this.#items = before ? [...fresh, ...this.#items] : [...this.#items, ...fresh];
    const tiles = fresh.map(({ tile }) => tile);
    if (before) {
      this.#element.prepend(...tiles);
      if (this.#active >= 0) this.#active += fresh.length;
      if (this.#anchor >= 0) this.#anchor += fresh.length;
    } else {
      this.#element.append(...tiles);
    }
    if (this.#active < 0 && this.#items.length) this.#active = 0;
  }

  /** Forget all but these. */
  keep(images) {
    const wanted = new Set(images.map((image) => image.image_id));
    const gone = this.#items.filter(({ image }) => !wanted.has(image.image_id));
    for (const { image, tile } of gone) {
      this.#byId.delete(image.image_id);
      tile.remove();
    }
    this.#items = this.#items.filter(({ image }) => wanted.has(image.image_id));
    this.#active = this.#items.findIndex(({ tile }) => tile.classList.contains("active"));
    if (this.#active < 0 && this.#items.length) this.#active = 0;
  }

  /** Write new names on images that are shown. */
  rename(images) {
    for (const image of images) {
      const item = this.#byId.get(image.image_id);
      if (!item) continue;
      item.image = { ...item.image, ...image };
      caption(item.tile, item.image);
    }
  }

  /** Select exactly these. */
  select(ids) {
    const wanted = new Set(ids);
    for (const { image, tile } of this.#items) {
      const is = wanted.has(image.image_id);
      if (is !== this.#selected.has(image.image_id) || !is) tile.setAttribute("aria-selected", String(is));
    }
    this.#selected = wanted;
    this.#onSelection();
  }

  /** Take one image out of the selection. */
  deselect(id) {
    this.select([...this.#selected].filter((one) => one !== id));
  }

  #item(image, isQuery = false) {
    return { image, tile: makeTile(image, isQuery) };
  }

  #clicked(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const index = this.#items.findIndex((item) => item.tile === tile);
    this.#active = index;
    this.#markActive();
    const picks = event.target.closest(".pick") || event.ctrlKey || event.metaKey;
    if (event.altKey) this.#cutAfter(index);
    else if (event.shiftKey) this.#selectRange(index);
    else if (picks || this.#selected.size > 0) this.#toggle(index);
    else this.#onOpen(tile.dataset.id);
  }

  #pressed(event) {
    const columns = getComputedStyle(this.#element).gridTemplateColumns.split(" ").length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (step !== undefined) this.#move(this.#active + step, event.shiftKey);
    else if (event.key === "Home") this.#move(0, event.shiftKey);
    else if (event.key === "End") this.#move(this.#items.length - 1, event.shiftKey);
    else if (event.key === " ") this.#toggle(this.#active);
    else if (event.key === "Enter" && this.#active >= 0) this.#onOpen(this.#items[this.#active].image.image_id);
    else return;
    event.preventDefault();
  }

  #move(index, extend) {
    if (index < 0 || index >= this.#items.length) return;
    if (extend && this.#anchor < 0) {
      this.#anchor = this.#active;
      this.#adds = true;
    }
    this.#active = index;
    this.#markActive();
    this.#items[index].tile.scrollIntoView({ block: "nearest" });
    if (extend) this.#selectRange(index);
  }

  #toggle(index) {
    if (index < 0) return;
    this.#anchor = index;
    const { image } = this.#items[index];
    const ids = new Set(this.#selected);
    this.#adds = !ids.delete(image.image_id);
    if (this.#adds) ids.add(image.image_id);
    this.select(ids);
  }

  #selectRange(index) {
    const from = Math.max(0, this.#anchor);
    const range = this.#items.slice(Math.min(from, index), Math.max(from, index) + 1);
    const ids = new Set(this.#selected);
    for (const { image } of range) {
      if (this.#adds) ids.add(image.image_id);
      else ids.delete(image.image_id);
    }
    this.select(ids);
  }

  #cutAfter(index) {
    const upTo = this.#items.slice(0, index + 1).map(({ image }) => image.image_id);
    this.select(upTo.filter((id) => this.#selected.has(id)));
  }

  #markActive() {
    this.#element.querySelector(".active")?.classList.remove("active");
    const tile = this.#items[this.#active]?.tile;
    tile?.classList.add("active");
    this.#onActive(this.active);
    if (tile) this.#element.setAttribute("aria-activedescendant", tile.id);
    else this.#element.removeAttribute("aria-activedescendant");
  }
}
