// The image page: a picture to look at closely, and all that is known about it.
import { ask, pictureUrl } from "./api.js";
import { dispute, objections } from "./dispute.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { drawFrame } from "./frame.js";
import { events } from "./events.js";
import { startHeader } from "./header.js";
import { Labelling } from "./labelling.js";
import { historyRow } from "./specimen.js";
import { toast } from "./toast.js";
import { Viewer } from "./viewer.js";

const NEIGHBOURS = 24;
const SHOWN_BY_BROWSERS = ["image/png", "image/jpeg"];
const imageId = document.querySelector("main").dataset.image;
const labelling = new Labelling(() => load());
let viewer = null;
let known = null; // the image, as it was answered last
let run = 0; // counts what was asked for: an answer that comes late is dropped

async function load() {
  const mine = ++run;
  try {
    const image = await ask(`images/${imageId}`);
    if (mine !== run) return;
    showNaming(image);
    showHistory(image.history);
    byId("history").append(...objections(image, load));
    known = image;
    if (viewer) return;
    const isShown = SHOWN_BY_BROWSERS.includes(image.content_type);
    byId("picture").src = isShown ? `/api/v1/images/${imageId}/content` : pictureUrl(imageId, 1024);
    viewer = new Viewer(image);
    showFacts(image);
  } catch (error) {
    if (mine === run) toast(error.message, { bad: true });
  }
}

function showNaming(image) {
  byId("name").textContent = image.taxon ?? "unlabelled";
  byId("state").textContent = image.taxon ? image.state : "";
  byId("state").className = `state ${image.state}`;
}

function showHistory(history) {
  const rows = history.toReversed().map((label) => historyRow(label, (labelId) => labelling.retract(labelId)));
  byId("history").replaceChildren(
    rows.length ? make("ol", { className: "history" }, ...rows) : make("p", { className: "about", textContent: "No label yet." }),
  );
}

// -- what is known -------------------------------------------------------------------------------

function showFacts(image) {
  const um = image.pixel_size_um;
  const kilobytes = `${format.bytes(image.byte_size)}, ${image.content_type.replace("image/", "").toUpperCase()}`;
  list(byId("facts"), [
    ["camera", image.camera],
    ["instrument", image.instrument],
    ["project", image.project],
    ["sample", image.sample],
    ["captured", format.time(image.captured_at)],
    ["indexed", format.time(image.indexed_at)],
    ["depth", image.depth_m === null ? null : `${image.depth_m.toFixed(1)} m`],
    ["position", image.latitude === null || image.longitude === null ? null : `${image.latitude.toFixed(5)}, ${image.longitude.toFixed(5)}`],
    ["size", `${image.width_px} × ${image.height_px} px`],
    ["true size", um && `${Math.round(image.width_px * um)} × ${Math.round(image.height_px * um)} µm`],
    ["pixel size", um && `${um} µm`],
    ["water imaged", image.volume_ml && `${image.volume_ml} mL`],
    ["box", image.box && `${image.box[2]} × ${image.box[3]} at ${image.box[0]}, ${image.box[1]}`],
    ["frame", image.frame_key],
    ["source", image.source_file],
    ["live", image.live ? "yes" : "from an archive"],
    ["file", kilobytes],
    ["encoder", image.encoder],
    ["SHA-256", image.sha256.slice(0, 16) + "…"],
  ]);
  const measured = measurements(image.measurements);
  byId("measured").hidden = !measured.length;
  list(byId("measurements"), measured);
  const extra = Object.entries(image.extra).map(([name, value]) => [name, String(value)]);
  byId("said").hidden = !extra.length;
  list(byId("extra"), extra);
}

function measurements(m) {
  if (!m) return [];
  const length = (name) => (m[`${name}_um`] == null ? `${m[`${name}_px`].toFixed(1)} px` : `${m[`${name}_um`].toFixed(1)} µm`);
  return [
    ["equivalent diameter", length("esd")],
    ["major axis", length("major")],
    ["minor axis", length("minor")],
    ["perimeter", length("perimeter")],
    ["area", m.area_um2 == null ? `${m.area_px.toFixed(0)} px²` : `${format.count(Math.round(m.area_um2))} µm²`],
    ["solidity", m.solidity.toFixed(3)],
    ["mean grey", m.mean_grey.toFixed(1)],
    ["sharpness", m.sharpness.toFixed(1)],
  ];
}

