// The bench: arriving images or neighbours, a selection, names for it.
import { ask } from "./api.js";
import { Arriving } from "./arriving.js";
import { TaxonBox } from "./combobox.js";
import { byId, fillSelect } from "./dom.js";
import * as format from "./format.js";
import { Grid } from "./grid.js";
import { startHeader } from "./header.js";
import { Labelling } from "./labelling.js";
import { Proposals } from "./proposals.js";
import { Recent } from "./recent.js";
import { showSpecimen, showUpload } from "./specimen.js";
import { toast } from "./toast.js";
import { filters, readView, writeView } from "./view.js";

const grid = new Grid(byId("grid"), {
  onOpen: openNeighbours,
  onSelection: showSelection,
  onActive: (image) => proposals.explain(image),
});
const arriving = new Arriving(grid, byId("fresh"));
const labelling = new Labelling(showRenamed);
const proposals = new Proposals(grid, labelling);
const recent = new Recent((key) => label({ key }, false));
const taxonBox = new TaxonBox(byId("name"), byId("names"), (taxon, { dubious }) => label(taxon, dubious));

let view = readView();
let uploaded = null; // the file whose neighbours are shown
let latest = 0; // counts what was asked for: an answer that comes late is dropped

// -- what is shown -------------------------------------------------------------------------------

async function show() {
  const mine = ++latest;
  const isList = Boolean(view.like || uploaded);
  for (const element of document.querySelectorAll(".neighbours-only")) element.hidden = !isList;
  byId("back").hidden = !isList;
  byId("heading").textContent = isList ? "Neighbours" : "Arriving";
  byId("specimen").hidden = !isList;
  byId("evidence").hidden = true;
  for (const element of document.querySelectorAll(".queue-only")) element.hidden = !inQueue();
  for (const element of document.querySelectorAll(".no-queue")) element.hidden = inQueue(); // all are unlabelled
  try {
    if (inQueue()) return await showQueue();
    if (isList) await showNeighbours(mine);
    else await arriving.start(filters(view));
    if (mine === latest) showEmpty(isList);
  } catch (error) {
    if (mine === latest) toast(error.message, { bad: true });
  }
}

/** Whether a queue, or what grew from a specimen, is worked through. */
function inQueue() {
  return Boolean((view.queue || view.grow) && !view.like && !uploaded);
}

function showQueue() {
  arriving.stop();
  byId("back").hidden = false;
  return view.grow ? proposals.grow(view.grow) : proposals.open(view.queue, { camera: view.camera, taxon: view.taxon });
}

function openGroup(image) {
  if (!image) return;
  uploaded = null;
  view = { ...view, like: null, queue: "", grow: image.image_id };
  writeView(view, { step: true });
  showView();
  show();
}

async function showNeighbours(mine) {
  arriving.stop();
  const query = { ...filters(view), k: view.k, metric: view.metric };
  const [specimen, found] = await (uploaded ? searchUploaded(query) : searchIndexed(query));
  if (mine !== latest) return;
  if (specimen) showSpecimen(byId("specimen"), specimen, (labelId) => labelling.retract(labelId));
  else showUpload(byId("specimen"), uploaded);
  const first = specimen ? [{ ...specimen, distance: 0 }] : [];
  const neighbours = found.neighbours.map((one) => ({ ...one, metric: query.metric }));
  grid.show([...first, ...neighbours], view.like);
  byId("heading").textContent = `${format.count(found.neighbours.length)} neighbours`;
  byId("scroll").scrollTop = 0;
  showCutoff(found.neighbours);
}

function searchIndexed(query) {
  return Promise.all([ask(`images/${view.like}`), ask(`images/${view.like}/neighbours`, { query })]);
}

async function searchUploaded(query) {
  const form = new FormData();
  form.append("image", uploaded);
  return [null, await ask("search", { method: "POST", body: form, query })];
}

function openNeighbours(imageId) {
  uploaded = null;
  view = { ...view, like: imageId };
  writeView(view, { step: true });
  show();
}

function openUpload(file) {
  if (!file) return;
  uploaded = file;
  view = { ...view, like: null };
  show();
}

function openArriving() {
  uploaded = null;
  view = { ...view, like: null, queue: "", grow: "" };
  writeView(view, { step: true });
  showView();
  show();
}

function showEmpty(isList) {
  const isFiltered = Object.values(filters(view)).some(Boolean);
  const shown = grid.images.length;
  byId("empty").hidden = shown > (isList && view.like ? 1 : 0);
  const [title, hint] = isFiltered
    ? ["Nothing matches", "No image fulfils all conditions above."]
    : isList
      ? ["No neighbours yet", "This is the only image in the index so far."]
      : ["No images yet", "Waiting for a camera: what it sees appears here within seconds."];
  const strong = document.createElement("b");
  strong.textContent = title;
  byId("empty").replaceChildren(strong, hint);
}

// -- selection and labels ------------------------------------------------------------------------

function showSelection() {
  const number = grid.selected.length;
  byId("count").textContent = number ? `${format.count(number)} selected` : "Nothing selected";
  byId("clear").hidden = number === 0;
  byId("validate").disabled = byId("dubious").disabled = number === 0;
}

function showCutoff(neighbours) {
  const slider = byId("cutoff");
  const [nearest, furthest] = [neighbours[0]?.distance ?? 0, neighbours.at(-1)?.distance ?? 0];
  slider.min = nearest - (furthest - nearest) / 50; // at its left end nothing is selected
  slider.max = furthest;
  slider.value = slider.min;
  slider.disabled = neighbours.length === 0;
  byId("cutoff-value").textContent = "–";
}

