// The taxa that were used last, each with a number key.
import { byId, make } from "./dom.js";

const MOST = 9;
const STORED = "plankton.recent-taxa";

/** Remembers taxa, last used first, also across reloads. */
export class Recent {
  #keys = read();
  #onChoose;

  /** @param {(key: string) => void} onChoose a click on one */
  constructor(onChoose) {
    this.#onChoose = onChoose;
    this.#render();
  }

  /** The taxon of a number key, 1…9; undefined if there are not as many. */
  at(number) {
    return this.#keys[number - 1];
  }

  /** A taxon was used. */
  use(key) {
    this.#keys = [key, ...this.#keys.filter((one) => one !== key)].slice(0, MOST);
    try {
      localStorage.setItem(STORED, JSON.stringify(this.#keys));
    } catch {
      // a browser that keeps nothing: they last until the page is left
    }
    this.#render();
  }

  #render() {
    const buttons = this.#keys.map((key, index) => {
      const button = make("button", { type: "button", className: "quiet" }, make("kbd", { textContent: String(index + 1) }), ` ${key}`);
      button.addEventListener("click", () => this.#onChoose(key));
      return button;
    });
    byId("recent").replaceChildren(...buttons);
    byId("recent").hidden = buttons.length === 0;
  }
}

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORED) ?? "[]");
    return Array.isArray(stored) ? stored.filter((key) => typeof key === "string").slice(0, MOST) : [];
  } catch {
    return [];
  }
}
