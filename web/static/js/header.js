// The header's live totals and cameras, and the banner that says when nothing answers.
import { ask } from "./api.js";
import { byId, make } from "./dom.js";
import { events } from "./events.js";
import * as format from "./format.js";
import { poll } from "./poll.js";

const ASKED_MS = { stats: 1_000, cameras: 4_000, alerts: 4_000, encoders: 4_000 };

/**
 * Keep the header current: by the server's events, or by asking while there are none.
 * @param {{onStats?: (stats: object) => void, onCameras?: (names: string[]) => void,
 *   onHealth?: (cameras: object[]) => void}} listeners called with each answer
 */
export function startHeader({ onStats = () => {}, onCameras = () => {}, onHealth = () => {} } = {}) {
  const known = { cameras: null, alerts: null };
  const listening = {
    stats(stats) {
      show(stats);
      onStats(stats);
    },
    cameras({ cameras }) {
      known.cameras = cameras;
      showHealth();
      onCameras(cameras.map(({ camera }) => camera));
    },
    alerts({ alerts }) {
      known.alerts = alerts;
      showAlerts(alerts);
      showHealth();
    },
    encoders: ({ encoders }) => showPublish(encoders.find(({ filling }) => filling)),
    trouble: ({ detail }) => showBanner(detail && `${detail} Trying again; what you see may be old.`),
  };
  function showHealth() {
    if (!known.cameras || !known.alerts) return;
    const health = known.cameras.map((one) => ({ ...one, silent: isSilent(one.camera, known.alerts) }));
    showCameras(health);
    onHealth(health);
  }
  for (const [kind, call] of Object.entries(listening)) events.on(kind, call);
  const asks = Object.entries(ASKED_MS).map(([kind, everyMs]) => poll(() => askUnlessTold(kind, listening[kind]), everyMs));
  events.on("away", () => asks.forEach((again) => again())); // at once: is it the stream, or the server?
  events.start();
}

async function askUnlessTold(kind, call) {
  if (events.isLive) return;
  try {
    const answer = await ask(kind);
    if (events.isLive) return;
    call(answer);
    if (kind === "stats") showBanner(null);
  } catch (error) {
    if (kind === "stats" && !events.isLive) showBanner(`${error.message} Reconnecting; what you see may be old.`);
  }
}

/** Say what is wrong, once however often it is found; null: nothing is. */
function showBanner(text) {
  byId("banner").hidden = !text;
  if (byId("banner").textContent !== (text ?? "")) byId("banner").textContent = text ?? "";
}

function show(stats) {
  const known = Object.values(stats.lag).filter((waiting) => waiting !== null);
  const values = {
    frames_per_s: format.rate(stats.rates.frames_per_s),
    images_per_s: format.rate(stats.rates.images_per_s),
    waiting: known.length ? format.count(known.reduce((sum, one) => sum + one, 0)) : "–",
    p95: format.seconds(stats.capture_to_searchable_s.p95),
    indexed: format.count(stats.indexed),
    labelled: format.count(stats.labelled),
  };
  for (const [name, text] of Object.entries(values)) {
    document.querySelector(`[data-stat="${name}"]`).textContent = text;
  }
  const lag = document.querySelector('[data-part="lag"]');
  lag.classList.toggle("stale", stats.kafka === "away");
  lag.title =
    stats.kafka === "away"
      ? "Kafka does not answer: the last number known"
      : "Frames, images and labels that wait for a worker";
}

function showPublish(version) {
  const line = byId("publish");
  line.hidden = !version;
  if (!version) return;
  const share = version.total ? version.done / version.total : 0;
  line.title = `Encoder ${version.encoder}: ${format.count(version.done)} of ${format.images(version.total)}`;
  const left = version.eta_s == null ? "" : `, ${format.duration(version.eta_s)} left`;
  line.replaceChildren("embedding again ", make("b", { textContent: format.percent(share) }), left);
}

function showCameras(cameras) {
  const reporting = cameras.filter(({ status }) => status);
  byId("cameras").replaceChildren(
    ...reporting.map(({ camera, status, silent }) => {
      const state = silent ? "silent" : status.state;
      const counts = `${format.rate(status.rate_hz)}/s, ${format.count(status.spooled)} spooled, ${format.count(status.dropped)} dropped`;
      const link = make("a", { href: "/cameras", textContent: camera, title: `${state}, ${counts}` });
      return make("li", { className: state }, link);
    }),
  );
}

const isSilent = (camera, alerts) => alerts.some(({ subject, kind }) => subject === `camera/${camera}` && kind === "silent");

// Written only when something changes, or a screen reader would read it again and again.
let alertsShown = "";

function showAlerts(alerts) {
  const state = JSON.stringify(alerts);
  if (state === alertsShown) return;
  alertsShown = state;
  byId("alerts").hidden = !alerts.length;
  byId("alerts").replaceChildren(
    ...alerts.map(({ what, since }) => make("li", {}, make("b", { textContent: "Alert " }), `${what} (since ${format.time(since)})`)),
  );
}
