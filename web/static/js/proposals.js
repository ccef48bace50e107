// Working through a queue: accept what is selected, remember what is not, go on.
import { byId, make } from "./dom.js";
import { newest } from "./heard.js";
import { Queue } from "./queue.js";
import { toast } from "./toast.js";

const TITLES = {
  clusters: "Cluster",
  predicted: "Predicted, best first",
  doubtful: "Predicted, worst first",
  uncertain: "Uncertain",
  novel: "Novel",
  rare: "Rare taxa",
  newest: "Newest unlabelled",
};

const SURE = 0.25; // share of the votes from which a proposal comes selected; benchmarks/oracle looks at no others

/** Shows a queue in the grid and does what its keys say. */
export class Proposals {
  #grid;
  #labelling;
  #queue;
  #name = "";
  #work = null; // promise of what is being done
  #isTurning = false; // the queue is at a page that the grid does not show yet
  #run = 0; // counts pages that were asked for: one that comes late is not shown

  /**
   * @param {import("./grid.js").Grid} grid
   * @param {import("./labelling.js").Labelling} labelling
   */
  constructor(grid, labelling) {
    this.#grid = grid;
    this.#labelling = labelling;
    this.#queue = new Queue({ fits: () => grid.fits, onAhead: (images) => grid.painter.prefetch(images) });
  }

  /** Open a queue; `query` is its filters, `taxon` among them the proposed one. */
  open(name, query) {
    this.#name = name;
    return this.#turn(this.#queue.open(name, query));
  }

  /** Somebody may want the queue with these filters; what it would show. */
  expect(query) {
    return this.#queue.expect(query);
  }

  /** Unlabelled look-alikes of a specimen. */
  grow(imageId) {
    return this.#turn(this.#queue.grow(imageId));
  }

  /** Something else is shown: a page that is on its way is not wanted any more. */
  leave() {
    this.#run += 1;
    this.#isTurning = false;
    this.#queue.leave();
  }

  /** Label what is selected as it is proposed; what was taken out before is remembered as wrong. */
  accept() {
    return this.#once(async () => {
      const { selected, painter } = this.#grid;
      if (!selected.length) return toast("Select images first: click a corner, or press Space.");
      const proposed = selected.filter((image) => this.#queue.proposed ?? image.predicted);
      if (!proposed.length) return toast("Nothing is proposed for the selection: press L and name it.");
      // Nobody has looked at an image whose picture is not there.
      const seen = proposed.filter((image) => painter.has(image));
      if (!seen.length) return toast("The pictures have not come yet: accept once you see them.");
      const byTaxon = Map.groupBy(seen, (image) => (this.#queue.isGroup ? this.#queue.proposed : image.predicted));
      return this.#judge(null, () => this.#labelling.applyEach(byTaxon, "validated"));
    });
  }

  /**
   * Give the selection a name of somebody's choice.
   * @param {string} taxon
   * @param {() => Promise<boolean>} give labels it, and says whether that was done
   * @returns {Promise<boolean>} the same; false, too, while something else is being done
   */
  name(taxon, give) {
    return this.#once(() => this.#judge(taxon, give));
  }

  /** Images are called otherwise, see `Queue.renamed`. */
  renamed(images) {
    this.#queue.renamed(images);
  }

  /** Say that the active image is not what is proposed for it. */
  reject() {
    return this.#once(async () => {
      const image = this.#grid.active;
      const taxon = this.#queue.proposed ?? image?.predicted;
      if (!taxon) return toast("Nothing is proposed for this image.");
      await this.#queue.reject([image], taxon);
      this.#grid.deselect(image.image_id);
      return toast(`Not ${taxon}: it is not proposed for this image again.`);
    });
  }

  /** Go on to the next page, after what is being done; a cluster that nothing was taken from comes later. */
  async next() {
    if (this.#isTurning) return;
    await this.#work;
    await this.#once(() => this.#turn(this.#queue.next()));
  }

  /** Show a page when it comes, unless something else was asked for since. */
  async #turn(coming) {
    const mine = ++this.#run;
    this.#isTurning = true;
    try {
      const page = await coming;
      if (mine === this.#run) await this.#grid.prepare(page.images);
      if (mine === this.#run) this.#show(this.#queue.turnTo(page));
      else this.#queue.drop();
    } finally {
      if (mine === this.#run) this.#isTurning = false;
    }
  }

  #show(images) {
    const mine = this.#run;
    // What is proposed comes selected: the wrong ones are taken out. A group has been grown to be of one kind.
    // What somebody named since is theirs.
    const chosen = images.filter((image) => !newest(image).taxon && (this.#queue.isGroup || isSure(image)));
    this.#grid.show(images, { selected: chosen.map((image) => image.image_id) });
    const { proposed: taxon } = this.#queue;
    byId("heading").textContent = `${this.#queue.isGroup ? "Look-alikes" : TITLES[this.#name]}${taxon ? `: ${taxon}?` : ""}`;
    byId("accept").disabled = !images.some((image) => image.predicted);
    byId("empty").hidden = images.length > 0;
    byId("empty").replaceChildren(make("b", { textContent: "This queue is empty" }), "Predictions appear as labels and images arrive.");
    // Whoever steps through filters goes on there.
    if (!byId("filters").contains(document.activeElement)) byId("grid").focus({ preventScroll: true });
    this.#grid.shown.then(() => mine === this.#run && this.#queue.prefetch());
  }

  /** Label, then remember what was left out as wrong; `taxon` null: each is what it is proposed as. */
  async #judge(taxon, give) {
    const [mine, images] = [this.#run, this.#grid.images];
    if (!(await give())) return false;
    if (mine !== this.#run) return true; // they went somewhere else meanwhile
    if (taxon === null || this.#queue.isGroup) await this.#reject(images.map(({ image_id }) => this.#grid.find(image_id)), taxon);
    this.#queue.accepted();
    this.#grid.select([]);
    return true;
  }

  async #reject(images, taxon) {
    // Of a group only what comes before the last that was kept: beyond the cut nobody may have looked.
    const last = this.#queue.isGroup ? images.findLastIndex((image) => image.taxon) + 1 : images.length;
    const wasChosen = (image) => (this.#queue.isGroup ? (taxon ?? this.#queue.proposed ?? image.predicted) : isSure(image));
    const out = images.slice(0, last).filter((image) => !image.taxon && this.#grid.painter.has(image) && wasChosen(image));
    // Whoever keeps a few only has picked them: the others were not judged.
    if (out.length <= images.length - out.length) await this.#queue.reject(out, taxon ?? this.#queue.proposed);
  }

  /** One thing at a time; what fails is said. */
  async #once(work) {
    if (this.#isTurning) return false;
    if (this.#work) {
      toast("The last one is still being saved.");
      return false;
    }
    const done = work().catch((error) => {
      toast(error.message, { bad: true });
      return false;
    });
    this.#work = done.finally(() => (this.#work = null));
    return done;
  }
}

/** Whether a proposal is worth a yes to all. */
const isSure = (image) => Boolean(image.predicted) && image.score >= SURE;
