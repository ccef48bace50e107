// Naming images blindly: one at a time, without what anybody called it.
import { ask, change, pictureUrl } from "./api.js";
import { TaxonBox } from "./combobox.js";
import { byId, make, undoButton } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { Recent } from "./recent.js";
import { toast } from "./toast.js";

const PICTURE_PX = 1024;
const PAGE = 20;

const recent = new Recent((key) => give({ key }));
const taxonBox = new TaxonBox(byId("name"), byId("names"), (taxon) => give(taxon));
const done = []; // opinions given here, last one last
const skipped = new Set();
let waiting = [];
let isBusy = false;

async function load() {
  const { images } = await ask("queues/second", { query: { limit: Math.min(100, PAGE + skipped.size) } });
  waiting = images.filter((image) => !skipped.has(image.image_id));
}

async function showNext() {
  if (!waiting.length) await load();
  const [image, after] = waiting;
  byId("blind").hidden = !image;
  byId("empty").hidden = Boolean(image);
  byId("name").value = "";
  if (!image) {
    showEmpty();
    return;
  }
  byId("picture").src = pictureUrl(image.image_id, PICTURE_PX);
  byId("about").textContent = about(image);
  if (after) new Image().src = pictureUrl(after.image_id, PICTURE_PX);
}

function showEmpty() {
  const again = make("button", { type: "button", textContent: `Show the ${format.images(skipped.size)} that you skipped` });
  again.addEventListener("click", () => {
    skipped.clear();
    attempt(showNext);
  });
  byId("empty").replaceChildren(
    make("b", { textContent: "Nothing waits for a second opinion" }),
    "A share of the validated images comes here, once it is set on the page Agreement. ",
    ...(skipped.size ? [again] : []),
    ...(done.length ? [undoButton(undo)] : []),
  );
}

function about(image) {
  const scale = image.pixel_size_um;
  const size = scale ? `${Math.round(image.width_px * scale)} × ${Math.round(image.height_px * scale)} µm` : `${image.width_px} × ${image.height_px} px`;
  const depth = image.depth_m === null ? [] : [`${image.depth_m.toFixed(1)} m`];
  return [size, ...depth, format.time(image.captured_at)].join(" · ");
}

function give(taxon) {
  return attempt(async () => {
    const [image] = waiting;
    if (!image) return;
    if (!taxon) return toast("Choose a taxon first: type a part of its name.", { bad: true });
    const body = { image_id: image.image_id, taxon: taxon.key };
    const given = await change("opinions", { method: "POST", body });
    done.push({ opinion: given.opinion_id, image });
    waiting.shift();
    recent.use(taxon.key);
    byId("name").blur();
    await showNext();
    toast(`Noted: ${taxon.key}`, { action: "Undo", onAction: undo });
    showDone();
  });
}

function showDone() {
  byId("undo").disabled = done.length === 0;
  byId("done").textContent = done.length ? `${format.count(done.length)} named` : "";
}

function skip() {
  return attempt(async () => {
    const image = waiting.shift();
    if (image) skipped.add(image.image_id);
    await showNext();
  });
}

function undo() {
  return attempt(async () => {
    const last = done.at(-1);
    if (!last) return;
    await change(`opinions/${last.opinion}`, { method: "DELETE" });
    done.pop();
    waiting.unshift(last.image);
    await showNext();
    toast("Taken back");
    showDone();
  });
}

async function attempt(work) {
  if (isBusy) return;
  isBusy = true;
  try {
    await work();
  } catch (error) {
    toast(error.message, { bad: true });
    waiting = error.status === 422 ? [] : waiting; // it does not wait any more: look again
    if (error.status === 422) await showNext().catch(() => {});
  } finally {
    isBusy = false;
  }
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const isTyping = event.target.matches("input, select, textarea");
  if (key === "escape" && isTyping) byId("name").blur();
  else if (isTyping) return;
  else if (key === "l" || key === "/") byId("name").focus();
  else if (key === "n") skip();
  else if (key === "u") undo();
  else if (/^[1-9]$/.test(key)) recent.at(Number(key)) && give({ key: recent.at(Number(key)) });
  else return;
  event.preventDefault();
}

byId("give").addEventListener("submit", (event) => {
  event.preventDefault();
  give(taxonBox.value);
});
byId("skip").addEventListener("click", skip);
byId("undo").addEventListener("click", undo);
document.addEventListener("keydown", pressed);
startHeader();
await attempt(async () => {
  const { taxa } = await ask("taxa");
  taxonBox.taxa = taxa.toSorted((a, b) => a.key.localeCompare(b.key));
  await showNext();
});
