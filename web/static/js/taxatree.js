// The tree of names: folds, follows the arrow keys, shows what is under each taxon.
import { make } from "./dom.js";
import * as format from "./format.js";

const COUNTED = ["validated", "dubious", "predicted", "proposed"];
const SPOKEN = { validated: "validated", dubious: "dubious", predicted: "named by a machine", proposed: "proposed" };
const MOST_OPEN = 300; // larger trees start folded
const FORGET_MS = 700; // after which letters begin a new word

/** Rows of a tree; only those that are unfolded are in the page. */
export class TaxaTree {
  #host;
  #names;
  #below = new Map();
  #counts = new Map();
  #open = null;
  #rows = [];
  #kept = null; // what a search found, with all that it lies below
  #active = null;
  #typed = "";
  #typedAt = 0;
  #on;

  /**
   * @param {HTMLElement} host has the role `tree`
   * @param {{onSelect: (key: string) => void, onEnter: (key: string) => void}} on
   */
  constructor(host, on) {
    this.#host = host;
    this.#on = on;
    host.addEventListener("keydown", (event) => this.#pressed(event));
    host.addEventListener("click", (event) => this.#clicked(event));
  }

  /** Show taxa; what is unfolded and chosen stays so. */
  show(taxa, names) {
    this.#names = names;
    this.#below = group(taxa);
    this.#open ??= new Set(taxa.length <= MOST_OPEN ? this.#below.keys() : []);
    if (this.#active !== null && !names.get(this.#active)) this.#active = null;
    this.#render();
  }

  /** Write the numbers that changed; rows stay, with whoever is at them. */
  set counts(counts) {
    this.#counts = new Map(counts.map((one) => [one.taxon, one]));
    this.#rows.forEach(({ taxon }, index) => this.#count(this.#host.children[index], taxon));
  }

  /** Keep only some taxa and all that they lie below, unfolded; null shows the whole tree again. */
  keep(keys) {
    this.#kept = keys === null ? null : new Set(keys.flatMap((key) => this.#way(key)));
    this.#render();
  }

  /** Unfold the way to a taxon and mark it. */
  reveal(key, { focus = false } = {}) {
    for (const above of this.#way(key).slice(1)) this.#open.add(above);
    if (this.#kept && !this.#kept.has(key)) this.#kept = null;
    this.#mark(key, focus);
  }

  /** Unfold all, or fold all. */
  unfold(all) {
    this.#open = new Set(all ? this.#below.keys() : []);
    if (!all && this.#active) this.#active = this.#way(this.#active).at(-1);
    this.#render();
  }

  focus() {
    this.#row(this.#active ?? this.#rows[0]?.key)?.focus();
  }

  #way(key) {
    const way = [];
    for (let one = this.#names.get(key); one && !way.includes(one.key); one = this.#names.get(one.parent)) way.push(one.key);
    return way;
  }

  #render() {
    const hadFocus = this.#host.contains(document.activeElement);
    this.#rows = [];
    this.#collect(null, 1);
    const tabbable = this.#rows.some(({ key }) => key === this.#active) ? this.#active : this.#rows[0]?.key;
    this.#host.replaceChildren(...this.#rows.map((row) => this.#draw(row, row.key === tabbable)));
    if (hadFocus) this.#row(tabbable)?.focus({ preventScroll: true });
  }

  #collect(parent, level) {
    const taxa = (this.#below.get(parent) ?? []).filter(({ key }) => !this.#kept || this.#kept.has(key));
    taxa.forEach((taxon, index) => {
      const below = (this.#below.get(taxon.key) ?? []).some(({ key }) => !this.#kept || this.#kept.has(key));
      const open = below && (this.#kept !== null || this.#open.has(taxon.key));
      this.#rows.push({ key: taxon.key, taxon, level, below, open, index, of: taxa.length });
      if (open) this.#collect(taxon.key, level + 1);
    });
  }

  #draw({ key, taxon, level, below, open, index, of }, tabbable) {
    const said = [taxon.rank, ...(taxon.kind === "non-living" ? ["non-living"] : []), ...taxon.synonyms.map((name) => `= ${name}`)];
    const called = make(
      "span", { className: "called" },
      make("span", { className: "twist" }), make("b", { textContent: taxon.name }), make("small", { textContent: said.filter(Boolean).join(" · ") }),
    );
    const row = make("div", { tabIndex: tabbable ? 0 : -1 }, called, ...COUNTED.map(() => make("span")));
    row.dataset.key = key;
    row.style.setProperty("--level", level - 1);
    const attributes = {
      role: "treeitem", "aria-level": level, "aria-posinset": index + 1, "aria-setsize": of, "aria-selected": key === this.#active,
      ...(below ? { "aria-expanded": open } : {}),
    };
    for (const [name, value] of Object.entries(attributes)) row.setAttribute(name, value);
    this.#count(row, taxon);
    return row;
  }

  #count(row, taxon) {
    const counts = this.#counts.get(taxon.key);
    const spoken = [];
    COUNTED.forEach((name, index) => {
      const number = counts?.[`${name}_below`] ?? 0;
      if (number) spoken.push(`${format.count(number)} ${SPOKEN[name]}`);
      const cell = row.children[index + 1];
      const text = number ? format.count(number) : "–";
      if (cell.textContent === text) return;
      cell.textContent = text;
      cell.className = `number ${name}${number ? "" : " none"}`;
    });
    const label = [taxon.name, taxon.rank, ...spoken].filter(Boolean).join(", ");
    if (row.ariaLabel !== label) row.ariaLabel = label;
  }

  #row(key) {
    return key == null ? null : this.#host.querySelector(`[data-key="${CSS.escape(key)}"]`);
  }

  #mark(key, focus) {
    const [before, last] = [this.#row(this.#active), this.#host.querySelector('[tabindex="0"]')];
    this.#active = key;
    if (!this.#row(key)) this.#render();
    last?.setAttribute("tabindex", "-1");
    before?.setAttribute("aria-selected", "false");
    const row = this.#row(key);
    row?.setAttribute("tabindex", "0");
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    if (focus) row?.focus({ preventScroll: true });
  }

  #choose(key) {
    this.#mark(key, true);
    this.#on.onSelect(key);
  }

  #fold(key, open) {
    if (open) this.#open.add(key);
    else this.#open.delete(key);
    this.#render();
  }

  #clicked(event) {
    const row = event.target.closest("[data-key]");
    if (!row) return;
    if (event.target.closest(".twist") && row.hasAttribute("aria-expanded")) this.#fold(row.dataset.key, row.getAttribute("aria-expanded") !== "true");
    else this.#choose(row.dataset.key);
  }

  #pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = this.#rows.findIndex(({ key }) => key === document.activeElement?.dataset.key);
    const row = this.#rows[at];
    if (!row) return;
    const goTo = (index) => this.#rows[index] && this.#choose(this.#rows[index].key);
    const moves = {
      ArrowDown: () => goTo(at + 1),
      ArrowUp: () => goTo(at - 1),
      Home: () => goTo(0),
      End: () => goTo(this.#rows.length - 1),
      ArrowRight: () => (row.below && !row.open ? this.#fold(row.key, true) : row.below && goTo(at + 1)),
      ArrowLeft: () => (row.open && !this.#kept ? this.#fold(row.key, false) : row.taxon.parent && this.#choose(row.taxon.parent)),
      Enter: () => this.#on.onEnter(row.key),
      " ": () => this.#choose(row.key),
      "*": () => this.unfold(true),
    };
    if (moves[event.key]) moves[event.key]();
    else if (event.key.length === 1 && /\p{L}|\p{N}/u.test(event.key)) this.#typeTo(event.key, at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Letters go to the next row that begins with them. */
  #typeTo(letter, at) {
    const now = Date.now();
    this.#typed = now - this.#typedAt > FORGET_MS ? letter : this.#typed + letter;
    this.#typedAt = now;
    const wanted = this.#typed.toLowerCase();
    const from = this.#typed.length === 1 ? at + 1 : at;
    const ordered = [...this.#rows.slice(from), ...this.#rows.slice(0, from)];
    const next = ordered.find(({ taxon }) => taxon.name.toLowerCase().startsWith(wanted));
    if (next) this.#choose(next.key);
  }
}

/** Taxa by what they lie below. */
function group(taxa) {
  const below = new Map();
  for (const taxon of taxa) {
    if (!below.has(taxon.parent)) below.set(taxon.parent, []);
    below.get(taxon.parent).push(taxon);
  }
  return below;
}