function selectNearer() {
  const slider = byId("cutoff");
  const cutoff = slider.value === slider.min ? -1 : Number(slider.value);
  const nearer = grid.images.filter((image) => image.distance <= cutoff);
  grid.select(nearer.map((image) => image.image_id));
  byId("cutoff-value").textContent = cutoff < 0 ? "–" : `${format.distance(cutoff, grid.images.at(-1)?.metric)} · ${format.images(nearer.length)}`;
}

async function label(taxon, dubious) {
  const images = grid.selected;
  if (!images.length) return toast("Select images first: click a corner, or press Space.");
  if (!taxon) return toast("Choose a taxon first: type a part of its name.", { bad: true });
  byId("validate").disabled = byId("dubious").disabled = true;
  const done = await labelling.apply(images, taxon, dubious ? "dubious" : "validated");
  if (done) {
    recent.use(taxon.key);
    if (inQueue()) await proposals.named(taxon.key);
    grid.select([]);
    byId("cutoff").value = byId("cutoff").min;
    byId("cutoff-value").textContent = "–";
    byId("grid").focus({ preventScroll: true });
  }
  return showSelection();
}

function showRenamed(images) {
  grid.rename(images);
  byId("undo").disabled = !labelling.canUndo;
  const mine = latest;
  if (view.like && images.some((image) => image.image_id === view.like)) {
    ask(`images/${view.like}`).then(
      (specimen) => {
        if (mine === latest) showSpecimen(byId("specimen"), specimen, (labelId) => labelling.retract(labelId));
      },
      (error) => toast(error.message, { bad: true }),
    );
  }
}

// -- events --------------------------------------------------------------------------------------

function bindControls() {
  for (const name of ["queue", "camera", "state", "taxon", "k", "metric"]) {
    byId(name).addEventListener("change", (event) => {
      if (name === "queue") uploaded = null;
      view = { ...view, [name]: event.target.value, ...(name === "queue" ? { like: null, grow: "" } : {}) };
      writeView(view, { step: name === "queue" });
      show();
    });
  }
  byId("size").addEventListener("change", (event) => setTileSize(event.target.value));
  byId("back").addEventListener("click", openArriving);
  byId("clear").addEventListener("click", () => grid.select([]));
  byId("cutoff").addEventListener("input", selectNearer);
  byId("accept").addEventListener("click", () => proposals.accept());
  byId("next").addEventListener("click", () => proposals.next());
  byId("undo").addEventListener("click", () => labelling.undo());
  byId("dubious").addEventListener("click", () => label(taxonBox.value, true));
  byId("actions").addEventListener("submit", (event) => {
    event.preventDefault();
    label(taxonBox.value, false);
  });
  window.addEventListener("popstate", () => {
    view = readView();
    uploaded = null;
    showView();
    show();
  });
  new IntersectionObserver(([seen]) => seen.isIntersecting && arriving.more().catch(() => {}), {
    root: byId("scroll"),
    rootMargin: "600px",
  }).observe(byId("more"));
}

function bindUpload() {
  const drop = byId("drop");
  byId("upload").addEventListener("change", (event) => {
    openUpload(event.target.files[0]);
    event.target.value = "";
  });
  for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", isOver);
      if (name === "drop") openUpload(event.dataTransfer.files[0]);
    });
  }
}

function pressed(event) {
  const isTyping = event.target.matches("input:not([type=range]), select, textarea");
  const key = event.key.toLowerCase();
  if (key === "escape") escape(isTyping);
  else if (isTyping) return;
  else if (key === "a" && (event.ctrlKey || event.metaKey)) grid.select(grid.images.map((image) => image.image_id));
  else if (event.ctrlKey || event.metaKey || event.altKey) return;
  else if (key === "l" || key === "/") byId("name").focus();
  else if (key === "u") labelling.undo();
  else if (key === "g") openGroup(grid.active);
  else if (/^[1-9]$/.test(key)) recent.at(Number(key)) && label({ key: recent.at(Number(key)) }, false);
  else if (inQueue() && key === "a") proposals.accept();
  else if (inQueue() && key === "x") proposals.reject();
  else if (inQueue() && key === "n") proposals.next();
  else return;
  event.preventDefault();
}

function escape(isTyping) {
  if (isTyping) byId("grid").focus({ preventScroll: true });
  else if (grid.selected.length) grid.select([]);
  else if (view.like || uploaded || inQueue()) openArriving();
}

function setTileSize(px) {
  byId("grid").style.setProperty("--tile", `${px}px`);
}

function showView() {
  for (const name of ["queue", "camera", "state", "taxon", "k", "metric"]) byId(name).value = view[name];
}

async function loadTaxa() {
  const { taxa } = await ask("taxa");
  taxonBox.taxa = taxa.toSorted((a, b) => a.key.localeCompare(b.key));
  fillSelect(byId("taxon"), taxa.map((taxon) => taxon.key).toSorted(), view.taxon);
}

async function refresh(stats) {
  try {
    await arriving.refresh(stats, byId("scroll").scrollTop > 40);
    if (!view.like && !uploaded && !inQueue() && grid.images.length) byId("empty").hidden = true;
    if (byId("taxon").options.length === 1) await loadTaxa();
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

showView();
startHeader({
  onStats: refresh,
  onCameras: (names) => fillSelect(byId("camera"), names, view.camera),
});
bindControls();
bindUpload();
document.addEventListener("keydown", pressed);
showSelection();
show();
