// The census page: counts per taxon and window, as bars and as a table.
import { ask } from "./api.js";
import { drawBars } from "./chart.js";
import { byId, fillSelect, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { poll } from "./poll.js";

const EVERY_MS = 2_000;
const COLOURS = 10; // the last is for all others together
const MOST_BARS = 96;
const OTHERS = "others";

let shown = "";

async function refresh() {
  const camera = byId("camera").value;
  try {
    const { windows } = await ask("census", { query: { camera } });
    const state = JSON.stringify([windows, byId("chart").clientWidth]);
    if (state === shown) return;
    render(windows);
    shown = state;
  } catch {
    // The banner says it.
  }
}

function render(windows) {
  const has = windows.length > 0;
  byId("figure").hidden = byId("table").hidden = !has;
  byId("empty").hidden = has;
  if (!has) {
    const camera = byId("camera").value;
    byId("empty").replaceChildren(
      make("b", { textContent: "No labels yet" }),
      camera ? `No image of ${camera} has a label.` : "Label some images on the bench; the validated ones are counted here.",
    );
    return;
  }
  const merged = mergeCameras(windows);
  const ranked = rank(merged);
  const colours = new Map(ranked.map(([taxon], index) => [taxon, Math.min(index, COLOURS - 1)]));
  drawBars(byId("chart"), merged.slice(-MOST_BARS).map((one) => bar(one, colours)));
  showLegend(ranked, colours);
  showTable(windows, ranked.map(([taxon]) => taxon));
}

// One bar a window: the cameras' counts added up.
function mergeCameras(windows) {
  const merged = new Map();
  for (const { window_start, window_s, counts } of windows) {
    const one = merged.get(window_start) ?? { window_start, window_s, counts: {} };
    for (const [taxon, count] of Object.entries(counts)) one.counts[taxon] = (one.counts[taxon] ?? 0) + count;
    merged.set(window_start, one);
  }
  return [...merged.values()];
}

function rank(windows) {
  const totals = new Map();
  for (const { counts } of windows) {
    for (const [taxon, count] of Object.entries(counts)) totals.set(taxon, (totals.get(taxon) ?? 0) + count);
  }
  return [...totals].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
}

function bar({ window_start, counts }, colours) {
  const parts = Object.entries(counts)
    .map(([name, count]) => ({ name, count, colour: `c${colours.get(name)}` }))
    .sort((a, b) => colours.get(a.name) - colours.get(b.name));
  const lines = parts.map(({ name, count }) => `${name} ${count}`);
  return { label: label(window_start), title: [format.time(window_start), ...lines].join("\n"), parts };
}

const label = (start) => (start ? format.hourAndMinute(start) : "no time");

function showLegend(ranked, colours) {
  const rows = ranked.slice(0, COLOURS - 1).map(([taxon, total]) => [taxon, total]);
  const rest = ranked.slice(COLOURS - 1).reduce((sum, [, total]) => sum + total, 0);
  if (rest) rows.push([OTHERS, rest]);
  byId("legend").replaceChildren(
    ...rows.map(([taxon, total]) => {
      const item = make("li");
      item.append(swatch(colours.get(taxon) ?? COLOURS - 1), taxon, make("span", { textContent: format.count(total) }));
      return item;
    }),
  );
}

function swatch(colour) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const square = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width: 11, height: 11, rx: 2, class: `c${colour}` })) {
    square.setAttribute(name, value);
  }
  svg.append(square);
  return svg;
}

function showTable(windows, taxa) {
  const head = make("tr", {}, ...["window", "camera", ...taxa, "all"].map((text) => make("th", { textContent: text, scope: "col" })));
  const rows = windows.toReversed().map(({ window_start, camera, counts }) => {
    const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
    const numbers = taxa.map((taxon) => {
      const number = counts[taxon] ?? 0;
      return make("td", { textContent: format.count(number), className: number ? "" : "zero" });
    });
    return make(
      "tr", {},
      make("td", { textContent: window_start ? format.time(window_start) : "unknown" }),
      make("td", { textContent: camera }),
      ...numbers,
      make("td", { textContent: format.count(total) }),
    );
  });
  byId("table").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

startHeader({ onCameras: (names) => fillSelect(byId("camera"), names) });
byId("camera").addEventListener("change", refresh);
window.addEventListener("resize", refresh);
poll(refresh, EVERY_MS);
