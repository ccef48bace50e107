// The grid of images: which are shown, which is active, which are selected.
import { newest } from "./heard.js";
import { keyOf } from "./keys.js";
import { Painter } from "./painter.js";
import { caption, makeTile, markSelected } from "./tile.js";

const AT_ONCE = 240; // tiles that are made before the first is drawn; the others follow
const CAPTION_PX = 20; // see bench.css
const DRAWN = "plankton-tiles-drawn"; // a mark on the page's timeline: what is in view has its pictures
const PATIENCE_MS = 120;
const SLICE = 60; // and so many at a time, between frames

/** A listbox of tiles, for keyboard and mouse. */
export class Grid {
  #element;
  #items = []; // {image, tile}, in the order shown
  #byId = new Map();
  #selected = new Map(); // ids, with the version of the name that each had when it was selected
  #active = -1;
  #anchor = -1;
  #adds = true; // whether a range selects, or takes out like the click before it
  #onOpen;
  #onSelection;
  #onActive;
  #onZoom;
  #run = 0; // counts what was shown: tiles of what was shown before are not made any more

  /** Fulfilled when what was shown last, as far as it is in view, is on the screen. */
  shown = Promise.resolve();

  /**
   * @param {HTMLElement} element
   * @param {{onOpen: (id: string) => void, onSelection: () => void,
   *   onActive?: (image: object|undefined) => void, onZoom?: () => void}} events
   */
  constructor(element, { onOpen, onSelection, onActive = () => {}, onZoom = null }) {
    this.#element = element;
    this.#onOpen = onOpen;
    this.#onSelection = onSelection;
    this.#onActive = onActive;
    this.#onZoom = onZoom;
    element.classList.toggle("zooms", onZoom !== null);
    this.painter = new Painter(element, {
      imageOf: (tile) => this.#byId.get(tile.dataset.id)?.image,
      images: () => this.images,
    });
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  get images() {
    return this.#items.map(({ image }) => image);
  }

  get selected() {
    const chosen = this.images.filter((image) => this.#selected.has(image.image_id));
    return chosen.map((image) => ({ ...image, seen: this.#selected.get(image.image_id) }));
  }

  /** The image that keys act on, undefined if there is none. */
  get active() {
    return this.#items[this.#active]?.image;
  }

  /** Whether somebody is working in it, so that nothing should move. */
  get isBusy() {
    return this.#selected.size > 0 || this.#element.matches(":hover, :focus-visible");
  }

  /** How many tiles fill the view. */
  get fits() {
    const { columns, rowPx } = this.#layout();
    const view = this.#scroll?.clientHeight ?? 0;
    return columns * Math.max(1, Math.ceil(view / rowPx));
  }

  /** An image that is shown, undefined if it is not. */
  find(id) {
    return this.#byId.get(id)?.image;
  }

  has(id) {
    return this.#byId.has(id);
  }

  /**
   * Show these instead of what is there, from the top.
   * @param {object[]} images
   * @param {{queryId?: string|null, selected?: string[]}} ids of what the others are compared with, and of
   *   those that come selected
   */
  show(images, { queryId = null, selected = [] } = {}) {
    this.#run += 1;
    const inView = this.fits; // before anything changes: asked later it would cost a layout
    this.#scroll?.scrollTo(0, 0);
    this.#items = images.map((image) => this.#item(image, image.image_id === queryId));
    this.#byId = new Map(this.#items.map((item) => [item.image.image_id, item]));
    this.#active = this.#items.length ? 0 : -1;
    this.#anchor = -1;
    this.#selected = new Map(selected.map((id) => [id, this.find(id)?.label_version]));
    this.painter.reset();
    const first = Math.max(AT_ONCE, inView);
    const tiles = this.#fill(this.#items.slice(0, first));
    this.shown = this.painter.paint(tiles.slice(0, inView)).then(() => performance.mark(DRAWN)).then(nextFrame);
    const run = this.#run;
    this.shown.then(() => {
      if (run !== this.#run) return;
      this.painter.watch(tiles.slice(inView));
      this.#append(this.#items.slice(first), run);
    });
    this.#onSelection();
    this.#markActive();
  }

  /**
   * Have the pictures of what will be in view, so that it is shown in one go; not for long: what
   * images are called is worth a look without them.
   */
  async prepare(images) {
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    await Promise.race([this.painter.prefetch(images.slice(0, this.fits)), patience]);
  }

  /** Add newer images before, or older ones after; those that are there already are skipped. */
  add(images, { before }) {
    const fresh = images.filter((image) => !this.has(image.image_id)).map((image) => this.#item(image));
    for (const item of fresh) this.#byId.set(item.image.image_id, item);
    this.#items = before ? [...fresh, ...this.#items] : [...this.#items, ...fresh];
    const tiles = fresh.map((item) => this.#tile(item));
    if (before) {
      this.#element.prepend(...tiles);
      if (this.#active >= 0) this.#active += fresh.length;
      if (this.#anchor >= 0) this.#anchor += fresh.length;
    } else {
      this.#appendFurther(tiles);
    }
    this.painter.watch(tiles);
    if (this.#active < 0 && this.#items.length) this.#active = 0;
  }

  /** Forget all but these. */
  keep(images) {
    const wanted = new Set(images.map((image) => image.image_id));
    const gone = this.#items.filter(({ image }) => !wanted.has(image.image_id));
    for (const { image, tile } of gone) {
      this.#byId.delete(image.image_id);
      tile?.remove();
    }
    this.#items = this.#items.filter(({ image }) => wanted.has(image.image_id));
    this.#active = this.#items.findIndex(({ tile }) => tile?.classList.contains("active"));
    if (this.#active < 0 && this.#items.length) this.#active = 0;
  }

  /** Write new names on images that are shown, unless a newer one is known. */
  rename(images) {
    for (const image of images) {
      const item = this.#byId.get(image.image_id);
      if (!item || image.label_version < item.image.label_version) continue; // asked for before a change
      item.image = { ...item.image, ...image };
      if (item.tile) caption(item.tile, item.image);
    }
  }

  /** Select exactly these. */
  select(ids) {
    const wanted = new Set(ids);
    for (const { image, tile } of this.#items) {
      const is = wanted.has(image.image_id);
      if (tile) markSelected(tile, is);
    }
    this.#selected = new Map([...wanted].map((id) => [id, this.#selected.get(id) ?? this.find(id)?.label_version]));
    this.#onSelection();
  }

  /** Take one image out of the selection. */
  deselect(id) {
    this.select([...this.#selected.keys()].filter((one) => one !== id));
  }

  /** A screenful down or up; whether there was more to go to. */
  page(direction) {
    const { columns, rowPx } = this.#layout();
    const rows = Math.max(1, Math.floor((this.#scroll?.clientHeight ?? 0) / rowPx));
    const before = this.#active;
    const last = this.#items.length - 1;
    const wanted = Math.max(0, Math.min(last, before + direction * rows * columns));
    this.#active = wanted;
    this.#tile(this.#items[wanted] ?? {})?.scrollIntoView({ block: direction > 0 ? "start" : "nearest" });
    this.#markActive();
    return wanted !== before;
  }

  get #scroll() {
    return this.#element.closest(".scroll");
  }

  #item(given, isQuery = false) {
    return { image: newest(given), isQuery, tile: null };
  }

  /** Make the tiles that are there into those of other items; what is missing is added. */
  #fill(items) {
    const old = [...this.#element.children];
    for (const tile of old.splice(items.length)) tile.remove();
    items.forEach((item, at) => (item.tile = makeTile(item.image, this.#marks(item), old[at])));
    const tiles = items.map(({ tile }) => tile);
    this.#element.append(...tiles.slice(old.length));
    return tiles;
  }

  /** The tile of an item, made when it is first wanted. */
  #tile(item) {
    if (!item.image) return null;
    item.tile ??= makeTile(item.image, this.#marks(item));
    return item.tile;
  }

  #marks({ image, isQuery }) {
    return { isQuery, isSelected: this.#selected.has(image.image_id) };
  }

  /** Make the tiles that are out of sight, a few at a time so that keys are answered meanwhile. */
  async #append(items, run) {
    for (let at = 0; at < items.length; at += SLICE) {
      await new Promise((resolve) => setTimeout(resolve));
      if (run !== this.#run) return;
      const tiles = items.slice(at, at + SLICE).filter((item) => this.has(item.image.image_id)).map((item) => this.#tile(item));
      this.#appendFurther(tiles);
      this.painter.watch(tiles);
    }
  }

  /** Add tiles that are laid out when they come near; of those in view that would only cost. */
  #appendFurther(tiles) {
    for (const tile of tiles) tile.classList.add("further");
    this.#element.append(...tiles);
  }

  /** How tiles lie: columns, and the height of a row with its gap, pixels. */
  #layout() {
    const style = getComputedStyle(this.#element);
    const columns = style.gridTemplateColumns.split(" ").length;
    const tile = Number.parseFloat(style.getPropertyValue("--tile"));
    return { columns, rowPx: tile + CAPTION_PX + Number.parseFloat(style.rowGap) };
  }

  #clicked(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    const index = this.#items.findIndex((item) => item.tile === tile);
    this.#active = index;
    this.#markActive();
    if (this.#onZoom && event.target.closest(".zoom")) return this.#onZoom();
    const picks = event.target.closest(".pick") || event.ctrlKey || event.metaKey;
    if (event.altKey) this.#cutAfter(index);
    else if (event.shiftKey) this.#selectRange(index);
    else if (picks || this.#selected.size > 0) this.#toggle(index);
    else this.#onOpen(tile.dataset.id);
  }

  #pressed(event) {
    const does = keyOf(event, "grid")?.does;
    const { columns } = this.#layout();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
    if (does === "move" || does === "extend") this.#move(this.#active + step, does === "extend");
    else if (does === "ends") this.#move(event.key === "Home" ? 0 : this.#items.length - 1, event.shiftKey);
    else if (does === "toggle") this.#toggle(this.#active);
    else if (does === "screen") this.page(event.key === "PageUp" ? -1 : 1);
    else if (does === "open" && this.#active >= 0) this.#onOpen(this.#items[this.#active].image.image_id);
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
    this.#tile(this.#items[index]).scrollIntoView({ block: "nearest" });
    if (extend) this.#selectRange(index);
  }

  #toggle(index) {
    if (index < 0) return;
    this.#anchor = index;
    const { image } = this.#items[index];
    const ids = new Set(this.#selected.keys());
    this.#adds = !ids.delete(image.image_id);
    if (this.#adds) ids.add(image.image_id);
    this.select(ids);
  }

  #selectRange(index) {
    const from = Math.max(0, this.#anchor);
    const range = this.#items.slice(Math.min(from, index), Math.max(from, index) + 1);
    const ids = new Set(this.#selected.keys());
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

/** When the browser has shown what is there now. */
export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
