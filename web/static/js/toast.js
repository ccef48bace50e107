// Short messages at the foot of the page; screen readers hear them.
import { byId, make } from "./dom.js";

const SHOWN_MS = 6_000;

/**
 * @param {string} text
 * @param {{bad?: boolean, action?: string, onAction?: () => void}} options
 */
export function toast(text, { bad = false, action, onAction } = {}) {
  const message = make("div", { className: bad ? "toast bad" : "toast" }, make("span", { textContent: text }));
  if (action) {
    const button = make("button", { type: "button", textContent: action });
    button.addEventListener("click", () => {
      message.remove();
      onAction();
    });
    message.append(button);
  }
  byId("toasts").replaceChildren(message);
  setTimeout(() => message.remove(), bad ? 2 * SHOWN_MS : SHOWN_MS);
}
