// Calls to the JSON API. A failure is an `ApiError` whose message a person can act on.

/** A refused or unanswered request; `status` is 0 when nothing answered. */
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const TIMEOUT_MS = 30_000;
const TRIES = 3;

/**
 * Ask the API.
 * @param {string} path below /api/v1, e.g. "images"
 * @param {{query?: object, method?: string, body?: object|FormData, headers?: object}} options
 * @returns {Promise<any>} the answer's JSON
 */
export async function ask(path, { query = {}, method = "GET", body, headers = {} } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  const url = `/api/v1/${path}${given.length ? `?${new URLSearchParams(given)}` : ""}`;
  const json = body !== undefined && !(body instanceof FormData);
  let response;
  try {
    response = await fetch(url, {
      method,
      headers: json ? { "Content-Type": "application/json", ...headers } : headers,
      body: json ? JSON.stringify(body) : body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer?.detail ?? response.statusText);
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
