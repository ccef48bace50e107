// The images that a queue gave to this page: nobody else is given them while it is looked at.
import { may } from "./account.js";
import { ask } from "./api.js";
import * as format from "./format.js";
import { toast } from "./toast.js";

const RENEW_MS = 60_000; // the server keeps them for five minutes
const RELEASE_MS = 300; // others can wait until what is shown instead has been drawn

/** What this page holds. */
class Claims {
  #shown = new Set();
  #ahead = new Set();
  #gone = new Set(); // not given back yet

  #freed = this.#release({}); // what the page before it in this tab held

  /** Fulfilled when a queue may be asked: what is needed no more is free, and not freed after it was given anew. */
  get ready() {
    this.#giveBack();
    return this.#freed;
  }

  /** From now on these are shown; what was shown before is given back, and without any all is. */
  keep(ids) {
    this.#hold(ids, ids.length ? this.#ahead : []);
  }

  /** Claim images that were only looked at before; whether all could be had. */
  async take(ids) {
    if (!may("labeller") || !ids.length) return true;
    const held = await ask("claims", { method: "POST", body: { image_ids: ids } }).catch(() => null);
    return held?.image_ids.length === ids.length;
  }

  /** These were asked for before they are shown; what was before is given back. */
  expect(ids) {
    this.#hold(this.#shown, ids);
  }

  /** Nothing is held any more, also what was asked for and comes late. */
  free() {
    [this.#shown, this.#ahead] = [new Set(), new Set()];
    return this.#release({});
  }

  /** Hold on to them while somebody looks, and give them back when the page is left. */
  start() {
    setInterval(() => this.#renew(), RENEW_MS);
    document.addEventListener("visibilitychange", () => this.#renew());
    window.addEventListener("pagehide", () => this.#leave());
    window.addEventListener("pageshow", (event) => event.persisted && this.#renew());
  }

  #leave() {
    if (this.#all.length) this.free();
  }

  get #all() {
    return [...this.#shown, ...this.#ahead];
  }

  #hold(shown, ahead) {
    const before = this.#all;
    [this.#shown, this.#ahead] = [new Set(shown), new Set(ahead)];
    const gone = before.filter((id) => !this.#shown.has(id) && !this.#ahead.has(id));
    if (gone.length && !this.#gone.size) setTimeout(() => this.#giveBack(), RELEASE_MS);
    for (const id of gone) this.#gone.add(id);
  }

  #giveBack() {
    const gone = [...this.#gone].filter((id) => !this.#shown.has(id) && !this.#ahead.has(id));
    this.#gone.clear();
    if (gone.length) this.#freed = Promise.all([this.#freed, this.#release({ image_ids: gone })]);
  }

  async #renew() {
    const ids = [...new Set(this.#all)];
    if (document.hidden || !ids.length) return;
    const held = await ask("claims/renewals", { method: "POST", body: { image_ids: ids } }).catch(() => null);
    const lost = held && [...this.#shown].filter((id) => !held.image_ids.includes(id));
    if (!lost?.length) return;
    for (const id of lost) this.#shown.delete(id);
    toast(`This page rested for long: somebody else was given ${format.images(lost.length)} of it.`, { bad: true });
  }

  /** They run out by themselves, too. */
  #release(body) {
    if (!may("labeller")) return Promise.resolve(); // whoever only looks holds nothing
    return ask("claims/releases", { method: "POST", body, keepalive: true }).catch(() => {});
  }
}

/** The page's claims; the bench starts them. */
export const claims = new Claims();
