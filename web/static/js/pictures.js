// Small pictures of many images: asked for in sheets, one request for a hundred, and drawn from there.

const SIZES = [64, 96, 128, 192, 256]; // what is asked for: few sizes, so that caches serve all
const SHEET = 100;
const COLUMNS = 10;
const MOST_PIXELS = 100_000_000; // of sheets that are kept: more than a thousand of the largest pictures, a whole grid

const cells = new Map(); // image id → {sheet, left, top, px}, px the size of its cell
const rules = new CSSStyleSheet(); // one for each sheet, in their order: hundreds of tiles name a class, not an address
document.adoptedStyleSheets.push(rules);
const asked = new Map(); // "id size" → promise, while it is on its way
let sheets = []; // oldest first
let pixels = 0;
let made = 0;

/** The size to ask for, so that a picture of so many screen pixels is sharp. */
export function sizeFor(screenPx) {
  return SIZES.find((size) => size >= screenPx) ?? SIZES.at(-1);
}

/** Width and height of a thumbnail, as the server makes it. */
export function fitted(width, height, sizePx) {
  const scale = Math.min(1, sizePx / Math.max(width, height));
  return [Math.max(1, Math.floor(width * scale + 0.5)), Math.max(1, Math.floor(height * scale + 0.5))];
}

/** Where the picture of an image is, null while it is not here; `isMissing` if the server has none. */
export function cellOf(imageId, sizePx) {
  const cell = cells.get(imageId);
  return cell && cell.px >= sizePx ? cell : null;
}

/**
 * Have the pictures of images here.
 * @param {string[]} ids
 * @param {number} sizePx one of those that `sizeFor` gives
 * @param {(ids: string[]) => void} onCame called for each sheet as it comes
 * @returns {Promise<void>} when all have come, or could not
 */
export async function load(ids, sizePx, onCame = () => {}) {
  const wanted = ids.filter((id) => !cellOf(id, sizePx));
  const onTheirWay = new Map(); // promise → ids
  const fresh = [];
  for (const id of wanted) {
    const coming = asked.get(`${id} ${sizePx}`);
    if (coming) onTheirWay.set(coming, [...(onTheirWay.get(coming) ?? []), id]);
    else fresh.push(id);
  }
  for (const some of shares(fresh)) onTheirWay.set(ask(some, sizePx), some);
  await Promise.all([...onTheirWay].map(([coming, some]) => coming.then(() => onCame(some))));
}

/** As few sheets as possible, and equally large ones: they are made and decoded side by side. */
function shares(ids) {
  const number = Math.ceil(ids.length / SHEET);
  const size = Math.ceil(ids.length / number);
  return Array.from({ length: number }, (_, at) => ids.slice(at * size, (at + 1) * size));
}

function ask(ids, sizePx) {
  const keys = ids.map((id) => `${id} ${sizePx}`);
  const coming = fetchSheet(ids, sizePx)
    .catch(() => {}) // the banner says that nothing answers
    .finally(() => keys.forEach((key) => asked.delete(key)));
  for (const key of keys) asked.set(key, coming);
  return coming;
}

async function fetchSheet(ids, sizePx) {
  const address = `/api/v1/thumbnails?size=${sizePx}&columns=${COLUMNS}&ids=${ids.join()}`;
  const whole = `${address}&whole=true`;
  const direct = await decoded(whole).catch(() => null);
  if (direct) return add(ids, sizePx, { image: direct, url: whole });
  // Some are missing, which only a header says; or nothing answers.
  const answer = await fetch(address);
  if (!answer.ok) return;
  const missing = new Set((answer.headers.get("Missing") ?? "").split(",").filter(Boolean).map(Number));
  const url = URL.createObjectURL(await answer.blob());
  const image = await decoded(url).catch((error) => {
    URL.revokeObjectURL(url);
    throw error;
  });
  add(ids, sizePx, { image, url }, missing);
}

/** An image that is ready to be drawn: while it lives, the browser keeps what it decoded. */
async function decoded(url) {
  const image = Object.assign(new Image(), { fetchPriority: "high", src: url });
  await image.decode();
  return image;
}

function add(ids, sizePx, { image, url }, missing = new Set()) {
  const sheet = { image, url, className: `sheet-${++made}`, width: image.naturalWidth, height: image.naturalHeight, ids };
  rules.insertRule(`.${sheet.className} { background-image: url("${url}") }`, sheets.length);
  ids.forEach((id, at) => {
    const [top, left] = [Math.floor(at / COLUMNS) * sizePx, (at % COLUMNS) * sizePx];
    cells.set(id, { sheet, left, top, px: sizePx, isMissing: missing.has(at) });
  });
  sheets.push(sheet);
  pixels += sheet.width * sheet.height;
  while (pixels > MOST_PIXELS && sheets.length > 1) forget(sheets.shift());
}

function forget(sheet) {
  rules.deleteRule(0);
  pixels -= sheet.width * sheet.height;
  for (const id of sheet.ids) if (cells.get(id)?.sheet === sheet) cells.delete(id);
  URL.revokeObjectURL(sheet.url);
}
