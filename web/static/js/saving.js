// Changes on their way to the server: each is sent until it is answered, in order, across a restart
// of the server and a reload of the page, and done once however often it arrives.
import { ask } from "./api.js";
import { byId, make } from "./dom.js";
import { events } from "./events.js";
import { keep, readKept } from "./kept.js";
import { toast } from "./toast.js";

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 60_000;
const STORED = `plankton.unsaved.${document.body.dataset.person ?? ""}`; // of whoever works here
const QUICK_MS = 1_000; // a save that takes less is no reason to keep anybody on the page
const AWAY = new Set([0, 401, 429, 502, 503, 504]); // answers after which the same may succeed

/** The changes that were not answered yet. */
class Saving {
  #waiting = (readKept("sessionStorage", STORED) ?? []).map((entry) => ({ ...entry, isOld: true, since: 0 }));
  #isRunning = false;
  #pauseMs = FIRST_PAUSE_MS;
  #wake = () => {};
  #strip = null;

  /** What a page before this one could not save is sent first. */
  constructor() {
    window.addEventListener("beforeunload", (event) => this.#isLate && event.preventDefault());
    events.on("live", () => this.#wake());
    window.addEventListener("online", () => this.#wake());
    this.#run();
  }

  /** Whether a change was tried in vain, or waits for longer than a save takes. */
  get #isLate() {
    const [first] = this.#waiting;
    return this.#strip !== null || (first !== undefined && Date.now() - first.since > QUICK_MS);
  }

  /**
   * Send a change; settles when it is answered, however long that takes.
   * @param {string} path as `ask` takes it
   * @param {{method: string, headers?: object, body?: object}} options of one that is harmless when
   *   it arrives twice: with an `Idempotency-Key`, or by its nature
   * @param {string} what it does, for a person
   * @returns {Promise<any>} the answer; rejects when it is refused
   */
  send(path, options, what) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ path, options, what, resolve, reject, since: Date.now() });
      this.#run();
    });
  }

  async #run() {
    store(this.#waiting);
    if (this.#isRunning) return;
    this.#isRunning = true;
    while (this.#waiting.length) {
      const [first] = this.#waiting;
      const outcome = await attempt(first);
      if (outcome.error && AWAY.has(outcome.error.status)) {
        await this.#pause(first, outcome.error);
        continue;
      }
      this.#pauseMs = FIRST_PAUSE_MS;
      this.#waiting.shift();
      store(this.#waiting);
      if (!this.#waiting.length) this.#clear();
      settle(first, outcome);
    }
    this.#isRunning = false;
  }

  #pause(entry, error) {
    this.#tell(entry, error);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs);
      this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        this.#pauseMs = FIRST_PAUSE_MS;
        resolve();
      };
    });
  }

  #tell({ what }, error) {
    const more = this.#waiting.length > 1 ? ` and ${this.#waiting.length - 1} more` : "";
    const text = `Not saved yet, trying again: ${what}${more}. ${error.message}`;
    if (!this.#strip) {
      const now = make("button", { type: "button", textContent: "Try now" });
      now.addEventListener("click", () => this.#wake());
      this.#strip = make("div", { className: "unsaved", id: "unsaved" }, make("span"), now);
      this.#strip.setAttribute("role", "alert");
      byId("toasts").before(this.#strip);
    }
    const line = this.#strip.firstChild;
    if (line.textContent !== text) line.textContent = text; // heard once, not at every try
  }

  #clear() {
    this.#strip?.remove();
    this.#strip = null;
  }
}

async function attempt({ path, options }) {
  try {
    return { answer: await ask(path, options) };
  } catch (error) {
    return { error };
  }
}

function settle(entry, { answer, error }) {
  if (entry.isOld) toast(error ? `Not saved: ${entry.what}. ${error.message}` : `Saved now: ${entry.what}`, { bad: Boolean(error) });
  else if (error) entry.reject(error);
  else entry.resolve(answer);
}

// Where the browser keeps nothing they last until the page is left, which warns.
function store(entries) {
  keep("sessionStorage", STORED, entries.map(({ path, options, what }) => ({ path, options, what })));
}

/** The changes of the page; whichever page sends some also sends what is left of those before it. */
export const saving = new Saving();
