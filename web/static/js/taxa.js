// The page of taxa: the tree, one taxon at the side, changes by those who may.
import { ask, change } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { Merging } from "./merging.js";
import { Names } from "./names.js";
import { poll } from "./poll.js";
import { sure } from "./sure.js";
import { TaxaTree } from "./taxatree.js";
import { TaxonForm } from "./taxonform.js";
import { showHistory } from "./taxonhistory.js";
import { toast } from "./toast.js";

const EVERY_MS = 5_000;
const COUNTED = ["validated", "dubious", "predicted", "proposed"];
const mayEdit = (document.body.dataset.role ?? "admin") === "admin"; // the server decides; this only hides

let taxa = [];
let merged = {};
let names = new Names([]);
let counts = new Map();
let chosen = null; // key of the taxon at the side
let adding = false;
let latest = "";

const tree = new TaxaTree(byId("tree"), {
  onSelect: (key) => choose(key),
  onEnter: async (key) => {
    if ((await choose(key)) && mayEdit) form.focus();
  },
});
const form = new TaxonForm(mayEdit, { onSave: save });
const merging = new Merging({ onDone: loadTaxa, countOf: (key) => counts.get(key) });

// -- what there is -------------------------------------------------------------------------------

async function loadTaxa() {
  const answer = await ask("taxa");
  const state = JSON.stringify(answer);
  if (state === latest) return;
  latest = state;
  ({ taxa, merged } = answer);
  names = new Names(taxa);
  tree.show(taxa, names);
  form.setTaxa(taxa, names);
  merging.setTaxa(taxa);
  showFound();
  if (chosen && !names.get(chosen)) chosen = merged[chosen] ?? null;
  if (!adding) showTaxon();
}

async function loadCounts() {
  const answer = await ask("taxon-counts");
  counts = new Map(answer.counts.map((one) => [one.taxon, one]));
  tree.counts = answer.counts;
  if (chosen) showCounts();
}

async function loadHistory() {
  const of = chosen;
  const { changes } = await ask("taxon-changes", { query: { taxon: of ?? "", limit: of ? 100 : 20 } });
  if (of === chosen) showHistory(changes, of);
}

async function refresh() {
  try {
    await loadTaxa();
    await Promise.all([loadCounts(), loadHistory()]);
  } catch {
    // The banner says it.
  }
}

// -- one taxon -----------------------------------------------------------------------------------

/** Whether what was typed may be lost. */
function mayLeave() {
  if (!form.isDirty) return true;
  const name = form.key === null ? "the new taxon" : names.get(form.key)?.name ?? form.key;
  return sure(`Discard what you typed about ${name}?`, "It was not saved.", "Discard");
}

/** Look at another taxon; whether it is. */
async function choose(key) {
  if ((key !== chosen || adding) && !(await mayLeave())) {
    if (adding) form.focus();
    else tree.reveal(chosen, { focus: true });
    return false;
  }
  open(key);
  return true;
}

function open(key) {
  chosen = key;
  adding = false;
  history.replaceState(null, "", key ? `?taxon=${key}` : location.pathname);
  showTaxon();
  loadHistory().catch(() => {});
}

function showTaxon() {
  const taxon = names.get(chosen);
  byId("intro").hidden = Boolean(taxon) || adding;
  byId("taxon").hidden = !taxon;
  merging.show(mayEdit ? taxon : null);
  showMerged();
  if (!taxon) {
    if (!adding) byId("form").hidden = true;
    return;
  }
  byId("title").textContent = taxon.name;
  byId("key").textContent = taxon.key;
  byId("above").textContent = names.above(taxon).join(" › ");
  showCounts();
  if (form.key !== taxon.key || !form.isDirty) form.show(taxon);
}

function showCounts() {
  const own = counts.get(chosen) ?? {};
  const row = (title, suffix) =>
    make("tr", {}, make("th", { textContent: title, scope: "row" }), ...COUNTED.map((name) => make("td", { textContent: format.count(own[`${name}${suffix}`] ?? 0) })));
  byId("counts").tBodies[0].replaceChildren(row("called so", ""), row("with all below", "_below"));
  const any = COUNTED.slice(0, 3).some((name) => own[`${name}_below`]);
  byId("images").hidden = !any;
  byId("images").href = `/?taxon=${chosen}&below=true`;
}

