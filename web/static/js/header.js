// The header's live totals and cameras, and the banner that says when nothing answers.
import { ask } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { poll } from "./poll.js";

const STATS_MS = 1_000;
const CAMERAS_MS = 4_000;
const ENCODERS_MS = 4_000;

/**
 * Keep the header current.
 * @param {{onStats?: (stats: object) => void, onCameras?: (names: string[]) => void,
 *   onHealth?: (cameras: object[]) => void}} events called with each answer
 */
export function startHeader({ onStats = () => {}, onCameras = () => {}, onHealth = () => {} } = {}) {
  poll(async () => {
    try {
      const stats = await ask("stats");
      show(stats);
      byId("banner").hidden = true;
      onStats(stats);
    } catch (error) {
      byId("banner").hidden = false;
      byId("banner").textContent = `${error.message} Trying again; what you see may be old.`;
    }
  }, STATS_MS);
  poll(async () => {
    try {
      const [{ cameras }, { alerts }] = await Promise.all([ask("cameras"), ask("alerts")]);
      showAlerts(alerts);
      const health = cameras.map((one) => ({ ...one, silent: isSilent(one.camera, alerts) }));
      showCameras(health);
      onHealth(health);
      onCameras(cameras.map(({ camera }) => camera));
    } catch {
      // The banner says it.
    }
  }, CAMERAS_MS);
  poll(async () => {
    const { encoders } = await ask("encoders").catch(() => ({ encoders: null })); // the banner says it
    if (encoders) showPublish(encoders.find(({ filling }) => filling));
  }, ENCODERS_MS);
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
