// The sheet of all keys, and the short list at the side: both from the one table of keys.
import { byId, make } from "./dom.js";
import { usable } from "./keys.js";

/** Write both. */
export function writeKeys() {
  byId("keys").replaceChildren(...usable().filter((key) => key.brief).map(line));
  const groups = Map.groupBy(usable(), (key) => key.group);
  byId("all-keys").replaceChildren(
    ...[...groups].map(([group, keys]) =>
      make("section", {}, make("h3", { textContent: group }), make("dl", { className: "keys" }, ...keys.map(line))),
    ),
  );
  byId("help").addEventListener("click", openKeys);
  byId("close-keys").addEventListener("click", () => byId("key-sheet").close());
}

/** Show the sheet; Esc closes it. */
export function openKeys() {
  byId("key-sheet").showModal();
}

function line({ does, shown, what }) {
  const join = does === "recent" ? "…" : " ";
  const caps = shown.flatMap((key, at) => (at ? [join, make("kbd", { textContent: key })] : [make("kbd", { textContent: key })]));
  const row = make("div", {}, make("dt", {}, ...caps), make("dd", { textContent: what }));
  row.dataset.does = does;
  return row;
}
