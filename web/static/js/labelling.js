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
  async apply(images, taxon, state) {
    const ids = images.map((image) => image.image_id);
    try {
      const action = await change("labels", {
        method: "POST",
        headers: { "Idempotency-Key": crypto.randomUUID() },
        body: { image_ids: ids, taxon: taxon.key, state },
      });
      this.#done.push({ ...action, taxon: taxon.key });
      this.#onChanged(ids.map((image_id) => ({ image_id, taxon: taxon.key, state })));
      toast(`${format.images(ids.length)} labelled ${taxon.key}${state === "dubious" ? " (dubious)" : ""}`, {
        action: "Undo",
        onAction: () => this.undo(),
      });
      return true;
    } catch (error) {
      toast(`Nothing was labelled. ${error.message}`, { bad: true });
      return false;
    }
  }

  /** Take the last action back. */
  async undo() {
    const last = this.#done.pop();
    if (!last) return;
    try {
      const { images } = await change(`actions/${last.action_id}`, { method: "DELETE" });
      this.#onChanged(images);
      toast(`Taken back: ${last.taxon} on ${format.images(images.length)}`);
    } catch (error) {
      this.#done.push(last);
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
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
