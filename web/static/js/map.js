// The map page: all images where their look-alikes are; what is selected there gets a name.
import { ask, pictureUrl } from "./api.js";
import { Chosen } from "./chosen.js";
import { byId, fillSelect, make } from "./dom.js";
import * as format from "./format.js";
import { events } from "./events.js";
import { startHeader } from "./header.js";
import { hear } from "./heard.js";
import { Colours } from "./mapcolours.js";
import { Points } from "./mappoints.js";
import { ADD, Shapes, TAKE_OUT } from "./mapshapes.js";
import { MapView } from "./mapview.js";
import { poll } from "./poll.js";
import { toast } from "./toast.js";

const EVERY_MS = 4_000;
const NAMES_EVERY_MS = 60_000; // what events did not tell
const MOST = 100_000;
const GLANCE_MS = 60;
const LATE = 50; // so many images without a place are a matter of seconds
const FILTERS = ["camera", "taxon"];

const view = new MapView(byId("points"), () => shapes.draw());
const shapes = new Shapes(view, { onShape: select, onPoint: selectPoint, onHover: hover, onLeave: hideGlance, onCell: tellCell, onDensest: goToDensest });
const colours = new Colours(byId("legend"), recolour);
const chosen = new Chosen({ called, onRenamed: rename, onSelection: setSelected });

let points = new Points();
let shades = new Uint32Array(0);
let selected = new Set(); // rows
let loadedAt = 0;
let run = 0; // counts what was asked for: an answer that comes late is dropped
let glanceTimer = 0;

// -- what is shown -------------------------------------------------------------------------------

async function load({ fit }) {
  const mine = ++run;
  const loaded = await Points.load(query());
  if (mine !== run) return;
  const ids = [...selected].map((row) => points.id(row)); // not before: one selects during a download too
  points = loaded;
  loadedAt = performance.now();
  selected = rowsOf(ids);
  recolour();
  if (fit) view.fit();
  if (selected.size !== ids.length) tellChosen();
}

async function refresh() {
  try {
    const map = await ask("map");
    const isOther = map.map_id !== points.mapId;
    if (isOther) await load({ fit: true });
    else if (map.map_id && performance.now() - loadedAt > NAMES_EVERY_MS) await load({ fit: false });
    else if (map.map_id) await addNew();
    describe(map);
  } catch {
    // The banner says it.
  }
}

async function addNew() {
  const [mine, before] = [run, points.length];
  if (!(await points.more(query())) || mine !== run) return;
  if (points.length !== before) recolour();
}

function query() {
  return { most: MOST, below: byId("taxon").value ? "true" : "", ...Object.fromEntries(FILTERS.map((name) => [name, byId(name).value])) };
}

function recolour() {
  shades = colours.of(points);
  showScene();
}

function showScene() {
  view.scene = { points, colours: shades, selected, ink: colours.ink };
}

function describe(map) {
  const next = map.filling === null ? "" : ` The next map has ${format.count(map.filling)} of ${format.images(map.images)}.`;
  const sample = points.total > points.length ? ` a sample of ${format.count(points.total)}` : "";
  const late = map.map_id && !FILTERS.some((name) => byId(name).value) ? map.images - points.total : 0;
  const behind = late > LATE ? ` ${format.count(late)} more have no place yet.` : "";
  byId("about").textContent = map.map_id ? `${format.images(points.length)}${sample}, look-alikes together.${behind}${next}` : "";
  byId("empty").hidden = points.length > 0;
  const [title, hint] = !map.map_id
    ? map.images < map.least
      ? ["No map yet", `It is made when there are ${map.least} images; there are ${map.images} so far.`]
      : ["The map is being made", `${map.filling ? `${format.images(map.filling)} of ${format.count(map.images)} have a place.` : "It takes a minute or two, while nothing more urgent waits."}`]
    : ["Nothing matches", "No image on the map fulfils all conditions above."];
  byId("empty").replaceChildren(make("b", { textContent: title }), hint);
}

// -- what is selected ----------------------------------------------------------------------------

function select(inside, how) {
  const found = rowsIn(inside);
  if (how === ADD) selected = selected.union(found);
  else selected = how === TAKE_OUT ? selected.difference(found) : found;
  changed({ anew: how !== ADD && how !== TAKE_OUT });
}

function selectPoint(x, y, how) {
  const row = view.at(x, y);
  if (row < 0) return how === ADD || how === TAKE_OUT ? undefined : clear();
  if (how === ADD && selected.has(row)) selected.delete(row);
  else selected = how === ADD ? selected.add(row) : new Set([row]);
  return changed({ anew: how !== ADD });
}

function rowsOf(ids) {
  return new Set(ids.map((id) => points.row(id)).filter((row) => row !== undefined));
}

function rowsIn(inside) {
  const found = new Set();
  const { x, y, length } = points;
  for (let row = 0; row < length; row += 1) if (shades[row] && inside(x[row], y[row])) found.add(row);
  return found;
}

function clear() {
  selected = new Set();
  changed();
}

function changed(how) {
  showScene();
  tellChosen(how);
}

// Those in the middle first: the panel shows no more than some hundred.
function tellChosen({ anew = false } = {}) {
  const rows = [...selected];
  const mean = (values) => rows.reduce((sum, row) => sum + values[row], 0) / rows.length;
  const [cx, cy] = [mean(points.x), mean(points.y)];
  const away = (row) => (points.x[row] - cx) ** 2 + (points.y[row] - cy) ** 2;
  const images = rows.sort((a, b) => away(a) - away(b)).map((row) => ({ image_id: points.id(row), label_version: points.version[row] }));
  chosen.select(images, { anew });
}

