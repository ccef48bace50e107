// Every key of the bench, once: the handlers look keys up here, and the sheet is written from here.

import { may } from "./account.js";

/**
 * @typedef {object} Key
 * @property {string} does what a handler is asked for
 * @property {string[]} press what is pressed, see `chord`; empty: the mouse only
 * @property {string[]} shown the same as people read it
 * @property {string} what it does, for people
 * @property {string} group heading on the sheet
 * @property {string} [at] "grid": while the images have the focus; "box": in the field of names;
 *   "queue": in a queue or a group; else anywhere but in a field
 * @property {boolean} [brief] also in the short list at the side
 * @property {string} [takes] the role it takes; a viewer's keys only look
 */

/** @type {Key[]} */
export const KEYS = [
  { does: "move", press: ["arrowleft", "arrowup", "arrowdown", "arrowright"], shown: ["←↑↓→"], what: "move", group: "Look", at: "grid", brief: true },
  { does: "ends", press: ["home", "end", "shift+home", "shift+end"], shown: ["Home", "End"], what: "to the first, to the last", group: "Look", at: "grid" },
  { does: "screen", press: ["pagedown", "pageup"], shown: ["Page ↓", "Page ↑"], what: "a screenful on, back", group: "Look", at: "grid" },
  { does: "open", press: ["enter"], shown: ["Enter"], what: "show neighbours", group: "Look", at: "grid", brief: true },
  { does: "zoom", press: ["z"], shown: ["Z"], what: "enlarge; arrows go on to the next", group: "Look", brief: true },
  { does: "scale", press: ["s"], shown: ["S"], what: "true to scale, or each to fill its tile", group: "Look" },
  { does: "filter", press: ["f"], shown: ["F"], what: "filters", group: "Look" },

  { does: "toggle", press: [" "], shown: ["Space"], what: "select, or click the corner", group: "Select", at: "grid", brief: true },
  { does: "extend", press: ["shift+arrowleft", "shift+arrowup", "shift+arrowdown", "shift+arrowright"], shown: ["Shift", "←↑↓→"], what: "a range; Shift and a click do the same", group: "Select", at: "grid", brief: true },
  { does: "all", press: ["ctrl+a"], shown: ["Ctrl+A"], what: "select all", group: "Select", brief: true },
  { does: "cut", press: [], shown: ["Alt", "click"], what: "select no further than here", group: "Select", brief: true },
  { does: "escape", press: ["escape"], shown: ["Esc"], what: "close, clear the selection, then back", group: "Select", brief: true },

  { does: "name", press: ["l", "/"], shown: ["L"], what: "name the selection", group: "Name", brief: true, takes: "labeller" },
  { does: "choose", press: ["enter"], shown: ["Enter"], what: "in the field of names: label", group: "Name", at: "box", takes: "labeller" },
  { does: "chooseDubious", press: ["shift+enter"], shown: ["Shift+Enter"], what: "in the field of names: label as dubious", group: "Name", at: "box", takes: "labeller" },
  { does: "recent", press: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: ["1", "9"], what: "name it as one of the last taxa", group: "Name", brief: true, takes: "labeller" },
  { does: "dispute", press: ["d"], shown: ["D"], what: "dispute a name", group: "Name", brief: true, takes: "labeller" },
  { does: "undo", press: ["u", "ctrl+z"], shown: ["U"], what: "undo the last action", group: "Name", brief: true, takes: "labeller" },

  { does: "grow", press: ["g"], shown: ["G"], what: "grow: unlabelled look-alikes", group: "Go on", brief: true },
  { does: "next", press: ["n"], shown: ["N"], what: "next page", group: "Go on", brief: true },
  { does: "accept", press: ["a"], shown: ["A"], what: "in a queue: accept what is proposed", group: "Go on", at: "queue", brief: true, takes: "labeller" },
  { does: "reject", press: ["x"], shown: ["X"], what: "in a queue: not this taxon", group: "Go on", at: "queue", brief: true, takes: "labeller" },
  { does: "help", press: ["?"], shown: ["?"], what: "all keys", group: "Go on", brief: true },
];

/** The keys of whoever asks. */
export const usable = () => KEYS.filter((key) => !key.takes || may(key.takes));

/** What is pressed, as the table writes it: `KeyboardEvent.key` in lower case, Ctrl and Shift before it. */
export function chord(event) {
  const key = event.key.toLowerCase();
  const isPrinted = [...event.key].length === 1 && event.key !== " "; // its Shift is in the letter
  const shift = event.shiftKey && !isPrinted ? "shift+" : "";
  return `${event.altKey ? "alt+" : ""}${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${shift}${key}`;
}

/**
 * The line of the table for what is pressed.
 * @param {KeyboardEvent} event
 * @param {string} [at] where
 * @returns {Key|undefined}
 */
export function keyOf(event, at) {
  const pressed = chord(event);
  return usable().find((key) => key.at === at && key.press.includes(pressed));
}

/**
 * Answer the keys that work anywhere, and in queues.
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by `does`
 * @param {() => boolean} inQueue
 */
export function answerKeys(actions, inQueue) {
  const answered = KEYS.filter((key) => key.press.length && (key.at === undefined || key.at === "queue"));
  const without = answered.filter((key) => !actions[key.does]).map((key) => key.does);
  if (without.length) throw new Error(`keys that nothing answers: ${without.join()}`);
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return; // it answers Esc by itself
    const key = keyOf(event) ?? (inQueue() ? keyOf(event, "queue") : undefined);
    const isTyping = event.target.matches("input:not([type=range], [type=checkbox]), select, textarea");
    if (!key || event.defaultPrevented || (isTyping && key.does !== "escape")) return;
    actions[key.does](event);
    event.preventDefault();
  });
}
