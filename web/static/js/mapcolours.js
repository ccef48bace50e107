// Which colour each point has, and the legend that says so and hides what is not wanted.
import { node } from "./chart.js";
import { make } from "./dom.js";
import * as format from "./format.js";

const MOST = 8; // the next colour is for all others
const NONE = "none-of";
const OTHERS = Symbol("others");
const OPAQUE = 0xff000000;

/** Colours points by one of their columns. */
export class Colours {
  #element;
  #onChanged;
  #by = "taxon";
  #hidden = new Set();
  #given = new Map(); // name → number of its colour
  #probes = new Map(); // class → element whose fill the style sheet says

  /**
   * @param {HTMLElement} element the legend
   * @param {() => void} onChanged something was hidden or shown
   */
  constructor(element, onChanged) {
    this.#element = element;
    this.#onChanged = onChanged;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", onChanged);
  }

  /** Colour by another column: taxon, predicted, state, camera. */
  set by(name) {
    this.#by = name;
    this.#hidden.clear();
    this.#given.clear();
  }

  /** ABGR of what is written on the page. */
  get ink() {
    return this.#colour("ink");
  }

  /** The colour of each point, 0 where it is hidden; writes the legend. */
  of(points) {
    const names = { taxon: points.taxa, predicted: points.taxa, state: points.states, camera: points.cameras }[this.#by];
    const codes = points[this.#by];
    const counts = new Uint32Array(names.length);
    for (let row = 0; row < points.length; row += 1) counts[codes[row]] += 1;
    const isNone = (code) => names[code] === null || names[code] === "unlabelled";
    const ranked = Array.from(counts.keys())
      .filter((code) => counts[code] && !isNone(code))
      .sort((a, b) => counts[b] - counts[a] || String(names[a]).localeCompare(String(names[b])));
    const groups = this.#groups(names, counts, ranked, isNone);
    this.#show(groups);
    const byCode = new Uint32Array(names.length);
    for (const { codes: some, className, key } of groups) {
      const colour = this.#hidden.has(key) ? 0 : this.#colour(className);
      for (const code of some) byCode[code] = colour;
    }
    return Uint32Array.from({ length: points.length }, (_, row) => byCode[codes[row]]);
  }

  #groups(names, counts, ranked, isNone) {
    const sum = (some) => some.reduce((total, code) => total + counts[code], 0);
    const group = (key, name, some, className) => ({ key, name, codes: some, className, count: sum(some) });
    const first = ranked.slice(0, MOST);
    this.#assign(first.map((code) => names[code]));
    const groups = first.map((code) => group(names[code], names[code], [code], `m${this.#given.get(names[code])}`));
    const rest = ranked.slice(MOST);
    if (rest.length) groups.push(group(OTHERS, `${rest.length} others`, rest, "m8"));
    const none = Array.from(counts.keys()).filter((code) => counts[code] && isNone(code));
    const missing = { taxon: "unlabelled", predicted: "none proposed" }[this.#by] ?? "unlabelled";
    if (none.length) groups.push(group(null, missing, none, NONE));
    return groups;
  }

  /** A name keeps its colour while it has one; those of names that are not among the first any more are free. */
  #assign(names) {
    for (const name of this.#given.keys()) if (!names.includes(name)) this.#given.delete(name);
    const taken = new Set(this.#given.values());
    const free = Array.from({ length: MOST }, (_, index) => index).filter((index) => !taken.has(index));
    for (const name of names) if (!this.#given.has(name)) this.#given.set(name, free.shift());
  }

  #show(groups) {
    const focused = [...this.#element.children].findIndex((item) => item.contains(document.activeElement));
    this.#element.replaceChildren(
      ...groups.map(({ key, name, className, count }) => {
        const swatch = node("svg", { width: 11, height: 11, "aria-hidden": "true" }, node("rect", { width: 11, height: 11, rx: 5.5, class: className }));
        const button = make("button", { type: "button", title: "Hide or show" }, swatch, name, make("span", { textContent: format.count(count) }));
        button.setAttribute("aria-pressed", String(!this.#hidden.has(key)));
        button.addEventListener("click", () => {
          if (!this.#hidden.delete(key)) this.#hidden.add(key);
          this.#onChanged();
        });
        return make("li", {}, button);
      }),
    );
    if (focused >= 0) this.#element.children[focused]?.firstChild.focus();
  }

  // The style sheet has the colours: a canvas must be told them.
  #colour(className) {
    if (!this.#probes.has(className)) {
      const probe = node("svg", { class: "hidden", "aria-hidden": "true" }, node("rect", { class: className }));
      this.#element.after(probe);
      this.#probes.set(className, probe.firstChild);
    }
    const [red, green, blue] = getComputedStyle(this.#probes.get(className)).fill.match(/\d+/g).map(Number);
    return (OPAQUE | (blue << 16) | (green << 8) | red) >>> 0;
  }
}
