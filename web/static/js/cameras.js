// The cameras page: how each one is doing, a row each.
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";

const COLUMNS = ["camera", "state", "frames/s", "seen", "sent", "spooled", "dropped", "gaps", "last seen"];

function show(cameras) {
  const reporting = cameras.filter(({ status }) => status);
  byId("table").hidden = !reporting.length;
  byId("empty").hidden = reporting.length > 0;
  byId("empty").replaceChildren(
    make("b", { textContent: "No camera has reported yet" }),
    "Each says how it is doing every five seconds, once it is started: plankton camera.",
  );
  const head = make("tr", {}, ...COLUMNS.map((textContent) => make("th", { textContent, scope: "col" })));
  const rows = reporting.map(({ camera, status, silent }) => row(camera, status, silent));
  byId("table").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)));
}

function row(camera, status, silent) {
  const state = silent ? "silent" : status.state;
  return make(
    "tr", {},
    make("th", { textContent: camera, scope: "row" }),
    make("td", {}, make("span", { className: `state ${state}`, textContent: state }), ...note(status.why, "why")),
    cell(state === "running" ? format.rate(status.rate_hz) : "–"),
    cell(format.count(status.seen), status.recovered ? `and ${format.count(status.recovered)} from before` : ""),
    cell(format.count(status.sent)),
    cell(format.count(status.spooled), spool(status)),
    dropped(status),
    cell(format.count(status.gaps)),
    make("td", {}, make("time", { dateTime: status.at, textContent: format.ago(status.at), title: format.time(status.at) })),
  );
}

const note = (text, className = "") => (text ? [make("small", { className, textContent: text })] : []);

const cell = (text, small = "") => make("td", {}, text, ...note(small));

function spool({ spool_bytes, spool_limit_bytes }) {
  return spool_limit_bytes == null ? "" : `${format.bytes(spool_bytes)} of ${format.bytes(spool_limit_bytes)}`;
}

function dropped({ dropped: number, dropped_because }) {
  const reasons = Object.entries(dropped_because).map(([reason, count]) => `${reason} ${format.count(count)}`);
  return make("td", { className: number ? "lost" : "" }, format.count(number), ...note(reasons.join(", ")));
}

startHeader({ onHealth: show });
