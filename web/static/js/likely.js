// What is likely to be asked for next, asked for before: somebody steps through the options of a filter.
import { ask } from "./api.js";
import { events } from "./events.js";

const MOST = 32; // a list of options, and some
const FRESH_MS = 20_000;

const coming = new Map(); // what was asked → {answer, at}, oldest first

/**
 * Ask ahead.
 * @param {string} path as `ask` takes it
 * @param {object} query
 * @returns {Promise<any>} the answer
 */
export function expect(path, query) {
  const key = keyOf(path, query);
  if (!isFresh(coming.get(key))) {
    const answer = ask(path, { query });
    answer.catch(() => coming.delete(key)); // asked for again when it is wanted
    coming.delete(key);
    coming.set(key, { answer, at: performance.now() });
    if (coming.size > MOST) coming.delete(coming.keys().next().value);
  }
  return coming.get(key).answer;
}

/** What was asked for ahead, or is on its way; undefined if it was not, or is old. */
function expected(path, query) {
  const found = coming.get(keyOf(path, query));
  return isFresh(found) ? found.answer : undefined;
}

/** The answer: the one that was asked for ahead, or asked for now if there is none, or it failed. */
export const get = (path, query) => expected(path, query)?.catch(() => ask(path, { query })) ?? ask(path, { query });

/** What images are called has changed: whatever is known may be old. */
export const forget = () => coming.clear();

const isFresh = (found) => found !== undefined && performance.now() - found.at < FRESH_MS;

const keyOf = (path, query) => JSON.stringify([path, Object.entries(query).filter(([, value]) => value !== "" && value != null).toSorted()]);

for (const kind of ["labels", "resync"]) events.on(kind, forget);
