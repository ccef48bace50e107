// The progress page: who labelled how much, how far each taxon is, where and when it was seen.
import { ask } from "./api.js";
import { drawBars, node } from "./chart.js";
import { byId, fillSelect, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { poll } from "./poll.js";
import { drawSpread, spreadTable } from "./spread.js";

const EVERY_MS = 5_000;
const COLOURS = 10; // the last is for all others together
const BAR_PX = 72;
const hourOfDay = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", timeZone: "UTC" });

const shown = new Map(); // what each part shows, to draw only what changed
let coverage = null;

async function refresh() {
  try {
    const [given, now] = await Promise.all([ask("progress/labels", { query: { bin: byId("bin").value } }), ask("progress/coverage")]);
    coverage = now;
    once("coverage", now, showCoverage);
    once("given", [given, byId("chart").clientWidth, now.states], () => showGiven(given));
    await refreshSpread();
  } catch {
    // The banner says it.
  }
}

function once(part, state, draw) {
  const text = JSON.stringify(state);
  if (shown.get(part) === text) return;
  draw(state);
  shown.set(part, text);
}

// -- labels by time and person -------------------------------------------------------------------

function showGiven(answer) {
  const totals = sums(answer.given, ({ who }) => who, ({ labels }) => labels);
  showTotals(answer, totals);
  const has = totals.length > 0;
  byId("given").hidden = !has;
  byId("given-none").hidden = has;
  byId("given-none").textContent = `Nobody labelled anything in the last ${answer.bin_s > 3600 ? "60 days" : "48 hours"}.`;
  if (!has) return;
  const colours = new Map(totals.map(([who], index) => [who, Math.min(index, COLOURS - 1)]));
  const name = answer.bin_s > 3600 ? day : hourOfDay;
  const bins = Array.from({ length: Math.round((new Date(answer.end) - new Date(answer.start)) / answer.bin_s / 1000) }, (_, index) =>
    new Date(new Date(answer.start).getTime() + index * answer.bin_s * 1000));
  const byStart = Map.groupBy(answer.given, ({ start }) => new Date(start).getTime());
  const bars = bins.map((start) => {
    const parts = (byStart.get(start.getTime()) ?? [])
      .map(({ who, labels }) => ({ name: who, count: labels, colour: `c${colours.get(who)}` }))
      .sort((a, b) => colours.get(a.name) - colours.get(b.name));
    const lines = parts.map(({ name: who, count }) => `${who} ${format.count(count)}`);
    return { label: name.format(start), title: [name.format(start), ...lines].join("\n"), parts };
  });
  drawBars(byId("chart"), bars, `Labels by time and person: ${totals.map(([who, number]) => `${who} ${number}`).join(", ")}`);
  byId("legend").replaceChildren(...legend(totals, colours));
  byId("given-table").replaceChildren(givenTable(bars.filter(({ parts }) => parts.length).toReversed(), totals.map(([who]) => who)));
}

function legend(totals, colours) {
  const rows = totals.slice(0, COLOURS - 1);
  const rest = totals.slice(COLOURS - 1).reduce((sum, [, number]) => sum + number, 0);
  if (rest) rows.push(["others", rest]);
  return rows.map(([who, number]) => {
    const swatch = node("svg", { width: 11, height: 11, "aria-hidden": "true" }, node("rect", { width: 11, height: 11, rx: 2, class: `c${colours.get(who) ?? COLOURS - 1}` }));
    return make("li", {}, swatch, who, make("span", { textContent: format.count(number) }));
  });
}

function givenTable(bars, people) {
  const rows = bars.map(({ label, parts }) => [label, ...people.map((who) => parts.find(({ name }) => name === who)?.count ?? 0)]);
  return table(["time", ...people], rows);
}

function showTotals({ given, bin_s }, people) {
  const labelled = people.reduce((sum, [, number]) => sum + number, 0);
  const worked = new Set(given.map(({ start }) => start)).size;
  const states = coverage.states;
  const validated = states.validated ?? 0;
  const rows = [
    ["images", format.count(coverage.images)],
    ["validated", `${format.count(validated)} · ${share(validated, coverage.images)}`],
    ["dubious", format.count(states.dubious ?? 0)],
    ["unlabelled", format.count(states.unlabelled ?? 0)],
    [`labels in the last ${bin_s > 3600 ? "60 days" : "48 hours"}`, format.count(labelled)],
    [`labels per ${bin_s > 3600 ? "day" : "hour"} with any`, worked ? format.count(Math.round(labelled / worked)) : "–"],
  ];
  byId("totals").replaceChildren(...rows.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
}

// -- coverage ------------------------------------------------------------------------------------

function showCoverage({ taxa, cameras }) {
  byId("taxa-none").hidden = taxa.length > 0;
  byId("taxa-table").hidden = !taxa.length;
  const most = Math.max(1, ...taxa.map(all));
  byId("taxa-table").replaceChildren(
    table(
      ["taxon", "validated", "dubious", "proposed", "share", ""],
      taxa.map((one) => [link(one.taxon), one.validated, one.dubious, one.proposed, share(one.validated, all(one)), taxonBar(one, most)]),
    ),
  );
  byId("cameras-none").hidden = cameras.length > 0;
  byId("cameras-table").hidden = !cameras.length;
  byId("cameras-table").replaceChildren(
    table(
      ["camera", "images", "validated", "share", ""],
      cameras.map(({ camera, images, states }) => [camera, images, states.validated ?? 0, share(states.validated ?? 0, images),
        bar([["validated", states.validated ?? 0], ["dubious", states.dubious ?? 0]], images)]),
    ),
  );
  const named = taxa.filter(({ validated }) => validated).map(({ taxon }) => taxon);
  const chosen = byId("taxon").value || new URLSearchParams(location.search).get("taxon") || named[0] || "";
  fillSelect(byId("taxon"), [...new Set([...named, chosen])].filter(Boolean).toSorted(), chosen);
}

const all = ({ validated, dubious, other, proposed }) => validated + dubious + other + proposed;

function link(taxon) {
  return make("a", { href: `/?${new URLSearchParams({ taxon })}`, textContent: taxon, title: `${taxon}: show on the bench` });
}

// Long ones have more images; of what there is, the coloured parts are done.
function taxonBar(one, most) {
  return bar([["validated", one.validated], ["dubious", one.dubious], ["proposed", one.proposed]], most);
}

function bar(parts, whole) {
  const svg = node("svg", { viewBox: `0 0 ${BAR_PX} 10`, "aria-hidden": "true", preserveAspectRatio: "none" });
  let x = 0;
  for (const [name, count] of parts) {
    const width = (count / Math.max(1, whole)) * BAR_PX;
    svg.append(node("rect", { class: name, x, width: count ? Math.max(1, width) : 0, height: 10 }));
    x += width;
  }
  return make("div", { className: "share" }, svg);
}

// -- over time and depth -------------------------------------------------------------------------

async function refreshSpread() {
  const taxon = byId("taxon").value;
  if (!taxon) return sayNoSpread("Choose a taxon that has validated images.");
  const spread = await ask("progress/spread", { query: { taxon, camera: byId("camera").value } });
  if (!spread.cells.length) {
    const why = spread.without_time ? `All ${format.images(spread.without_time)} of ${taxon} lack a capture time.` : `No image of ${taxon} is validated here.`;
    return sayNoSpread(why);
  }
  byId("spread-shown").hidden = false;
  byId("spread-none").hidden = true;
  return once("spread", [spread, byId("spread").clientWidth], () => showSpread(spread, taxon));
}

function sayNoSpread(why) {
  byId("spread-shown").hidden = true;
  byId("spread-none").hidden = false;
  byId("spread-none").textContent = why;
  shown.delete("spread");
}

function showSpread(spread, taxon) {
  drawSpread(byId("spread"), spread);
  byId("spread-table").replaceChildren(spreadTable(spread));
  const number = spread.cells.reduce((sum, { images }) => sum + images, 0);
  const below = spread.taxa.length - 1;
  byId("spread-about").textContent = [
    `${format.images(number)} of ${taxon}${below ? ` and the ${below} taxa below it` : ""}; the stronger the more.`,
    spread.without_time ? `${format.images(spread.without_time)} without a capture time are left out.` : "",
  ].join(" ");
}

// -- what all parts share ------------------------------------------------------------------------

const share = (part, whole) => (whole ? format.percent(part / whole) : "–");

function sums(rows, key, value) {
  const totals = new Map();
  for (const row of rows) totals.set(key(row), (totals.get(key(row)) ?? 0) + value(row));
  return [...totals].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
}

/** A table whose first column names the row; numbers are written with separators. */
function table(head, rows) {
  const cell = (value) => (value instanceof Node ? make("td", {}, value) : make("td", { textContent: typeof value === "number" ? format.count(value) : value, className: value === 0 ? "zero" : "" }));
  return make(
    "table", {},
    make("thead", {}, make("tr", {}, ...head.map((text) => (text ? make("th", { textContent: text, scope: "col" }) : make("td"))))),
    make("tbody", {}, ...rows.map(([first, ...rest]) => make("tr", {}, make("th", { scope: "row" }, first), ...rest.map(cell)))),
  );
}

startHeader({ onCameras: (names) => fillSelect(byId("camera"), names) });
for (const name of ["bin", "taxon", "camera"]) byId(name).addEventListener("change", refresh);
window.addEventListener("resize", refresh);
poll(refresh, EVERY_MS);
