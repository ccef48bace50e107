// Type-ahead over the taxa: matches names and keys, best first.
import { make } from "./dom.js";

const MOST = 12;

/** How well a taxon fits what was typed: smaller is better, null is not at all. */
export function fit(taxon, typed) {
  const wanted = typed.trim().toLowerCase();
  const texts = [taxon.key.toLowerCase(), taxon.name.toLowerCase()];
  if (texts.includes(wanted)) return 0;
  if (texts.some((text) => text.startsWith(wanted))) return 1;
  if (texts.some((text) => text.split(/[\s_.-]+/).some((word) => word.startsWith(wanted)))) return 2;
  return texts.some((text) => text.includes(wanted)) ? 3 : null;
}

/** A text field with a list of taxa that fit. */
export class TaxonBox {
  #input;
  #list;
  #taxa = [];
  #found = [];
  #active = 0;
  #onChoose;

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLUListElement} list
   * @param {(taxon: object, options: {dubious: boolean}) => void} onChoose Enter or a click
   */
  constructor(input, list, onChoose) {
    this.#input = input;
    this.#list = list;
    this.#onChoose = onChoose;
    input.addEventListener("input", () => this.#search());
    input.addEventListener("focus", () => {
      input.select();
      this.#search();
    });
    input.addEventListener("blur", () => this.#close());
    input.addEventListener("keydown", (event) => this.#pressed(event));
    // Before the blur that a click causes.
    list.addEventListener("mousedown", (event) => {
      const row = event.target.closest("li[id]");
      event.preventDefault();
      if (row) this.#choose(Number(row.dataset.index), event.shiftKey);
    });
  }

  /** The taxa to choose from; recent ones first while nothing is typed. */
  set taxa(taxa) {
    this.#taxa = taxa;
  }

  /** What is in the field or highlighted, null if nothing fits. */
  get value() {
    if (!this.#list.hidden && this.#found.length) return this.#found[this.#active];
    const typed = this.#input.value.trim();
    return typed ? (this.#matches(typed)[0] ?? null) : null;
  }

  #matches(typed) {
    const ranked = this.#taxa.map((taxon) => [fit(taxon, typed), taxon]).filter(([rank]) => rank !== null);
    return ranked.sort(([a], [b]) => a - b).map(([, taxon]) => taxon);
  }

  #search() {
    this.#found = this.#matches(this.#input.value).slice(0, this.#input.value.trim() ? MOST : undefined);
    this.#active = 0;
    this.#render();
  }

  #render() {
    const rows = this.#found.map((taxon, index) => {
      const row = make("li", { id: `name-${index}` }, make("span", { textContent: taxon.key }), make("span", { textContent: taxon.name }));
      row.setAttribute("role", "option");
      row.setAttribute("aria-selected", String(index === this.#active));
      row.dataset.index = index;
      return row;
    });
    const none = make("li", { className: "none", textContent: "No taxon is called so" });
    none.setAttribute("role", "option");
    this.#list.replaceChildren(...(rows.length ? rows : [none]));
    this.#list.hidden = false;
    this.#input.setAttribute("aria-expanded", "true");
    rows[this.#active]?.scrollIntoView({ block: "nearest" });
    if (rows.length) this.#input.setAttribute("aria-activedescendant", `name-${this.#active}`);
    else this.#input.removeAttribute("aria-activedescendant");
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.#found.length) {
      this.#active = (this.#active + step + this.#found.length) % this.#found.length;
      this.#render();
    } else if (event.key === "Enter" && !this.#list.hidden && this.#found.length) {
      this.#choose(this.#active, event.shiftKey);
    } else {
      return;
    }
    event.preventDefault();
  }

  #choose(index, dubious) {
    const taxon = this.#found[index];
    this.#input.value = taxon.key;
    this.#close();
    this.#onChoose(taxon, { dubious });
  }

  #close() {
    this.#list.hidden = true;
    this.#input.setAttribute("aria-expanded", "false");
    this.#input.removeAttribute("aria-activedescendant");
  }
}
