// Giving the selection a name, and taking the last action back.
import { change } from "./api.js";
import * as format from "./format.js";
import { toast } from "./toast.js";

/** Labels images and remembers what it did, last action last. */
export class Labelling {
  #done = [];
  #onChanged;

  /** @param {(images: object[]) => void} onChanged gets images with their new names */
  constructor(onChanged) {
    this.#onChanged = onChanged;
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  /**
   * Label images, all or none. One key for all tries: a lost answer can't label twice.
   * @returns {Promise<boolean>} whether it was done
   */
  apply(images, taxon, state) {
    return this.applyEach(new Map([[taxon.key, images]]), state);
  }

  /**
   * Label images as several taxa, each all or none; one undo takes all back.
   * @param {Map<string, object[]>} byTaxon images by the key of their taxon
   * @returns {Promise<boolean>} whether all was done
   */
  async applyEach(byTaxon, state) {
    const actions = [];
    let [labelled, failure] = [0, null];
    for (const [taxon, images] of byTaxon) {
      try {
        actions.push(await this.#give(images, taxon, state));
        labelled += images.length;
      } catch (error) {
        failure = error;
        break;
      }
    }
    const what = byTaxon.size === 1 ? [...byTaxon.keys()][0] : `as ${byTaxon.size} taxa`;
    if (actions.length) this.#done.push({ actions, what });
    this.#onChanged([]);
    if (failure) {
      const some = labelled ? `Only ${format.images(labelled)} labelled.` : "Nothing was labelled.";
      toast(`${some} ${failure.message}`, { bad: true });
      return false;
    }
    toast(`${format.images(labelled)} labelled ${what}${state === "dubious" ? " (dubious)" : ""}`, {
      action: "Undo",
      onAction: () => this.undo(),
    });
    return true;
  }

  /** Take the last action back, with all that was labelled by it. */
  async undo() {
    const last = this.#done.pop();
    if (!last) return;
    let number = 0;
    try {
      for (const action of last.actions) {
        const { images } = await change(`actions/${action}`, { method: "DELETE" });
        this.#onChanged(images);
        number += images.length;
      }
      toast(`Taken back: ${last.what} on ${format.images(number)}`);
    } catch (error) {
      this.#done.push(last); // what is back already stays so: taking it back again is harmless
      this.#onChanged([]);
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
  }

  async #give(images, taxon, state) {
    const ids = images.map((image) => image.image_id);
    const action = await change("labels", {
      method: "POST",
      headers: { "Idempotency-Key": crypto.randomUUID() },
      body: { image_ids: ids, taxon, state },
    });
    this.#onChanged(ids.map((image_id) => ({ image_id, taxon, state })));
    return action.action_id;
  }

  /** Take one label of an image's history back. */
  async retract(labelId) {
    try {
      const { images } = await change(`labels/${labelId}`, { method: "DELETE" });
      this.#onChanged(images);
      toast("Label taken back");
    } catch (error) {
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
  }
}
