// What is known about one taxon, as a form: only what was changed is sent.
import { TaxonBox } from "./combobox.js";
import { byId } from "./dom.js";

const lines = (text) => text.split("\n").map((line) => line.trim()).filter(Boolean);

/** A key made of a name, as the server makes them. */
export const keyOf = (name) =>
  name.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[._-]+/, "").slice(0, 64).replace(/-+$/, "");

const fields = () => JSON.stringify([...byId("fields").querySelectorAll("input, select, textarea")].map(({ value }) => value));

/** The form of a taxon, or of one that is to be added. */
export class TaxonForm {
  #taxon = null;
  #shown = ""; // what the fields held when they were filled
  #parents;
  #names;
  #mayEdit;
  #keyTouched = false;

  /**
   * @param {boolean} mayEdit whether fields can be changed
   * @param {{onSave: (key: ?string, changes: object) => void}} on `key` is null for a new taxon
   */
  constructor(mayEdit, { onSave }) {
    this.#mayEdit = mayEdit;
    this.#parents = new TaxonBox(byId("f-parent"), byId("parents"), () => {});
    byId("f-name").addEventListener("input", () => {
      if (!this.#taxon && !this.#keyTouched) byId("f-key").value = keyOf(byId("f-name").value);
    });
    byId("f-key").addEventListener("input", () => (this.#keyTouched = true));
    byId("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const changes = this.#read();
      if (changes) onSave(this.#taxon?.key ?? null, changes);
    });
  }

  /** The taxa that one may lie below. */
  setTaxa(taxa, names) {
    this.#names = names;
    this.#parents.taxa = taxa;
  }

  /** Show a taxon, or with null an empty form for one below `parent`. */
  show(taxon, parent = "") {
    this.#taxon = taxon;
    this.#keyTouched = false;
    const values = taxon ?? { name: "", key: "", rank: "", parent, aphia_id: "", kind: this.#names.get(parent)?.kind ?? "living", synonyms: [] };
    byId("f-name").value = values.name;
    byId("f-key").value = values.key;
    byId("f-key").readOnly = Boolean(taxon);
    byId("f-rank").value = values.rank ?? "";
    byId("f-parent").value = values.parent ?? "";
    byId("f-aphia").value = values.aphia_id ?? "";
    byId("f-kind").value = values.kind;
    byId("f-synonyms").value = values.synonyms.join("\n");
    byId("fields").disabled = !this.#mayEdit;
    byId("save").textContent = taxon ? "Save" : "Add";
    byId("cancel").hidden = Boolean(taxon);
    byId("child").hidden = byId("delete").hidden = !taxon;
    byId("form").hidden = false;
    this.#shown = fields();
    this.refuse("");
  }

  /** Whether something was typed that was not saved. */
  get isDirty() {
    return !byId("form").hidden && this.#shown !== fields();
  }

  /** Key of the taxon that is shown, null of a new one. */
  get key() {
    return this.#taxon?.key ?? null;
  }

  /** Say why it was not saved. */
  refuse(message) {
    byId("refused").textContent = message;
    byId("refused").hidden = !message;
  }

  focus() {
    byId("f-name").focus();
  }

  /** What differs from the taxon as it was shown; null if something can't be meant. */
  #read() {
    const typed = byId("f-parent").value.trim();
    const parent = typed ? (this.#names.get(typed) ?? this.#parents.value) : null;
    if (typed && !parent) {
      this.refuse(`There is no taxon ${typed} to lie below.`);
      byId("f-parent").focus();
      return null;
    }
    const values = {
      name: byId("f-name").value.trim(),
      rank: byId("f-rank").value.trim().toLowerCase() || null,
      parent: parent?.key ?? null,
      aphia_id: Number(byId("f-aphia").value) || null,
      kind: byId("f-kind").value,
      synonyms: lines(byId("f-synonyms").value),
    };
    if (!this.#taxon) return { key: byId("f-key").value.trim(), ...values };
    const differs = ([name, value]) => JSON.stringify(value) !== JSON.stringify(this.#taxon[name]);
    return Object.fromEntries(Object.entries(values).filter(differs));
  }
}
