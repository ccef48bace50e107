// What is selected on the map: a grid of it, and one name for all of it.
import { may } from "./account.js";
import { ask } from "./api.js";
import { TaxonBox } from "./combobox.js";
import { byId } from "./dom.js";
import * as format from "./format.js";
import { Grid } from "./grid.js";
import { Labelling } from "./labelling.js";
import { Recent } from "./recent.js";
import { sure } from "./sure.js";
import { toast } from "./toast.js";

const SHOWN = 300;
const MOST_LABELLED = 10_000;
const SETTLE_MS = 120;

/** The panel beside the map. */
export class Chosen {
  #on;
  #seen = new Map(); // what is selected, those to be shown first: ids, with the version of the name that each had then
  #run = 0;
  #timer = 0;
  #isStale = false; // the grid does not show what is selected yet: what is clicked there does not count
  #grid;
  #labelling;
  #recent;
  #box;

  /**
   * @param {{called: (id: string) => string|null, onRenamed: (images: object[]) => void,
   *   onSelection: (ids: string[]) => void}} on what the map calls an image; images got new names;
   *   some were taken out in the grid
   */
  constructor(on) {
    this.#on = on;
    this.#grid = new Grid(byId("grid"), { onOpen: (id) => window.open(`/images/${id}`, "_blank", "noopener"), onSelection: () => this.#picked() });
    this.#labelling = new Labelling((images) => this.#answered(images));
    this.#recent = new Recent((key) => this.label({ key }, false));
    this.#box = new TaxonBox(byId("name"), byId("names"), (taxon, { dubious }) => this.label(taxon, dubious));
    byId("undo").disabled = !this.#labelling.canUndo; // also what was done before a reload
    byId("undo").addEventListener("click", () => this.undo());
    byId("dubious").addEventListener("click", () => this.label(this.#box.value, true));
    byId("actions").addEventListener("submit", (event) => {
      event.preventDefault();
      this.label(this.#box.value, false);
    });
    ask("taxa").then(
      ({ taxa }) => (this.#box.taxa = taxa.toSorted((a, b) => a.key.localeCompare(b.key))),
      (error) => toast(error.message, { bad: true }),
    );
  }

  /**
   * Select these; the first ones are shown.
   * @param {{image_id: string, label_version: number}[]} images
   * @param {{anew?: boolean}} how what was selected before counts as seen as it is called now; else
   *   as it was called when it was selected
   */
  select(images, { anew = false } = {}) {
    const before = anew ? new Map() : this.#seen;
    this.#seen = new Map(images.map(({ image_id, label_version }) => [image_id, before.get(image_id) ?? label_version]));
    this.#describe();
    this.#stale(true);
    const run = ++this.#run; // a lookup that is on its way is of what was selected before
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#show(run), SETTLE_MS);
  }

  undo() {
    return this.#labelling.undo();
  }

  /** Somebody named images, perhaps we: our own change is told by its answer first. */
  async heard(images) {
    await this.#labelling.settled;
    this.#renamed(images);
  }

  /** The taxon of a number key. */
  labelRecent(number) {
    const key = this.#recent.at(number);
    if (key) this.label({ key }, false);
  }

  /** Give all that is selected one name. */
  async label(taxon, dubious) {
    if (!this.#seen.size) return toast("Select images first: hold Shift and drag around them.");
    if (!taxon) return toast("Choose a taxon first: type a part of its name.", { bad: true });
    if (this.#seen.size > MOST_LABELLED) return toast(`At most ${format.images(MOST_LABELLED)} at once: select fewer.`, { bad: true });
    const images = [...this.#seen].map(([image_id, seen]) => ({ image_id, seen }));
    if (!(await this.#mayRename(taxon.key))) return undefined;
    byId("validate").disabled = byId("dubious").disabled = true;
    const done = await this.#labelling.apply(images, taxon, dubious ? "dubious" : "validated");
    if (done) {
      this.#recent.use(taxon.key);
      byId("shapes").focus({ preventScroll: true });
    }
    return this.#describe();
  }

  /** Of many images only some are shown: another name that the others have is not lost unasked. */
  #mayRename(taxon) {
    const unseen = [...this.#seen.keys()].filter((id) => !this.#grid.has(id));
    const others = unseen.map((id) => this.#on.called(id)).filter((name) => name && name !== taxon);
    if (!others.length) return true;
    const names = [...Map.groupBy(others, (name) => name)].map(([name, some]) => `${name} (${format.count(some.length)})`);
    const text = `${format.images(others.length)} that ${others.length === 1 ? "is" : "are"} not shown here ${others.length === 1 ? "has" : "have"} another name: ${names.join(", ")}.`;
    return sure(`Label all ${format.count(this.#seen.size)} ${taxon}?`, text, "Label all");
  }

  async #show(run) {
    const wanted = [...this.#seen.keys()].slice(0, SHOWN);
    try {
      const { images } = wanted.length ? await ask("images/lookup", { method: "POST", body: { image_ids: wanted } }) : { images: [] };
      if (run !== this.#run) return;
      for (const image of images) delete image.score; // they are no proposals: captions say when, not how sure
      this.#fill(images);
      this.#describe();
    } catch (error) {
      if (run !== this.#run) return;
      this.#fill([]);
      toast(error.message, { bad: true });
    }
  }

  #fill(images) {
    this.#grid.show(images, { selected: images.map((image) => image.image_id) });
    this.#stale(false);
  }

  #stale(is) {
    this.#isStale = is;
    byId("grid").setAttribute("aria-busy", String(is));
  }

  // Somebody took tiles out in the grid, or in again: what is not shown stays selected.
  #picked() {
    if (this.#isStale) return;
    const kept = [...this.#seen].filter(([id]) => !this.#grid.has(id));
    const picked = this.#grid.selected.map(({ image_id, seen }) => [image_id, this.#seen.get(image_id) ?? seen]);
    this.#seen = new Map([...picked, ...kept]);
    this.#describe();
    this.#on.onSelection([...this.#seen.keys()]);
  }

  /** What we named or took back we have seen; what is said to be somebody else's is only shown. */
  #answered(images) {
    const own = images.filter(({ image_id, by }) => by === null && this.#seen.has(image_id));
    for (const { image_id, label_version } of own) this.#seen.set(image_id, label_version);
    this.#renamed(images);
  }

  #renamed(images) {
    this.#grid.rename(images);
    byId("undo").disabled = !this.#labelling.canUndo;
    this.#on.onRenamed(images);
  }

  #describe() {
    const number = this.#seen.size;
    byId("chosen-heading").textContent = number ? `${format.count(number)} selected` : "Nothing selected";
    byId("validate").disabled = byId("dubious").disabled = byId("clear").disabled = number === 0;
    const all = `The ${SHOWN} nearest to their middle are shown`;
    const [part, whole] = may("labeller") ? [`${all}; all get the name.`, "Take out what is wrong, name the rest."] : [`${all}.`, ""];
    if (number) byId("chosen-about").textContent = number > SHOWN ? part : whole;
    else byId("chosen-about").textContent = "Hold Shift and drag around images that belong together. Ctrl adds to a selection, Alt takes out of it. By keyboard: arrows and Space.";
  }
}
