// What happens, as the server tells it: one stream for the page, kept open while it is looked at.
//
// A browser opens at most six connections to a server that speaks HTTP/1.1, and a stream holds one:
// so a page in the background gives its stream up, and asks what it missed when it is seen again.

const SILENT_MS = 13_000; // the server says something every four seconds
const LEAVE_MS = 10_000; // a page that is hidden for less keeps its stream
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;

const KINDS = ["labels", "images", "predictions", "resync", "stats", "cameras", "alerts", "encoders", "queues", "trouble", "beat"];

/** Follows the server's events and finds it again when it was away. */
class Events {
  #source = null;
  #last = "";
  #calls = new Map();
  #isLive = false;
  #heardAt = 0;
  #retryMs = FIRST_RETRY_MS;
  #timer = 0;

  /** Whether the server tells what happens; if not, whoever wants to know has to ask. */
  get isLive() {
    return this.#isLive;
  }

  /**
   * Hear of something.
   * @param {string} kind one of the server's, or "live" and "away" of the stream itself
   * @param {(data: object) => void} call
   */
  on(kind, call) {
    this.#calls.set(kind, [...(this.#calls.get(kind) ?? []), call]);
  }

  /** Follow from now on. */
  start() {
    document.addEventListener("visibilitychange", () => this.#seen());
    setInterval(() => this.#check(), SILENT_MS / 4);
    this.#open();
  }

  #open() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#heardAt = Date.now();
    const source = new EventSource(`/api/v1/events${this.#last ? `?since=${encodeURIComponent(this.#last)}` : ""}`);
    this.#source = source;
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#heard(source, kind, event));
    source.addEventListener("error", () => this.#lost(source));
  }

  #heard(source, kind, event) {
    if (source !== this.#source) return;
    this.#heardAt = Date.now();
    this.#retryMs = FIRST_RETRY_MS;
    if (event.lastEventId) this.#last = event.lastEventId;
    if (!this.#isLive) {
      this.#isLive = true;
      this.#say("live", {});
    }
    this.#say(kind, JSON.parse(event.data));
  }

  #lost(source) {
    if (source !== this.#source) return;
    this.#away();
    if (source.readyState === EventSource.CLOSED) this.#openLater(); // refused: the browser gives up
  }

  #away() {
    if (!this.#isLive) return;
    this.#isLive = false;
    this.#say("away", {});
  }

  #openLater() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), this.#retryMs);
    this.#retryMs = Math.min(2 * this.#retryMs, LONGEST_RETRY_MS);
  }

  /** A connection may be dead without anybody having said so: a laptop that slept, a lost network. */
  #check() {
    if (!this.#source || Date.now() - this.#heardAt < SILENT_MS) return;
    this.#away();
    if (this.#source.readyState !== EventSource.CLOSED) this.#open();
  }

  #seen() {
    clearTimeout(this.#timer);
    if (!document.hidden) {
      if (!this.#source || this.#source.readyState === EventSource.CLOSED) this.#open();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#source?.close();
      this.#source = null;
      this.#away();
    }, LEAVE_MS);
  }

  #say(kind, data) {
    for (const call of this.#calls.get(kind) ?? []) call(data);
  }
}

/** The page's stream; `startHeader` starts it. */
export const events = new Events();
