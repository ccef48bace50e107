// What a person labelled, by action; each can be taken back.
import { mayTakeBack } from "./account.js";
import { ask, change, pictureUrl } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { toast } from "./toast.js";

const PAGE = 50;
const path = `people/${encodeURIComponent(byId("person").dataset.name)}/actions`;
let cursor = null;
let isLoading = false;

async function more() {
  if (isLoading) return;
  isLoading = true;
  try {
    const page = await ask(path, { query: { limit: PAGE, cursor } });
    cursor = page.next_cursor;
    byId("deeds").append(...page.actions.map(row));
    byId("more").hidden = cursor === null;
    byId("empty").hidden = byId("deeds").childElementCount > 0;
  } catch (error) {
    toast(error.message, { bad: true });
  } finally {
    isLoading = false;
  }
}

function row(action) {
  const item = make("li");
  fill(item, action);
  return item;
}

function fill(item, action) {
  const { standing, images } = action;
  const number = standing === images ? format.images(images) : `${format.count(standing)} of ${format.images(images)}`;
  const name = make("b", { className: standing ? "" : "back", textContent: `${action.taxon} · ${action.state}` });
  const about = standing ? number : `${format.images(images)}, taken back`;
  const when = make("time", { dateTime: action.at, textContent: format.time(action.at) });
  const what = make("div", { className: "what" }, name, make("small", {}, `${about}, `, when));
  if (action.why) what.append(make("div", { textContent: action.why }));
  const pictures = make("div", { className: "pictures" }, ...action.sample.map(picture));
  item.replaceChildren(what, pictures);
  if (standing && mayTakeBack(action.who)) item.append(takeBack(item, action));
}

function picture(imageId) {
  const image = make("img", { src: pictureUrl(imageId, 96), alt: "", loading: "lazy" });
  const link = make("a", { href: `/?like=${imageId}`, title: "Show its neighbours" }, image);
  link.setAttribute("aria-label", `Image ${imageId}`);
  return link;
}

function takeBack(item, action) {
  const button = make("button", { type: "button", textContent: "Take back" });
  button.setAttribute("aria-label", `Take back ${action.taxon} on ${format.images(action.standing)}`);
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const { images } = await change(`actions/${action.action_id}`, { method: "DELETE" });
      toast(`Taken back: ${action.taxon} on ${format.images(images.length)}`);
      fill(item, { ...action, standing: 0 });
    } catch (error) {
      button.disabled = false;
      toast(`Not taken back. ${error.message}`, { bad: true });
    }
  });
  return button;
}

byId("more").addEventListener("click", more);
startHeader();
more();
