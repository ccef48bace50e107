// Filters: a small form that opens over the page, and a chip for each that is set.
import { byId, fillSelect, make } from "./dom.js";
import * as format from "./format.js";
import { FILTERS } from "./view.js";

const TIMES = ["after", "before"];
const MOST_LIKELY = 24; // options of a list that are had ready
const REST = 3; // times as long as the last of them took: what somebody does meanwhile comes first
const SAID = { // `below` is said with the taxon
  camera: (value) => `camera ${value}`,
  state: (value) => value,
  taxon: (value, { below }) => `taxon ${value}${below ? " and below" : ""}`,
  predicted: (value) => `perhaps ${value}`,
  after: (value) => `from ${format.time(value)}`,
  before: (value) => `before ${format.time(value)}`,
  depth_min: (value) => `${value} m or deeper`,
  depth_max: (value) => `${value} m or shallower`,
};

/** The form and the chips. */
export class Filters {
  #onChange;
  #onLikely;
  #expected = 0; // counts what was expected: only the last goes on
  #form = byId("filters");
  #button = byId("filter");

  /**
   * @param {(changed: object) => void} onChange gets the filters that changed, by name
   * @param {{onLikely: (changed: object) => Promise<void>, onOpen: () => void}} on gets those that may
   *   be changed next, and says when all is ready for that; and is told when somebody opens the form
   */
  constructor(onChange, { onLikely, onOpen }) {
    this.#onChange = onChange;
    this.#onLikely = onLikely;
    this.#form.addEventListener("focusin", () => this.expect());
    for (const name of FILTERS) {
      byId(name).addEventListener("change", ({ target }) => target.validity.valid && onChange({ [name]: read(target) }));
    }
    byId("clear-filters").addEventListener("click", () => onChange(Object.fromEntries(FILTERS.map((name) => [name, ""]))));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#form.hidePopover();
    });
    this.#form.addEventListener("toggle", ({ newState }) => {
      this.#button.setAttribute("aria-expanded", String(newState === "open"));
      if (newState !== "open") return;
      this.#place();
      onOpen();
    });
  }

  /** Open the form. */
  open() {
    this.#form.showPopover();
    byId("camera").focus();
  }

  /** Say what may be chosen next in the list that somebody is at: what an arrow key would, then the others, one by one. */
  async expect() {
    const mine = ++this.#expected;
    const list = document.activeElement;
    if (list?.tagName !== "SELECT" || !this.#form.contains(list)) return;
    const likely = nearestFirst([...list.options], list.selectedIndex).slice(0, MOST_LIKELY);
    const expect = ({ value }) => this.#onLikely({ [list.id]: value });
    let began = performance.now();
    await Promise.all(likely.splice(0, 2).map(expect));
    for (const option of likely) {
      await pause(REST * (performance.now() - began));
      if (mine !== this.#expected || document.activeElement !== list) return;
      began = performance.now();
      await expect(option);
    }
  }

  /** Close it; whether it was open. */
  close() {
    if (!this.#form.matches(":popover-open")) return false;
    this.#form.hidePopover();
    return true;
  }

  /** Write what a view is filtered by; in a queue all images are unlabelled. */
  show(view, { inQueue }) {
    for (const name of FILTERS) if (!isBeingTyped(byId(name))) write(byId(name), view[name]);
    for (const element of this.#form.querySelectorAll(".no-queue")) element.hidden = inQueue;
    const set = FILTERS.filter((name) => view[name] && SAID[name] && !(inQueue && name === "state"));
    this.#button.textContent = set.length ? `Filters (${set.length})` : "Filters";
    byId("clear-filters").disabled = set.length === 0;
    byId("chips").hidden = set.length === 0;
    byId("chips").replaceChildren(...set.map((name) => this.#chip(name, SAID[name](view[name], view))));
  }

  /** The cameras, the taxa, and the taxa that something is proposed as, that can be chosen. */
  offer({ cameras, taxa, predicted }, view) {
    if (cameras) fillSelect(byId("camera"), cameras, view.camera);
    if (taxa) fillSelect(byId("taxon"), taxa, view.taxon);
    if (predicted) this.#offerPredicted(predicted, view.predicted);
  }

  #offerPredicted(predicted, chosen) {
    const waiting = new Map(predicted.map(({ taxon, images }) => [taxon, images]));
    if (chosen && !waiting.has(chosen)) waiting.set(chosen, 0);
    fillSelect(byId("predicted"), [...waiting.keys()], chosen, (taxon) => `${taxon} (${format.count(waiting.get(taxon))})`);
  }

  #chip(name, text) {
    const chip = make("button", { type: "button", className: "chip", title: "Remove this filter" }, text, make("span", { textContent: "×" }));
    chip.setAttribute("aria-label", `Remove the filter ${text}`);
    chip.lastChild.setAttribute("aria-hidden", "true");
    chip.addEventListener("click", () => this.#onChange(name === "taxon" ? { taxon: "", below: "" } : { [name]: "" }));
    return chip;
  }

  #place() {
    const { left, bottom } = this.#button.getBoundingClientRect();
    this.#form.style.top = `${bottom + 6}px`;
    this.#form.style.left = `${Math.min(left, innerWidth - this.#form.offsetWidth - 12)}px`;
  }
}

/** All but one, by how far they are from it; where the last key led on, first. */
function nearestFirst(options, at) {
  const far = ({ index }) => Math.abs(index - at);
  return options.toSpliced(at, 1).reverse().toSorted((a, b) => far(a) - far(b));
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A field's value as the API takes it; times are typed as on the clock of whoever types. */
function read(field) {
  if (field.type === "checkbox") return field.checked ? "true" : "";
  if (!TIMES.includes(field.id) || !field.value) return field.value;
  return new Date(field.value).toISOString();
}

/** Half a date is no change yet. */
const isBeingTyped = (field) => field === document.activeElement && field.matches("[type=number], [type=datetime-local]");

function write(field, value) {
  if (field.type === "checkbox") field.checked = value === "true";
  else if (!TIMES.includes(field.id)) field.value = value;
  else if (!value || Number.isNaN(Date.parse(value))) field.value = "";
  else {
    const at = new Date(value);
    field.value = new Date(at - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }
}