function setSelected(ids) {
  selected = rowsOf(ids);
  showScene();
}

function called(id) {
  const row = points.row(id);
  return row === undefined ? null : points.called(row).taxon;
}

function rename(images) {
  const changes = images.map(({ image_id, taxon, state, label_version }) => ({ image_id, taxon, state, label_version }));
  hear(changes);
  if (changes.map((change) => points.rename(change)).includes(true)) recolour();
}

// -- by keyboard ---------------------------------------------------------------------------------

function tellCell(inside, how) {
  const rows = rowsIn(inside);
  if (how === "toggle" && rows.size) {
    selected = rows.isSubsetOf(selected) ? selected.difference(rows) : selected.union(rows);
    changed();
  }
  const names = Map.groupBy(rows, (row) => points.called(row).taxon ?? "unlabelled");
  const [commonest] = [...names].toSorted(([, a], [, b]) => b.length - a.length);
  const here = rows.size ? `${format.images(rows.size)} here, mostly ${commonest[0]}` : "nothing here";
  byId("said").textContent = `${here}; ${format.count(selected.size)} selected`;
}

function goToDensest() {
  const counts = new Map();
  const { width, height } = view.size;
  for (let row = 0; row < points.length; row += 1) {
    if (!shades[row] || selected.has(row)) continue;
    const { x, y } = view.toScreen(points.x[row], points.y[row]);
    if (x < 0 || y < 0 || x >= width || y >= height) continue;
    const key = Shapes.square(x, y).join();
    const cell = counts.get(key) ?? { x, y, number: 0 };
    cell.number += 1;
    counts.set(key, cell);
  }
  const densest = [...counts.values()].reduce((best, cell) => (cell.number > best.number ? cell : best), { number: 0 });
  if (densest.number) shapes.goTo(densest.x, densest.y);
}

function pressed(event) {
  if (document.querySelector("dialog[open]")) return;
  const isTyping = event.target.matches("input, select, textarea");
  if (event.key === "Escape") {
    if (isTyping) byId("shapes").focus({ preventScroll: true });
    else clear();
  } else if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  else if (/^[1-9]$/.test(event.key)) chosen.labelRecent(Number(event.key));
  else {
    const keys = { l: () => byId("name").focus(), u: () => chosen.undo(), v: () => (shapes.tool = "pan"), s: () => (shapes.tool = "lasso"), r: () => (shapes.tool = "box"), 0: () => view.fit() };
    if (!keys[event.key.toLowerCase()]) return;
    keys[event.key.toLowerCase()]();
  }
  event.preventDefault();
}

// -- by mouse ------------------------------------------------------------------------------------

function hover(x, y) {
  const row = view.at(x, y);
  if (row < 0) return hideGlance();
  clearTimeout(glanceTimer);
  glanceTimer = setTimeout(() => showGlance(row, x, y), GLANCE_MS);
  return undefined;
}

function showGlance(row, x, y) {
  const { taxon, predicted, state } = points.called(row);
  byId("glance-picture").src = pictureUrl(points.id(row), 192);
  byId("glance-name").textContent = taxon ? `${taxon} · ${state}` : predicted ? `perhaps ${predicted}` : "unlabelled";
  const { width, height } = view.size;
  const [left, top] = [x + 190 > width ? x - 182 : x + 14, Math.min(y + 14, height - 200)];
  byId("glance").style.transform = `translate(${left}px, ${Math.max(4, top)}px)`;
  byId("glance").hidden = false;
}

function hideGlance() {
  clearTimeout(glanceTimer);
  byId("glance").hidden = true;
}

// -- events --------------------------------------------------------------------------------------

function readAddress() {
  const given = new URLSearchParams(location.search);
  for (const name of ["colour", ...FILTERS]) {
    const value = given.get(name);
    if (!value) continue;
    if (FILTERS.includes(name)) fillSelect(byId(name), [value], value);
    else byId(name).value = value;
  }
  colours.by = byId("colour").value;
}

function writeAddress() {
  const given = ["colour", ...FILTERS].map((name) => [name, byId(name).value]).filter(([name, value]) => value && !(name === "colour" && value === "taxon"));
  history.replaceState(null, "", given.length ? `?${new URLSearchParams(given)}` : location.pathname);
}

function bind() {
  byId("colour").addEventListener("change", () => {
    colours.by = byId("colour").value;
    writeAddress();
    recolour();
  });
  for (const name of FILTERS) {
    byId(name).addEventListener("change", () => {
      writeAddress();
      load({ fit: false }).then(refresh, (error) => toast(error.message, { bad: true }));
    });
  }
  byId("fit").addEventListener("click", () => view.fit());
  byId("clear").addEventListener("click", clear);
  document.addEventListener("keydown", pressed);
}

readAddress();
bind();
startHeader({ onCameras: (names) => fillSelect(byId("camera"), names) });
ask("taxa").then(
  ({ taxa }) => fillSelect(byId("taxon"), taxa.map(({ key }) => key).toSorted()),
  () => {}, // the panel says it
);
events.on("labels", ({ labels }) => chosen.heard(labels.map(({ image_id, taxon, state, version }) => ({ image_id, taxon, state, label_version: version }))));
poll(refresh, EVERY_MS);
