// What a browser keeps for us as JSON. One that keeps nothing is no error: what there is lasts until the page is left.

/**
 * @param {"localStorage"|"sessionStorage"} where
 * @param {string} name
 * @returns {any} what was kept; null if there is nothing, or no JSON
 */
export function readKept(where, name) {
  try {
    return JSON.parse(globalThis[where].getItem(name));
  } catch {
    return null;
  }
}

/** Keep it, if the browser does. */
export function keep(where, name, value) {
  try {
    globalThis[where].setItem(name, JSON.stringify(value));
  } catch {
    // see above
  }
}
