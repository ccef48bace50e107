// Numbers and times as people read them.

const integer = new Intl.NumberFormat("en");
const hourCycle = "h23"; // logbooks know no AM and PM
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hourCycle });
const shortClock = new Intl.DateTimeFormat(undefined, { timeStyle: "short", hourCycle });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium", hourCycle });
const NOTHING = "–";

/** A count with separators. */
export const count = (value) => (value == null ? NOTHING : integer.format(value));

/** A rate or another small number, one decimal below 100. */
export const rate = (value) =>
  value == null ? NOTHING : value < 100 ? value.toFixed(1) : integer.format(Math.round(value));

/** Bytes in the unit that suits them. */
export function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power && scaled < 100 ? scaled.toFixed(1) : Math.round(scaled)} ${units[power]}`;
}

/** How long ago a time was, roughly. */
export function ago(text) {
  const passed = Math.max(0, (Date.now() - new Date(text)) / 1000);
  return passed < 60 ? `${Math.round(passed)} s ago` : passed < 3600 ? `${Math.round(passed / 60)} min ago` : time(text);
}

/** Seconds. */
export const seconds = (value) => (value == null ? NOTHING : `${value.toFixed(value < 10 ? 2 : 0)} s`);

/** A share between 0 and 1; full only when it is. */
export const percent = (share) => `${share < 1 ? Math.min(99, Math.round(share * 100)) : 100}%`;

/** A time that is left, roughly. */
export const duration = (value) =>
  value < 90 ? "a minute" : value < 5400 ? `${Math.round(value / 60)} min` : `${Math.round(value / 3600)} h`;

/** A distance. Hamming counts bits: whole ones, and a limit between two numbers lets the lower in. */
export const distance = (value, metric) => {
  if (metric !== "hamming") return value.toFixed(3);
  const bits = Math.floor(value);
  return `${bits} ${bits === 1 ? "bit" : "bits"}`;
};

/** Time of day today, with the date on other days. */
export function time(text) {
  if (!text) return "unknown";
  const at = new Date(text);
  return (at.toDateString() === new Date().toDateString() ? clock : moment).format(at);
}

/** Only the time of day. */
export const timeOfDay = (text) => (text ? clock.format(new Date(text)) : "");

/** Hours and minutes. */
export const hourAndMinute = (text) => shortClock.format(new Date(text));

/** "1 image", "3 images". */
export const images = (number) => `${count(number)} ${number === 1 ? "image" : "images"}`;
