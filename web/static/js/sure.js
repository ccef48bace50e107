// A question before something that can't be done by accident.
import { answerTo } from "./dialog.js";
import { make } from "./dom.js";

/**
 * Ask.
 * @param {string} title
 * @param {string} text what follows
 * @param {string} yes says so on its button
 * @returns {Promise<boolean>} the answer; Escape is no
 */
export async function sure(title, text, yes) {
  const heading = make("h2", { id: "sure-title", textContent: title });
  const buttons = [make("button", { value: "yes", className: "primary", textContent: yes }), make("button", { value: "no", textContent: "Cancel" })];
  const dialog = make(
    "dialog", { className: "sure", id: "sure" }, heading, make("p", { textContent: text }),
    make("form", { method: "dialog" }, ...buttons),
  );
  return (await answerTo(dialog, heading)) === "yes";
}
