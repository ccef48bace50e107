// Merging a taxon into another, and taking that back: asked first, and followed to its end.
import { change } from "./api.js";
import { TaxonBox } from "./combobox.js";
import { byId } from "./dom.js";
import * as format from "./format.js";
import { sure } from "./sure.js";
import { toast } from "./toast.js";

/** The form below a taxon. */
export class Merging {
  #taxa = [];
  #taxon = null;
  #targets;
  #onDone;
  #countOf;

  /** @param {{onDone: () => Promise<void>, countOf: (key: string) => ?object}} on */
  constructor({ onDone, countOf }) {
    this.#onDone = onDone;
    this.#countOf = countOf;
    this.#targets = new TaxonBox(byId("target"), byId("targets"), () => {});
    byId("merging").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#merge();
    });
  }

  setTaxa(taxa) {
    this.#taxa = taxa;
  }

  /** Offer to merge a taxon; null: nothing. */
  show(taxon) {
    if (taxon?.key !== this.#taxon?.key) byId("target").value = "";
    this.#taxon = taxon ?? null;
    byId("merging").hidden = !taxon;
    if (taxon) this.#targets.taxa = this.#taxa.filter(({ key }) => key !== taxon.key);
  }

  /** Take the merging of a taxon back. */
  async undo(key) {
    const text = "It is valid again, and the labels that the merge gave are taken back.";
    if (!(await sure(`Take the merging of ${key} back?`, text, "Take back"))) return;
    await this.#follow(`taxa/${key}/merge`, { method: "DELETE" }, ({ labelled }) => `${key} is valid again; ${format.images(labelled)} as before`);
  }

  async #merge() {
    const [taxon, target] = [this.#taxon, this.#targets.value];
    if (!target) return toast("Choose the valid taxon first: type a part of its name.", { bad: true });
    const own = this.#countOf(taxon.key) ?? {};
    const number = (own.validated ?? 0) + (own.dubious ?? 0) + (own.predicted ?? 0);
    const text =
      `${format.images(number)} will be called ${target.name} instead. ${taxon.name} becomes a synonym and is given no more; ` +
      "what lies below it moves. The history of each image stays, and it can be taken back.";
    if (!(await sure(`Merge ${taxon.name} into ${target.name}?`, text, "Merge"))) return null;
    const done = ({ labelled }) => `${taxon.name} is a synonym of ${target.name} now; ${format.images(labelled)} labelled again`;
    return this.#follow(`taxa/${taxon.key}/merge`, { method: "POST", body: { into: target.key } }, done);
  }

  /** Repeat a request until nothing is left: each does a part. */
  async #follow(path, options, words) {
    const progress = byId("merge-progress");
    try {
      let answer = await change(path, options);
      while (answer.left) {
        progress.hidden = false;
        progress.textContent = `${format.count(answer.left)} left…`;
        answer = await change(path, options);
      }
      await this.#onDone();
      toast(words(answer));
    } catch (error) {
      toast(error.message, { bad: true });
      await this.#onDone().catch(() => {});
    } finally {
      progress.hidden = true;
    }
  }
}
