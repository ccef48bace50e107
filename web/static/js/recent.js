// The taxa that were used last, each with a number key.
import { asking, may } from "./account.js";
import { byId, make } from "./dom.js";
import { keep, readKept } from "./kept.js";

const MOST = 9;
const STORED = `plankton.recent-taxa.${asking().name}`; // a browser may be several people's

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
    keep("localStorage", STORED, this.#keys);
    this.#render();
  }

  #render() {
    const buttons = this.#keys.map((key, index) => {
      const button = make("button", { type: "button", className: "quiet" }, make("kbd", { textContent: String(index + 1) }), ` ${key}`);
      button.addEventListener("click", () => this.#onChoose(key));
      return button;
    });
    byId("recent").replaceChildren(...buttons);
    byId("recent").hidden = buttons.length === 0 || !may("labeller");
  }
}

function read() {
  const kept = readKept("localStorage", STORED);
  return Array.isArray(kept) ? kept.filter((key) => typeof key === "string").slice(0, MOST) : [];
}
