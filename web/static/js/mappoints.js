// The images on the map, as columns of numbers: a hundred thousand objects would be slow.
import { ApiError } from "./api.js";
import { allHeard } from "./heard.js";

const ID_BYTES = 26;
const COLUMNS = { x: Float32Array, y: Float32Array, taxon: Uint16Array, predicted: Uint16Array, camera: Uint16Array, version: Uint16Array, state: Uint8Array };
const ascii = new TextDecoder("ascii");

/** All points of one map that match; grows as images are placed. */
export class Points {
  mapId = null;
  newest = null;
  total = 0;
  length = 0;
  states = [];
  taxa = [null]; // code 0 is none
  cameras = [null];
  #ids = new Uint8Array(0);
  #rows = null; // by id, made when it is first needed

  constructor() {
    for (const [name, Type] of Object.entries(COLUMNS)) this[name] = new Type(0);
  }

  /** Points that match a query of the API. */
  static async load(query) {
    const points = new Points();
    points.#append(await fetchPoints(query));
    return points;
  }

  /**
   * Add what was placed since.
   * @returns {Promise<boolean>} false if another map is shown now, so that all must be loaded
   */
  async more(query) {
    if (this.newest === null) return false;
    const answer = await fetchPoints({ ...query, map_id: this.mapId, since: this.newest });
    if (answer.header.map_id !== this.mapId) return false;
    this.#append(answer);
    return true;
  }

  /** The id of a row. */
  id(row) {
    return ascii.decode(this.#ids.subarray(row * ID_BYTES, (row + 1) * ID_BYTES));
  }

  /** The row of an id, undefined if it is not on the map. */
  row(id) {
    if (this.#rows === null) {
      this.#rows = new Map();
      for (let row = 0; row < this.length; row += 1) this.#rows.set(this.id(row), row);
    }
    return this.#rows.get(id);
  }

  /** What a row is called. */
  called(row) {
    return { taxon: this.taxa[this.taxon[row]], predicted: this.taxa[this.predicted[row]], state: this.states[this.state[row]] };
  }

  /**
   * Write a new name, unless it or a newer one is known.
   * @returns {boolean} whether it was written
   */
  rename({ image_id, taxon, state, label_version }) {
    const row = this.row(image_id);
    if (row === undefined || label_version <= this.version[row]) return false;
    this.taxon[row] = this.#code(this.taxa, taxon);
    this.state[row] = this.states.indexOf(state);
    this.version[row] = label_version;
    return true;
  }

  #code(names, name) {
    const known = names.indexOf(name ?? null);
    return known >= 0 ? known : names.push(name) - 1;
  }

  #append({ header, columns }) {
    this.mapId = header.map_id;
    this.states = header.states;
    this.newest = header.newest ?? this.newest;
    const fresh = this.#fresh(header, columns);
    this.total = this.length ? this.total + fresh.length : header.total;
    const codes = {
      taxon: [0, ...header.taxa.map((name) => this.#code(this.taxa, name))],
      camera: [0, ...header.cameras.map((name) => this.#code(this.cameras, name))],
    };
    const [left, top, right, bottom] = header.bounds;
    this.#reserve(this.length + fresh.length);
    for (const row of fresh) {
      const to = this.length++;
      this.x[to] = left + (columns.x[row] / 65535) * (right - left);
      this.y[to] = top + (columns.y[row] / 65535) * (bottom - top);
      this.taxon[to] = codes.taxon[columns.taxon[row]];
      this.predicted[to] = codes.taxon[columns.predicted[row]];
      this.camera[to] = codes.camera[columns.camera[row]];
      this.version[to] = columns.version[row];
      this.state[to] = columns.state[row];
      this.#ids.set(columns.id.subarray(row * ID_BYTES, (row + 1) * ID_BYTES), to * ID_BYTES);
      this.#rows?.set(this.id(to), to);
    }
    if (fresh.length) for (const change of allHeard()) this.rename(change); // told while the answer was on its way
  }

  // An answer may repeat the last ones: it is of a moment or later.
  #fresh(header, columns) {
    const rows = Array.from({ length: header.points }, (_, row) => row);
    if (!this.length) return rows;
    const id = (row) => ascii.decode(columns.id.subarray(row * ID_BYTES, (row + 1) * ID_BYTES));
    return rows.filter((row) => this.row(id(row)) === undefined);
  }

  #reserve(length) {
    if (length <= this.x.length) return;
    const room = this.length ? Math.ceil(length * 1.5) : length;
    for (const [name, Type] of Object.entries(COLUMNS)) {
      const grown = new Type(room);
      grown.set(this[name]);
      this[name] = grown;
    }
    const ids = new Uint8Array(room * ID_BYTES);
    ids.set(this.#ids);
    this.#ids = ids;
  }
}

async function fetchPoints(query) {
  const given = Object.entries(query).filter(([, value]) => value !== "" && value != null);
  let response;
  try {
    response = await fetch(`/api/v1/map/points?${new URLSearchParams(given)}`, { signal: AbortSignal.timeout(60_000) });
  } catch {
    throw new ApiError(0, "The server does not answer.");
  }
  if (!response.ok) throw new ApiError(response.status, (await response.json().catch(() => null))?.detail ?? response.statusText);
  return decode(await response.arrayBuffer());
}

/** The binary form that web/mapping.py describes. */
function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const at = (name) => 4 + length + header.columns[name];
  const columns = {};
  for (const name of ["x", "y", "taxon", "predicted", "camera", "version"]) columns[name] = new Uint16Array(buffer, at(name), header.points);
  columns.state = new Uint8Array(buffer, at("state"), header.points);
  columns.id = new Uint8Array(buffer, at("id"), header.points * ID_BYTES);
  return { header, columns };
}
