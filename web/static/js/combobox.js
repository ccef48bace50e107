// Type-ahead over the taxa: matches names, keys and synonyms, best first.
import { make } from "./dom.js";
import { keyOf } from "./keys.js";
import { Names } from "./names.js";

const MOST = 12;
const NONE = -1;

/** A text field with a list of taxa that fit. */
export class TaxonBox {
  #input;
  #list;
  #names = new Names([]);
  #found = [];
  #active = NONE;
  #isLoaded = false;
  #onLoaded;
  #wanted = null; // what a key asked for before the taxa had come: done when they do
  #isTouched = false; // since the field was entered: what is highlighted is somebody's choice
  #onChoose;

  /** Fulfilled when there are taxa to choose from. */
  loaded = new Promise((resolve) => (this.#onLoaded = resolve));

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLUListElement} list
   * @param {(taxon: object, options: {dubious: boolean}) => void} onChoose Enter or a click
   */
  constructor(input, list, onChoose) {
    this.#input = input;
    this.#list = list;
    this.#onChoose = onChoose;
    input.addEventListener("input", () => {
      this.#isTouched = true;
      this.#wanted = null;
      this.#search();
    });
    input.addEventListener("focus", () => {
      this.#isTouched = false;
      input.select();
      this.#search();
    });
    input.addEventListener("blur", () => this.#leave());
    input.addEventListener("keydown", (event) => this.#pressed(event));
    // Before the blur that a click causes.
    list.addEventListener("mousedown", (event) => {
      const row = event.target.closest("li[id]");
      event.preventDefault();
      if (row) this.#choose(Number(row.dataset.index), event.shiftKey);
    });
  }

  /** The taxa to choose from, by name. */
  set taxa(taxa) {
    this.#names = new Names(taxa);
    this.#isLoaded = true;
    this.#onLoaded();
    if (!this.#list.hidden) this.#search();
    const wanted = this.#wanted;
    this.#wanted = null;
    if (wanted && this.#highlighted) this.#choose(this.#active, wanted === "chooseDubious");
  }

  /** What is highlighted; with the list closed what the field says exactly. Null if nothing is. */
  get value() {
    return this.#highlighted ?? this.#names.called(this.#input.value) ?? null;
  }

  get #highlighted() {
    return this.#list.hidden ? undefined : this.#found[this.#active]?.taxon;
  }

  #search() {
    const typed = this.#input.value.trim();
    this.#found = this.#names.find(typed, typed ? MOST : undefined);
    this.#active = typed ? 0 : NONE; // of all taxa none is meant yet
    this.#render();
  }

  #render() {
    const rows = this.#found.map((found, index) => this.#row(found, index));
    const none = make("li", { className: "none", textContent: "No taxon is called so" });
    none.setAttribute("role", "option");
    none.setAttribute("aria-disabled", "true");
    this.#list.replaceChildren(...(rows.length ? rows : [none]));
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    this.#mark();
  }

  #row({ taxon, synonym }, index) {
    const above = this.#names.above(taxon);
    const said = synonym ? [make("em", { textContent: `${synonym}: synonym of ${taxon.name}` })] : [];
    const where = above.length ? [make("small", { textContent: above.join(" › ") })] : [];
    const row = make(
      "li", { id: `${this.#list.id}-${index}` },
      make("span", { textContent: taxon.key }), make("span", { textContent: taxon.name }), ...said, ...where,
    );
    row.setAttribute("role", "option");
    row.dataset.index = index;
    return row;
  }

  /** Show which row Enter takes. */
  #mark() {
    const rows = [...this.#list.querySelectorAll("li[id]")];
    rows.forEach((row, index) => row.setAttribute("aria-selected", String(index === this.#active)));
    rows[this.#active]?.scrollIntoView({ block: "nearest" });
    if (rows[this.#active]) this.#input.setAttribute("aria-activedescendant", rows[this.#active].id);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #pressed(event) {
    const does = keyOf(event, "box")?.does;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#found.length) {
      this.#move(step);
    } else if (does && this.#highlighted) {
      this.#choose(this.#active, does === "chooseDubious");
    } else if (does && !this.#isLoaded) {
      this.#wanted = does;
    } else {
      if (event.key === "Escape") this.#close(); // nothing is taken; the page has the rest
      return;
    }
    event.preventDefault();
  }

  #move(step) {
    this.#isTouched = true;
    if (this.#list.hidden) return this.#search();
    const from = this.#active === NONE && step < 0 ? 0 : this.#active;
    this.#active = (from + step + this.#found.length) % this.#found.length;
    return this.#mark();
  }

  #choose(index, dubious) {
    const { taxon } = this.#found[index];
    this.#input.value = taxon.key;
    this.#close();
    this.#onChoose(taxon, { dubious });
  }

  /** The field says what was highlighted when it was left. */
  #leave() {
    if (this.#isTouched && this.#highlighted) this.#input.value = this.#highlighted.key;
    this.#close();
  }

  #close() {
    this.#wanted = null;
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}
