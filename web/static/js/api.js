// Calls to the JSON API. A failure is an `ApiError` whose message a person can act on.
import { csrfHeaders, personHeaders } from "./account.js";

/** A refused or unanswered request; `status` is 0 when nothing answered, `problem` what was. */
export class ApiError extends Error {
  constructor(status, message, problem = {}) {
    super(message);
    this.status = status;
    this.problem = problem;
  }
}

/** An id that nobody else has; also where the page is not served as a secure context. */
export const freshId = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

const TAB = "plankton.tab"; // stored while no page is open in it: a tab that is doubled gets another name

/**
 * Names this tab among all that are open: what a queue gives is kept for it. A page goes by the name
 * of the page before it, so that what that one still asked for is not somebody else's.
 */
export const client = stored() ?? freshId();
window.addEventListener("pagehide", () => store(client));
window.addEventListener("pageshow", () => store(null));
const TIMEOUT_MS = 30_000;
const TRIES = 3;

/**
 * Ask the API.
 * @param {string} path below /api/v1, e.g. "images"
 * @param {{query?: object, method?: string, body?: object|FormData, headers?: object,
 *   keepalive?: boolean, again?: boolean}} options `keepalive`: also while the page is being left;
 *   `again`: whoever is logged out meanwhile logs in, and it is asked again
 * @returns {Promise<any>} the answer's JSON
 */
export async function ask(path, options = {}) {
  const { query = {}, method = "GET", body, headers = {}, keepalive = false, again = !keepalive } = options;
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const url = `/api/v1/${path}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
  const json = body !== undefined && !(body instanceof FormData);
  let response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        "Plankton-Client": client,
        ...(json && { "Content-Type": "application/json" }),
        ...(method !== "GET" && { ...personHeaders(), ...csrfHeaders() }),
        ...headers,
      },
      keepalive,
      body: json ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
  if (response.status === 401 && again) {
    const { logInAgain } = await import("./relogin.js");
    await logInAgain();
    return ask(path, options);
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer?.detail ?? response.statusText, answer ?? {});
  return answer;
}

/**
 * Change something, and try again while the server is away: safe because every change that is sent
 * this way is done once, however often it arrives.
 */
export async function change(path, options) {
  for (let tried = 1; ; tried += 1) {
    try {
      return await ask(path, options);
    } catch (error) {
      const mayPass = error.status === 0 || error.status === 503;
      if (!mayPass || tried === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, 500 * tried));
    }
  }
}

/** Address of a picture of an image that every browser shows. */
export function pictureUrl(imageId, sizePx) {
  return `/api/v1/images/${imageId}/thumbnail?size=${sizePx}`;
}

function stored() {
  try {
    return sessionStorage.getItem(TAB);
  } catch {
    return null; // a browser that keeps nothing
  }
}

function store(name) {
  try {
    if (name) sessionStorage.setItem(TAB, name);
    else sessionStorage.removeItem(TAB);
  } catch {
    // what a page still asked for is free after five minutes
  }
}
