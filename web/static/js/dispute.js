// Objecting to an image's name, in a dialog: the name stays until a reviewer settles it.
import { may, mayTakeBack } from "./account.js";
import { ask, change } from "./api.js";
import { make } from "./dom.js";
import * as format from "./format.js";
import { referenceButton } from "./reference.js";
import { toast } from "./toast.js";

let style = null;

/**
 * Ask why an image's name is wrong, and send it.
 * @param {object} image as the API gives it
 * @param {() => void} onDone called when it was sent or taken back
 */
export function dispute(image, onDone = () => {}) {
  if (!may("labeller")) return; // the key is pressed by viewers too
  if (!image.taxon) {
    toast("This image has no name yet: label it.");
    return;
  }
  style ??= document.head.appendChild(make("link", { rel: "stylesheet", href: "/static/dispute.css" }));
  const why = make("textarea", { rows: 3, maxLength: 2000, required: true, placeholder: "What speaks against it" });
  const better = make("select", {}, make("option", { value: "", textContent: "I can't tell" }));
  offer(better, image.taxon);
  const cancel = make("button", { type: "button", textContent: "Cancel" });
  const problem = make("p", { className: "problem" });
  problem.setAttribute("role", "alert");
  const form = make(
    "form",
    { method: "dialog" },
    make("h2", { id: "dispute-title", textContent: `Not ${image.taxon}?` }),
    make("label", {}, "Why", why),
    make("label", {}, "It is rather", better),
    problem,
    make("div", {}, cancel, make("button", { type: "submit", className: "primary", textContent: "Dispute" })),
  );
  const dialog = make("dialog", { className: "dispute" }, form);
  dialog.setAttribute("aria-labelledby", "dispute-title");
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    before?.focus({ preventScroll: true });
  });
  // Keys of the page must not act while somebody writes.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(image, { note: why.value, taxon: better.value || null }, dialog, onDone);
  });
  document.body.append(dialog);
  dialog.showModal(); // at once: what is typed next belongs into it
  why.focus();
}

async function offer(select, but) {
  const { taxa } = await ask("taxa").catch(() => ({ taxa: [] })); // then without a better name
  const keys = taxa.map(({ key }) => key).filter((key) => key !== but);
  select.append(...keys.toSorted().map((key) => make("option", { value: key, textContent: key })));
}

async function send(image, said, dialog, onDone) {
  try {
    const body = { image_id: image.image_id, ...said };
    const opened = await change("disputes", { method: "POST", body });
    dialog.close();
    onDone();
    toast(`Disputed: a reviewer will look at it. ${image.taxon} stays until then.`, {
      action: "Undo",
      onAction: () => withdraw(opened.dispute_id, onDone),
    });
  } catch (error) {
    dialog.querySelector(".problem").textContent = `Not sent. ${error.message}`; // a toast would lie below
  }
}

/**
 * The open objections to an image's name, and buttons for what may be said about it.
 * @param {object} image with its disputes
 * @param {() => void} again called when something has changed
 * @returns {Node[]} none while it has no name
 */
export function objections(image, again) {
  if (!image.taxon || !may("labeller")) return [];
  const rows = image.disputes.map((one) => {
    const back = make("button", { type: "button", className: "quiet", textContent: "Take back" });
    back.addEventListener("click", () => withdraw(one.dispute_id, again));
    back.hidden = !mayTakeBack(one.who);
    const what = make("b", { textContent: one.taxon ? `rather ${one.taxon}` : `not ${image.taxon}` });
    return make("li", {}, what, make("small", { textContent: `${one.who}, ${format.time(one.at)}: ${one.note ?? ""}` }), back);
  });
  const open = make("button", { type: "button" }, "Dispute ", make("kbd", { textContent: "D" }));
  open.addEventListener("click", () => dispute(image, again));
  const list = rows.length ? [make("h2", { textContent: "Disputed" }), make("ol", { className: "history" }, ...rows)] : [];
  return [...list, make("p", { className: "object" }, open, " ", ...referenceButton(image))];
}

/** Take an objection back. */
async function withdraw(disputeId, onDone) {
  try {
    await change(`disputes/${disputeId}`, { method: "DELETE" });
    onDone();
    toast("Objection taken back");
  } catch (error) {
    toast(`Not taken back. ${error.message}`, { bad: true });
  }
}
