// The bench: arriving images or neighbours, a selection, names for it.
import { ask } from "./api.js";
import { Arriving } from "./arriving.js";
import { claims } from "./claims.js";
import { TaxonBox } from "./combobox.js";
import { Cutoff } from "./cutoff.js";
import { dispute } from "./dispute.js";
import { byId } from "./dom.js";
import { showEmpty } from "./empty.js";
import { events } from "./events.js";
import { Evidence } from "./evidence.js";
import { Filters } from "./filters.js";
import * as format from "./format.js";
import { Grid, nextFrame } from "./grid.js";
import { startHeader } from "./header.js";
import { answerKeys } from "./keys.js";
import { openKeys, writeKeys } from "./keysheet.js";
import { Labelling } from "./labelling.js";
import * as likely from "./likely.js";
import { followOthers } from "./others.js";
import { Peek } from "./peek.js";
import { Proposals } from "./proposals.js";
import { Recent } from "./recent.js";
import { showSpecimen, showUpload } from "./specimen.js";
import { TileLook } from "./tilelook.js";
import { toast } from "./toast.js";
import { bindUpload } from "./upload.js";
import { filters, neighboursOf, queueFilters, readView, searchQuery, writeLater, writeView, writeWaiting } from "./view.js";

const grid = new Grid(byId("grid"), {
  onOpen: openNeighbours,
  onSelection: showSelection,
  onActive: (image) => {
    evidence.explain(image);
    peek.follow(image);
  },
  onZoom: () => peek.toggle(grid.active),
});
const look = new TileLook(grid);
const peek = new Peek();
const cutoff = new Cutoff(grid);
const arriving = new Arriving(grid, byId("fresh"));
const labelling = new Labelling(showRenamed);
const evidence = new Evidence();
const proposals = new Proposals(grid, labelling);
const recent = new Recent((key) => label({ key }, false));
const filterForm = new Filters((changed) => change(changed, { step: false }), { onLikely: prepare, onOpen: loadPredicted });
const taxonBox = new TaxonBox(byId("name"), byId("names"), (taxon, { dubious }) => label(taxon, dubious));

const SLOW_MS = 300; // from then on it is said that something is on its way

let view = readView();
let uploaded = null; // the file whose neighbours are shown
let latest = 0; // counts what was asked for: an answer that comes late is dropped
let isAsking = false;

// -- what is shown -------------------------------------------------------------------------------

async function show() {
  const mine = ++latest;
  byId("name").value = "";
  for (const element of document.querySelectorAll(".neighbours-only")) element.hidden = !isList();
  byId("back").hidden = !isList();
  byId("heading").textContent = isList() ? "Neighbours" : "Arriving";
  byId("specimen").hidden = !isList();
  byId("evidence").hidden = true;
  for (const element of document.querySelectorAll(".queue-only")) element.hidden = !inQueue();
  filterForm.show(view, { inQueue: inQueue() });
  isAsking = true;
  const slow = setTimeout(() => mine === latest && byId("grid").setAttribute("aria-busy", "true"), SLOW_MS);
  try {
    if (inQueue()) await showQueue();
    else await showList(mine);
  } catch (error) {
    if (mine === latest) toast(error.message, { bad: true });
  } finally {
    clearTimeout(slow);
    if (mine === latest) isAsking = false;
    if (mine === latest) byId("grid").setAttribute("aria-busy", "false");
  }
  nextFrame().then(() => mine === latest && writeWaiting());
  grid.shown.then(() => mine === latest && filterForm.expect());
}

async function showList(mine) {
  proposals.leave();
  if (!view.queue && !view.grow) claims.keep([]);
  if (isList()) await showNeighbours(mine);
  else await arriving.start(filters(view));
  if (mine === latest) showEmpty(grid.images.length, view, isList());
  look.show();
}

/** Have ready what a change of the view would show. */
async function prepare(changed) {
  try {
    const images = await expected({ ...view, ...changed });
    await grid.painter.prefetch(images.slice(0, grid.fits));
  } catch {
    // it is asked for again when it is wanted
  }
}

async function expected(wanted) {
  if (inQueue()) return proposals.expect(queueFilters(wanted));
  if (!isList()) return arriving.expect(filters(wanted));
  return view.like ? (await likely.expect(...neighboursOf(wanted))).neighbours : [];
}

/** Whether neighbours are shown. */
function isList() {
  return Boolean(view.like || uploaded);
}

/** Whether a queue, or what grew from a specimen, is worked through. */
function inQueue() {
  return Boolean((view.queue || view.grow) && !view.like && !uploaded);
}

function showQueue() {
  arriving.stop();
  byId("back").hidden = false;
  return view.grow ? proposals.grow(view.grow) : proposals.open(view.queue, queueFilters(view));
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
  const query = searchQuery(view);
  const [specimen, found] = await (uploaded ? searchUploaded(query) : searchIndexed());
  await grid.prepare(specimen ? [specimen, ...found.neighbours] : found.neighbours);
  if (mine !== latest) return;
  if (specimen) showSpecimen(byId("specimen"), specimen, (labelId) => labelling.retract(labelId));
  else showUpload(byId("specimen"), uploaded);
  const first = specimen ? [{ ...specimen, distance: 0 }] : [];
  const neighbours = found.neighbours.map((one) => ({ ...one, metric: query.metric }));
  grid.show([...first, ...neighbours], { queryId: view.like });
  byId("heading").textContent = `${format.count(found.neighbours.length)} neighbours`;
  cutoff.show(found.neighbours);
}

