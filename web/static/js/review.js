// The reviewer's desk: images in doubt, what was said about each, one decision.
import { may } from "./account.js";
import { ask, change, freshId, pictureUrl } from "./api.js";
import { CaseList } from "./cases.js";
import { TaxonBox } from "./combobox.js";
import { byId, make, undoButton } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { toast } from "./toast.js";

const PICTURE_PX = 1024;
const KINDS = { label: "label", second: "second opinion, blind", self: "the same again, blind", dispute: "objection" };

const list = new CaseList(byId("cases"), show);
const taxonBox = new TaxonBox(byId("name"), byId("names"), () => byId("why").focus());
const done = []; // settled here, last one last
let current = null;
let isBusy = false;
let run = 0; // counts what was asked for: an answer that comes late is dropped

// -- what is shown -------------------------------------------------------------------------------

async function load({ more = false } = {}) {
  const mine = ++run;
  try {
    const query = { kind: byId("kind").value, cursor: more ? list.cursor : "" };
    const page = await ask("review", { query });
    if (mine !== run) return;
    showWaiting(page.waiting);
    if (more) list.add(page.cases, page.next_cursor);
    else list.show(page.cases, page.next_cursor);
    byId("more").hidden = !page.next_cursor;
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

function showWaiting({ disputed, dubious }) {
  byId("waiting").textContent = `${format.count(disputed)} disputed, ${format.count(dubious)} dubious`;
}

function show(found) {
  const isSame = found?.image.image_id === current?.image.image_id; // after a refusal: what was typed stays
  current = found;
  byId("desk").hidden = !found;
  byId("empty").hidden = Boolean(found);
  if (!found) {
    byId("empty").replaceChildren(
      make("b", { textContent: "Nothing is in doubt" }),
      "What somebody calls dubious, disputes, or names differently in a second opinion comes here. ",
      ...(done.length ? [undoButton(undo)] : []),
    );
    return;
  }
  const { image, voices } = found;
  byId("picture").src = pictureUrl(image.image_id, PICTURE_PX);
  byId("picture").alt = `Image ${image.image_id}`;
  byId("called").textContent = image.taxon ? `${image.taxon} · ${image.state}` : "unlabelled";
  byId("about").textContent = about(image);
  byId("whole").href = `/images/${image.image_id}`;
  byId("neighbours").href = `/?like=${image.image_id}`;
  byId("original").href = `/api/v1/images/${image.image_id}/content`;
  byId("voices").replaceChildren(...voices.map((voice, index) => card(voice, index)));
  if (!isSame) byId("name").value = byId("why").value = "";
}

function about(image) {
  const scale = image.pixel_size_um;
  const size = scale ? `${Math.round(image.width_px * scale)} × ${Math.round(image.height_px * scale)} µm` : `${image.width_px} × ${image.height_px} px`;
  const depth = image.depth_m === null ? [] : [`${image.depth_m.toFixed(1)} m`];
  return [image.camera, format.time(image.captured_at), ...depth, size].join(" · ");
}

function card(voice, index) {
  const state = voice.state === "dubious" ? " (dubious)" : "";
  const button = make(
    "button",
    { type: "button", className: voice.stands ? "stands" : "" },
    make("kbd", { textContent: index < 9 ? String(index + 1) : "" }),
    make("b", { textContent: voice.taxon ? `${voice.taxon}${state}` : "something else" }),
    make("i", { textContent: voice.stands ? "holds now" : KINDS[voice.kind] }),
    make("small", { textContent: `${voice.who}, ${format.time(voice.at)}` }),
  );
  if (voice.note) button.append(make("q", { textContent: voice.note }));
  button.disabled = !voice.taxon;
  button.addEventListener("click", () => agree(voice));
  return make("li", {}, button);
}

// -- the decision --------------------------------------------------------------------------------

function agree(voice) {
  if (!voice?.taxon || !may("reviewer")) return;
  byId("name").value = voice.taxon;
  byId("why").value = `as ${voice.who} says`;
  byId("why").focus();
  byId("why").select();
}

async function settle() {
  const asked = current;
  await taxonBox.loaded; // a number key has filled the field before
  const taxon = taxonBox.value;
  const why = byId("why").value.trim();
  if (!current || current.image.image_id !== asked?.image.image_id || isBusy) return;
  if (!taxon) return toast("Choose a taxon first: type a part of its name, or press a number.", { bad: true });
  if (!why) return byId("why").focus();
  isBusy = true;
  const { image } = current;
  try {
    const action = await change(`review/${image.image_id}/settlement`, {
      method: "POST",
      headers: { "Idempotency-Key": freshId() },
      body: { taxon: taxon.key, why, seen: image.label_version },
    });
    done.push(action.action_id);
    byId("undo").disabled = false;
    toast(`Settled: ${taxon.key}`, { action: "Undo", onAction: undo });
    list.remove(image.image_id);
    refreshWaiting();
  } catch (error) {
    toast(`Not settled. ${error.message}`, { bad: true });
    if (error.status === 409) load();
  } finally {
    isBusy = false;
  }
}

async function undo() {
  const action = done.pop();
  if (!action) return;
  byId("undo").disabled = done.length === 0;
  try {
    await change(`actions/${action}`, { method: "DELETE" });
    await load();
    toast("Taken back: it is in doubt again");
  } catch (error) {
    done.push(action);
    byId("undo").disabled = false;
    toast(`Not taken back. ${error.message}`, { bad: true });
  }
}

async function refreshWaiting() {
  const page = await ask("review", { query: { limit: 1 } }).catch(() => null); // the banner says it
  if (page) showWaiting(page.waiting);
}

// -- events --------------------------------------------------------------------------------------

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const isTyping = event.target.matches("input, select, textarea");
  if (event.target === byId("why") && key === "enter" && !event.shiftKey) settle();
  else if (key === "escape" && isTyping) byId("cases").focus();
  else if (isTyping) return;
  else if (key === "l" || key === "/") byId("name").focus();
  else if (key === "n") list.next();
  else if (key === "u") undo();
  else if (/^[1-9]$/.test(key)) agree(current?.voices[Number(key) - 1]);
  else return;
  event.preventDefault();
}

async function loadTaxa() {
  const { taxa } = await ask("taxa");
  taxonBox.taxa = taxa.toSorted((a, b) => a.key.localeCompare(b.key));
}

byId("settle").hidden = !may("reviewer");
byId("looking").hidden = may("reviewer");
byId("settle").addEventListener("submit", (event) => {
  event.preventDefault();
  settle();
});
byId("kind").addEventListener("change", () => load());
byId("more").addEventListener("click", () => load({ more: true }));
byId("later").addEventListener("click", () => list.next());
byId("undo").addEventListener("click", undo);
document.addEventListener("keydown", pressed);
startHeader();
loadTaxa().catch((error) => toast(error.message, { bad: true }));
await load();
byId("cases").focus({ preventScroll: true });
