// Giving the selection a name, and taking the last action back.
import { asking, whyNotLabel } from "./account.js";
import { freshId } from "./api.js";
import { askAbout } from "./conflict.js";
import * as format from "./format.js";
import { keep, readKept } from "./kept.js";
import { saving } from "./saving.js";
import { toast } from "./toast.js";

/** Whoever was asked whose name holds wants nothing more done. */
class Cancelled extends Error {
  message = "You went back.";
}

const DONE = `plankton.done.${asking().name}`;
const MOST_DONE = 50;

/** Labels images and remembers what it did, last action last. */
export class Labelling {
  #done = readKept("sessionStorage", DONE) ?? []; // also what was done before this page was loaded anew
  #onChanged;
  #isSaving = false;

  /** Fulfilled when no change is on its way. */
  settled = Promise.resolve();

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
    if (whyNotLabel()) {
      toast(whyNotLabel(), { bad: true });
      return false;
    }
    return this.#once(() => this.#applyEach(byTaxon, state));
  }

  async #applyEach(byTaxon, state) {
    const actions = [];
    let [labelled, failure] = [0, null];
    for (const [taxon, images] of byTaxon) {
      try {
        const given = await this.#give(images, taxon, state);
        if (given) actions.push(given.action_id);
        labelled += given?.labels.length ?? 0;
      } catch (error) {
        failure = error;
        break;
      }
    }
    const what = byTaxon.size === 1 ? [...byTaxon.keys()][0] : `as ${byTaxon.size} taxa`;
    if (actions.length) this.#remember({ actions, what });
    this.#onChanged([]);
    if (failure) {
      const some = labelled ? `Only ${format.images(labelled)} labelled.` : "Nothing was labelled.";
      toast(`${some} ${failure.message}`, { bad: !(failure instanceof Cancelled) });
      return false;
    }
    if (!labelled) return false;
    toast(`${format.images(labelled)} labelled ${what}${state === "dubious" ? " (dubious)" : ""}`, {
      action: "Undo",
      onAction: () => this.undo(),
    });
    return true;
  }

  /** Take the last action back, with all that was labelled by it. */
  undo() {
    return this.#once(() => this.#undo());
  }

  /** Take one label of an image's history back. */
  retract(labelId) {
    return this.#once(() => this.#retract(labelId));
  }

  async #undo() {
    const last = this.#done.pop();
    if (!last) return;
    keep("sessionStorage", DONE, this.#done);
    let number = 0;
    try {
      for (const action of last.actions) {
        const { images } = await saving.send(`actions/${action}`, { method: "DELETE" }, `taking back ${last.what}`);
        this.#onChanged(images.map(own));
        number += images.length;
      }
      toast(`Taken back: ${last.what} on ${format.images(number)}`);
    } catch (error) {
      this.#remember(last); // what is back already stays so: taking it back again is harmless
      this.#onChanged([]);
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
  }

  #remember(action) {
    this.#done = [...this.#done, action].slice(-MOST_DONE);
    keep("sessionStorage", DONE, this.#done);
  }

  /**
   * Label images, all or none. One key for all tries: a lost answer can't label twice.
   * @returns {Promise<object|null>} the action; null if all is left as somebody else called it;
   *   rejects with `Cancelled`
   */
  async #give(images, taxon, state) {
    let wanted = images;
    while (wanted.length) {
      const ids = wanted.map((image) => image.image_id);
      const seen = Object.fromEntries(wanted.filter((image) => image.seen !== undefined).map((image) => [image.image_id, image.seen]));
      const options = { method: "POST", headers: { "Idempotency-Key": freshId() }, body: { image_ids: ids, taxon, state, seen } };
      try {
        const action = await saving.send("labels", options, `${format.images(ids.length)} as ${taxon}`);
        const standing = action.labels.filter(({ version }) => version !== null); // others were renamed since: events tell
        this.#onChanged(standing.map(({ image_id, version }) => own({ image_id, taxon, state, label_version: version })));
        return action;
      } catch (error) {
        if (!error.problem?.conflicts) throw error;
        wanted = await this.#settle(wanted, taxon, error.problem.conflicts);
      }
    }
    return null;
  }

  /** What is left to label of images that somebody else named first. */
  async #settle(images, taxon, conflicts) {
    this.#onChanged(conflicts.map(({ image_id, taxon: name, state, version, who }) => ({ image_id, taxon: name, state, label_version: version, by: who })));
    const theirs = new Map(conflicts.map((one) => [one.image_id, one.version]));
    const choice = await askAbout(conflicts, taxon);
    if (choice === "cancelled") throw new Cancelled();
    if (choice === "anyway") return images.map((image) => ({ ...image, seen: theirs.get(image.image_id) ?? image.seen }));
    return images.filter((image) => !theirs.has(image.image_id));
  }

  /** One change at a time: after a second Enter while the first is on its way the selection is still there. */
  async #once(work) {
    if (this.#isSaving) {
      toast("The last one is still being saved.");
      return false;
    }
    this.#isSaving = true;
    const done = work();
    this.settled = done.then(() => {}, () => {});
    try {
      return await done;
    } finally {
      this.#isSaving = false;
    }
  }

  async #retract(labelId) {
    try {
      const { images } = await saving.send(`labels/${labelId}`, { method: "DELETE" }, "taking a label back");
      this.#onChanged(images.map(own));
      toast("Label taken back");
    } catch (error) {
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
  }
}

/** An image that we named ourselves: nobody else's mark is left on it. */
const own = (image) => ({ ...image, by: null });
