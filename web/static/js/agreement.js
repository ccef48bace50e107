// How far people agree: figures for all, each two and each person; a confusion matrix.
import { may } from "./account.js";
import { ask, change } from "./api.js";
import { byId, fillSelect, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { drawMatrix } from "./matrix.js";
import { toast } from "./toast.js";

const SHARES = ["second_percent", "self_percent", "self_after_days", "reference_percent"];
let run = 0; // counts matrices that were asked for: an answer that comes late is dropped

async function load() {
  try {
    const { together, pairs, people } = await ask("agreement");
    const has = people.length > 0;
    byId("figures").hidden = !has;
    byId("empty").hidden = has;
    if (!has) return showEmpty("Nobody has given a second opinion yet", "Set below how much is looked at twice; the images wait on the page Second opinion.");
    byId("together").replaceChildren(...kappaText(together, "Fleiss’ κ"));
    showPairs(pairs);
    showPeople(people);
    const names = people.map(({ who }) => who);
    fillSelect(byId("first"), names);
    fillSelect(byId("second"), names);
    return await loadMatrix();
  } catch (error) {
    return showEmpty("Not shown", error.message);
  }
}

function showEmpty(title, hint) {
  byId("empty").hidden = false;
  byId("empty").replaceChildren(make("b", { textContent: title }), hint);
}

async function loadMatrix() {
  const mine = ++run;
  const compared = byId("compared").value;
  byId("first-label").hidden = compared !== "people";
  const first = compared === "people" ? byId("first").value : "";
  const second = byId("second").value;
  try {
    const found = await ask("agreement/matrix", { query: { compared, first, second } });
    if (mine !== run) return;
    const rows = { people: first || "who labelled first", self: "earlier", reference: "truth" }[compared];
    const columns = { people: second || "everybody", self: "later", reference: second || "everybody" }[compared];
    byId("matrix-figure").replaceChildren(...kappaText(found.kappa, "Cohen’s κ"));
    drawMatrix(byId("matrix"), found, { rows, columns });
    showTaxa(found.by_taxon);
  } catch (error) {
    if (mine === run) toast(error.message, { bad: true });
  }
}

// -- figures -------------------------------------------------------------------------------------

const two = (value) => value.toFixed(2).replace("-", "−");
const range = ({ low, high }) => (low === null ? "" : `${two(low)} to ${two(high)}`);

function kappaText(kappa, name) {
  if (!kappa) return ["No image that two have named."];
  if (kappa.value === null) return [`Everything was called the same: ${name} tells nothing (${format.images(kappa.images)}).`];
  const where = kappa.low === null ? "" : `, 95% within ${range(kappa)}`;
  return [`${name} `, make("b", { textContent: two(kappa.value) }), `${where}; agreed on ${format.percent(kappa.observed)} of ${format.images(kappa.images)}`];
}

const kappaCell = (kappa) =>
  kappa?.value == null
    ? make("td", { textContent: "–" })
    : make("td", { title: `95% within ${range(kappa)}` }, `${two(kappa.value)} `, make("small", { textContent: range(kappa) }));

const shareCell = ({ hits, of, share, low, high }) =>
  share === null
    ? make("td", { textContent: "–" })
    : make("td", { title: low === null ? "" : `95% within ${format.percent(low)} to ${format.percent(high)}` }, `${format.percent(share)} `, make("small", { textContent: `${format.count(hits)} of ${format.count(of)}` }));

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((textContent) => make("th", { textContent, scope: "col" })));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
}

const named = (textContent) => make("td", { textContent });

function showPairs(pairs) {
  const rows = pairs.map(({ first, second, agreed, kappa }) => {
    const open = make("button", { type: "button", className: "quiet", textContent: "Show", ariaLabel: `Matrix of ${first} and ${second}` });
    open.addEventListener("click", () => {
      byId("compared").value = "people";
      [byId("first").value, byId("second").value] = [first, second];
      loadMatrix();
    });
    const share = { hits: agreed, of: kappa.images, share: agreed / kappa.images, low: null };
    return make("tr", {}, named(first), named(second), shareCell(share), kappaCell(kappa), make("td", {}, open));
  });
  byId("pairs").replaceChildren(table(["one", "other", "agreed", "Cohen’s κ", "matrix"], rows));
}

function showPeople(people) {
  const rows = people.map(({ who, others, itself, itself_kappa: kappa, truth }) => {
    const same = shareCell(itself);
    if (kappa?.value != null) same.append(make("small", { textContent: `, κ ${two(kappa.value)}`, title: `95% within ${range(kappa)}` }));
    return make("tr", {}, named(who), shareCell(others), same, shareCell(truth));
  });
  byId("people").replaceChildren(table(["person", "with others", "with themselves", "with the truth"], rows));
}

function showTaxa(taxa) {
  const rows = taxa.map(({ taxon, share, named: times }) => {
    const row = make("tr", {}, named(taxon), make("td", { textContent: format.percent(share) }), make("td", { textContent: format.count(times) }));
    return row;
  });
  byId("taxa").replaceChildren(table(["taxon", "agreed", "times named"], rows));
}

// -- how much is looked at twice -----------------------------------------------------------------

async function loadShares() {
  const shares = may("admin") ? await ask("review/shares").catch(() => null) : null; // the banner says it
  byId("shares").hidden = !shares;
  for (const name of shares ? SHARES : []) byId(name).value = shares[name];
}

async function saveShares(event) {
  event.preventDefault();
  try {
    const body = Object.fromEntries(SHARES.map((name) => [name, Number(byId(name).value)]));
    await change("review/shares", { method: "PUT", body });
    toast("Saved: it counts from now on");
  } catch (error) {
    toast(`Not saved. ${error.message}`, { bad: true });
  }
}

for (const name of ["compared", "first", "second"]) byId(name).addEventListener("change", loadMatrix);
byId("shares").addEventListener("submit", saveShares);
startHeader();
load();
loadShares();