function list(element, rows) {
  const known = rows.filter(([, value]) => value !== null && value !== undefined && value !== "");
  element.replaceChildren(
    ...known.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]),
  );
}

// -- what lies around ----------------------------------------------------------------------------

async function loadFrame() {
  const frame = await ask(`images/${imageId}/frame`);
  const drawing = drawFrame(frame, imageId);
  byId("frame").replaceChildren(...(drawing ? [drawing] : []));
  const size = frame.width_px ? `, ${frame.width_px} × ${frame.height_px} px` : "";
  const others = frame.images.length - 1;
  const left = Object.entries(frame.left_out).map(([reason, number]) => `${number} ${reason.replaceAll("_", " ")}`);
  const parts = [
    `Frame ${frame.frame_key} of ${frame.camera}${size}.`,
    others ? `${others} other ${others === 1 ? "image was" : "images were"} cut from it.` : "No other image was cut from it.",
    left.length ? `Left out: ${left.join(", ")}.` : "",
    drawing ? "" : "Where in it this image lay is not known.",
  ];
  byId("frame-about").textContent = parts.filter(Boolean).join(" ");
  byId("mates").replaceChildren(...frame.images.filter((image) => image.image_id !== imageId).map((image) => card(image)));
}

async function loadBeside() {
  const beside = await ask(`images/${imageId}/beside`);
  for (const name of ["before", "after"]) {
    const link = byId(name);
    link.hidden = !beside[name];
    if (!beside[name]) continue;
    link.href = `/images/${beside[name].image_id}`;
    link.title = `${beside[name].camera}, ${format.time(beside[name].captured_at)}`;
  }
}

async function loadPrediction() {
  const said = await ask(`images/${imageId}/prediction`);
  const isNamed = said.taxon !== null && said.predicted === null;
  byId("why").textContent = isNamed ? "It has a name; proposals are made for images without one." : said.why;
  byId("evidence").replaceChildren(
    ...said.evidence.map((voter) => card({ ...voter, state: "validated" }, format.distance(voter.distance))),
  );
}

async function loadNeighbours() {
  try {
    const { neighbours } = await ask(`images/${imageId}/neighbours`, { query: { k: NEIGHBOURS } });
    byId("alike").replaceChildren(...neighbours.map((one) => card(one, format.distance(one.distance))));
    if (!neighbours.length) sayAlike("This is the only image in the index so far.");
  } catch (error) {
    sayAlike(error.message);
  }
}

function sayAlike(text) {
  byId("alike-about").hidden = false;
  byId("alike-about").textContent = text;
}

/** A small picture that leads to its page. */
function card(image, text = "") {
  const name = image.taxon ?? "unlabelled";
  const link = make(
    "a",
    { href: `/images/${image.image_id}` },
    make("img", { src: pictureUrl(image.image_id, 192), alt: "", loading: "lazy" }),
    make("span", { className: image.state, textContent: name, title: name }),
  );
  if (text) link.append(make("span", { textContent: text }));
  return make("li", {}, link);
}

// -- keys ----------------------------------------------------------------------------------------

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  const beside = { ArrowLeft: "before", ArrowRight: "after" }[event.key];
  // Elsewhere arrows scroll.
  if (beside && event.target === document.body && !byId(beside).hidden) byId(beside).click();
  else if (event.key.toLowerCase() === "d" && known) dispute(known, load);
  else if (!viewer?.pressed(event.key)) return;
  event.preventDefault();
}

startHeader();
events.on("labels", ({ labels }) => labels.some(({ image_id }) => image_id === imageId) && load());
for (const kind of ["live", "resync"]) events.on(kind, load); // something may have been missed
document.addEventListener("keydown", pressed);
load();
for (const part of [loadFrame, loadBeside, loadPrediction, loadNeighbours]) {
  part().catch((error) => toast(error.message, { bad: true }));
}
