// What was done to a taxon, in words.
import { byId, make } from "./dom.js";
import * as format from "./format.js";

const FIELDS = { name: "name", rank: "rank", parent: "lies below", aphia_id: "AphiaID", kind: "kind", synonyms: "synonyms" };
const said = (value) => (value == null || value.length === 0 ? "nothing" : Array.isArray(value) ? value.join(", ") : String(value));

/** Show changes, last first. */
export function showHistory(changes, of) {
  byId("history").hidden = changes.length === 0;
  byId("history-title").textContent = of ? "History" : "What changed last";
  document.querySelector(".changes").replaceChildren(...changes.map((change) => line(change, of)));
}

function line(change, of) {
  const subject = of ? [] : [make("b", { textContent: change.taxon }), " "];
  const when = `${format.time(change.at)}, ${change.who}${change.why ? `: ${change.why}` : ""}`;
  return make("li", {}, ...subject, ...words(change), make("small", { textContent: when }));
}

function words({ kind, before, after }) {
  if (kind === "merged") return ["merged into ", make("ins", { textContent: after.merged_into })];
  if (kind === "unmerged") return ["no longer merged into ", make("del", { textContent: before.merged_into })];
  if (kind !== "changed") return [kind, ...(kind === "deleted" ? [` (${before.name})`] : [])];
  return Object.keys(after).flatMap((name, index) => [
    `${index ? "; " : ""}${FIELDS[name] ?? name}: `,
    make("del", { textContent: said(before[name]) }), " → ", make("ins", { textContent: said(after[name]) }),
  ]);
}