function showMerged() {
  const keys = Object.keys(merged).filter((key) => merged[key] === chosen);
  byId("merged").hidden = keys.length === 0;
  const rows = keys.map((key) => {
    const button = make("button", { type: "button", textContent: "Take back", hidden: !mayEdit });
    button.addEventListener("click", () => merging.undo(key));
    return make("li", {}, make("code", { textContent: key }), button);
  });
  document.querySelector(".merged-list").replaceChildren(...rows);
}

// -- changes -------------------------------------------------------------------------------------

async function startAdding(parent = "") {
  if (!(await mayLeave())) return;
  adding = true;
  chosen = null;
  showTaxon();
  form.show(null, parent);
  form.focus();
  byId("history").hidden = true;
}

async function save(key, changes) {
  if (key && !Object.keys(changes).length) return toast("Nothing was changed");
  byId("save").disabled = true;
  try {
    const path = key ? `taxa/${key}` : "taxa";
    const taxon = await change(path, { method: key ? "PATCH" : "POST", body: changes });
    adding = false;
    chosen = taxon.key;
    byId("save").blur();
    await loadTaxa();
    form.show(names.get(taxon.key));
    tree.reveal(taxon.key, { focus: true });
    open(taxon.key);
    toast(key ? `${taxon.name} is saved` : `${taxon.name} is added`);
  } catch (error) {
    form.refuse(error.message);
  } finally {
    byId("save").disabled = false;
  }
  return null;
}

async function remove() {
  const taxon = names.get(chosen);
  if (!(await sure(`Delete ${taxon.name}?`, "It disappears from the tree. Its history stays.", "Delete"))) return;
  try {
    await change(`taxa/${taxon.key}`, { method: "DELETE" });
    open(taxon.parent);
    await loadTaxa();
    if (taxon.parent) tree.reveal(taxon.parent);
    tree.focus();
    toast(`${taxon.name} is deleted`);
  } catch (error) {
    form.refuse(error.message);
    if (error.status === 422) byId("target").focus(); // in use: merging is the way
  }
}

// -- finding -------------------------------------------------------------------------------------

function showFound() {
  const typed = byId("search").value.trim();
  const found = typed ? names.find(typed) : null;
  tree.keep(found && found.map(({ taxon }) => taxon.key));
  byId("empty").hidden = !found || found.length > 0;
  const all = `${format.count(taxa.length)} taxa`;
  byId("found").textContent = found ? `${format.count(found.length)} of ${all}` : all;
  return found;
}

function pressed(event) {
  const isTyping = event.target.matches("input, select, textarea");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    byId("search").focus();
    event.preventDefault();
  } else if (event.key === "Escape" && isTyping) {
    if (event.target === byId("search")) {
      byId("search").value = "";
      showFound();
    }
    if (adding) stopAdding();
    tree.focus();
  }
}

function stopAdding() {
  adding = false;
  showTaxon();
  loadHistory().catch(() => {});
}

function bind() {
  for (const element of document.querySelectorAll(".editor")) if (element.id !== "merging") element.hidden = !mayEdit;
  byId("only").hidden = mayEdit;
  byId("search").addEventListener("input", showFound);
  byId("search").addEventListener("keydown", (event) => {
    const [first] = byId("search").value.trim() ? names.find(byId("search").value, 1) : [];
    if (event.key === "ArrowDown") tree.focus();
    else if (event.key === "Enter" && first) choose(first.taxon.key).then((done) => done && tree.reveal(first.taxon.key, { focus: true }));
    else return;
    event.preventDefault();
  });
  byId("fold").addEventListener("click", () => tree.unfold(false));
  byId("unfold").addEventListener("click", () => tree.unfold(true));
  byId("add").addEventListener("click", () => startAdding());
  byId("child").addEventListener("click", () => startAdding(chosen));
  byId("delete").addEventListener("click", remove);
  byId("cancel").addEventListener("click", () => {
    stopAdding();
    tree.focus();
  });
  document.addEventListener("keydown", pressed);
  window.addEventListener("beforeunload", (event) => form.isDirty && event.preventDefault());
}

bind();
startHeader();
chosen = new URLSearchParams(location.search).get("taxon");
loadTaxa()
  .then(() => {
    if (chosen && names.get(chosen)) tree.reveal(chosen);
  })
  .catch((error) => toast(error.message, { bad: true }));
poll(refresh, EVERY_MS);
