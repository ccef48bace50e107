// The list of images in doubt: a listbox, for keyboard and mouse.
import { pictureUrl } from "./api.js";
import { make } from "./dom.js";
import * as format from "./format.js";

const PICTURE_PX = 96;

/** Cases, one of which is looked at. */
export class CaseList {
  #element;
  #items = []; // {case, row}
  #active = -1;
  #onActive;

  /** Of the next page, null at the end. */
  cursor = null;

  /**
   * @param {HTMLElement} element
   * @param {(found: object|null) => void} onActive gets the case that is looked at
   */
  constructor(element, onActive) {
    this.#element = element;
    this.#onActive = onActive;
    element.addEventListener("click", (event) => {
      const row = event.target.closest("li");
      if (row) this.#activate(this.#items.findIndex((item) => item.row === row));
    });
    element.addEventListener("keydown", (event) => this.#pressed(event));
  }

  /** Show these instead; the one that was looked at stays so if it is among them. */
  show(cases, cursor) {
    const looked = this.#items[this.#active]?.found.image.image_id;
    this.#items = [];
    this.#element.replaceChildren();
    this.add(cases, cursor);
    const again = this.#items.findIndex(({ found }) => found.image.image_id === looked);
    this.#activate(Math.max(0, again));
  }

  /** More of them, after those that are there. */
  add(cases, cursor) {
    this.cursor = cursor;
    const items = cases.map((found) => ({ found, row: makeRow(found) }));
    this.#items.push(...items);
    this.#element.append(...items.map(({ row }) => row));
  }

  /** One is done with: the next one is looked at. */
  remove(imageId) {
    const index = this.#items.findIndex(({ found }) => found.image.image_id === imageId);
    if (index < 0) return;
    this.#items[index].row.remove();
    this.#items.splice(index, 1);
    this.#activate(Math.min(index, this.#items.length - 1));
    this.#element.focus({ preventScroll: true });
  }

  /** Look at the next one; after the last one at the first. */
  next() {
    if (this.#items.length) this.#activate((this.#active + 1) % this.#items.length);
    this.#element.focus({ preventScroll: true });
  }

  #pressed(event) {
    const last = this.#items.length - 1;
    const to = { ArrowUp: this.#active - 1, ArrowDown: this.#active + 1, Home: 0, End: last }[event.key];
    if (to === undefined) return;
    if (to >= 0 && to <= last) this.#activate(to);
    event.preventDefault();
  }

  #activate(index) {
    this.#active = Math.min(index, this.#items.length - 1);
    for (const [number, { row }] of this.#items.entries()) {
      row.setAttribute("aria-selected", String(number === this.#active));
    }
    const item = this.#items[this.#active];
    item?.row.scrollIntoView({ block: "nearest" });
    if (item) this.#element.setAttribute("aria-activedescendant", item.row.id);
    else this.#element.removeAttribute("aria-activedescendant");
    this.#onActive(item?.found ?? null);
  }
}

function makeRow(found) {
  const { image, kind, since, voices } = found;
  const names = [...new Set(voices.map(({ taxon }) => taxon).filter(Boolean))];
  const small = make("small", {}, make("span", { className: kind, textContent: kind }), ` ${format.ago(since)}`);
  const row = make(
    "li",
    { id: `case-${image.image_id}` },
    make("img", { src: pictureUrl(image.image_id, PICTURE_PX), alt: "", loading: "lazy" }),
    make("b", { textContent: names.join(" / ") || "unlabelled" }),
    small,
  );
  row.setAttribute("role", "option");
  return row;
}