function searchIndexed() {
  return Promise.all([ask(`images/${view.like}`), likely.get(...neighboursOf(view))]);
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

// -- selection and labels ------------------------------------------------------------------------

function showSelection() {
  const number = grid.selected.length;
  byId("count").textContent = number ? `${format.count(number)} selected` : "Nothing selected";
  byId("clear").hidden = number === 0;
  byId("validate").disabled = byId("dubious").disabled = number === 0;
}

async function label(taxon, dubious) {
  const images = grid.selected;
  if (!images.length) return toast("Select images first: click a corner, or press Space.");
  if (!taxon) return toast("Choose a taxon first: type a part of its name.", { bad: true });
  byId("validate").disabled = byId("dubious").disabled = true;
  const give = () => labelling.apply(images, taxon, dubious ? "dubious" : "validated");
  const done = await (inQueue() ? proposals.name(taxon.key, give) : give());
  if (done) {
    recent.use(taxon.key);
    byId("name").value = ""; // nothing is named by what was typed for something else
    grid.select([]);
    cutoff.reset();
    byId("grid").focus({ preventScroll: true });
  } else loadTaxa().catch(() => {}); // the taxon may be gone
  return showSelection();
}

function showRenamed(images) {
  likely.forget();
  grid.rename(images);
  if (inQueue()) proposals.renamed(images);
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

function change(changed, { step }) {
  view = { ...view, ...changed };
  if (step) writeView(view, { step });
  else writeLater(view);
  return show();
}

function bindControls() {
  for (const name of ["k", "metric"]) {
    byId(name).addEventListener("change", (event) => change({ [name]: event.target.value }, { step: false }));
  }
  byId("queue").addEventListener("change", (event) => {
    uploaded = null;
    change({ queue: event.target.value, like: null, grow: "" }, { step: true });
  });
  byId("back").addEventListener("click", openArriving);
  byId("clear").addEventListener("click", () => grid.select([]));
  byId("accept").addEventListener("click", () => proposals.accept());
  byId("next").addEventListener("click", next);
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
  const more = new IntersectionObserver(
    async ([seen]) => {
      if (!seen.isIntersecting || !(await arriving.more().catch(() => false))) return;
      more.unobserve(seen.target); // it may still be near: then it is told again
      more.observe(seen.target);
    },
    { root: byId("scroll"), rootMargin: "150%" },
  );
  more.observe(byId("more"));
}

function next() {
  if (inQueue()) proposals.next();
  else if (!grid.page(1)) toast("This was the last page.");
}

answerKeys(
  {
    escape,
    all: () => grid.select(grid.images.map((image) => image.image_id)),
    name: () => byId("name").focus(),
    undo: () => labelling.undo(),
    grow: () => openGroup(grid.active),
    dispute: () => grid.active && dispute(grid.active),
    recent: ({ key }) => recent.at(Number(key)) && label({ key: recent.at(Number(key)) }, false),
    accept: () => proposals.accept(),
    reject: () => proposals.reject(),
    next,
    zoom: () => peek.toggle(grid.active),
    scale: () => look.toggleScale(),
    filter: () => filterForm.open(),
    help: openKeys,
  },
  inQueue,
);

function escape({ target }) {
  if (filterForm.close()) return;
  if (target.matches("input:not([type=range]), select, textarea")) byId("grid").focus({ preventScroll: true });
  else if (peek.isOpen) peek.close();
  else if (grid.selected.length) grid.select([]);
  else if (view.like || uploaded || inQueue()) openArriving();
}

function showView() {
  for (const name of ["queue", "k", "metric"]) byId(name).value = view[name];
}

async function loadTaxa() {
  const { taxa } = await ask("taxa");
  taxonBox.taxa = taxa.toSorted((a, b) => a.key.localeCompare(b.key));
  filterForm.offer({ taxa: taxa.map((taxon) => taxon.key).toSorted() }, view);
}

/** What waits under each proposed taxon changes with every label. */
async function loadPredicted() {
  const { predicted } = await ask("queues").catch(() => ({})); // the banner says it
  filterForm.offer({ predicted }, view);
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
writeKeys();
startHeader({
  onStats: refresh,
  onCameras: (cameras) => filterForm.offer({ cameras }, view),
});
claims.start();
followOthers(grid, labelling, showRenamed);
for (const kind of ["images", "predictions"]) events.on(kind, () => inQueue() && !grid.images.length && !isAsking && show()); // no longer empty?
bindControls();
bindUpload(openUpload);
showSelection();
byId("undo").disabled = !labelling.canUndo;
loadPredicted();
show();
