// Somebody else named images first: whose name holds?
import { answerTo } from "./dialog.js";
import { make } from "./dom.js";
import * as format from "./format.js";

/**
 * Ask what to do about images that somebody named since they were selected.
 * @param {{image_id: string, taxon: string|null, who: string}[]} conflicts
 * @param {string} taxon that is about to be given
 * @returns {Promise<"anyway"|"leave"|"cancelled">} "cancelled" when nothing more is to be done at all
 */
export async function askAbout(conflicts, taxon) {
  const lines = [...Map.groupBy(conflicts, ({ who, taxon: name }) => `${who} ${name}`).values()].map((some) => {
    const [{ who, taxon: name }] = some;
    const images = format.images(some.length);
    const did = name ? [` named ${images} `, make("b", { textContent: name })] : [` took the name back from ${images}`];
    return make("li", {}, make("b", { textContent: who }), ...did);
  });
  const leave = make("button", { value: "leave", textContent: "Leave theirs", autofocus: true });
  const anyway = make("button", { value: "anyway", textContent: `Label ${taxon} anyway` });
  const title = make("h2", { id: "conflict-title", textContent: "Somebody was here first" });
  const dialog = make(
    "dialog", { className: "conflict" }, title,
    make("p", { textContent: "Since you selected them:" }), make("ul", {}, ...lines),
    make("form", { method: "dialog" }, leave, anyway),
  );
  return (await answerTo(dialog, title)) || "cancelled";
}
