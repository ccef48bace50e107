// Draws points into a bitmap, and knows which point lies under each pixel of it.
const MOST_ZOOM = 400;
const LEAST_ZOOM = 0.6;
const MARGIN = 0.06;
const MOST_RATIO = 2; // device pixels per CSS pixel; more can't be told apart
const HIDDEN = 0;

/** A window onto the map, from places to pixels. */
export class MapView {
  #canvas;
  #context;
  #ratio = 1;
  #image = null;
  #pixels = null;
  #hits = null; // row of the point that is drawn at each pixel, -1 where there is none
  #frame = 0;
  #bounds = { left: -1, top: -1, right: 1, bottom: 1 };
  #centre = { x: 0, y: 0 };
  #zoom = 1;
  #scene = null;
  #onDrawn;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {() => void} onDrawn
   */
  constructor(canvas, onDrawn) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#onDrawn = onDrawn;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  get size() {
    return { width: this.#canvas.clientWidth, height: this.#canvas.clientHeight };
  }

  /**
   * What is drawn from now on.
   * @param {import("./mappoints.js").Points} points
   * @param {Uint32Array} colours ABGR of each point; 0 hides it
   * @param {Set<number>} selected rows
   * @param {number} ink ABGR of the rim of selected points
   */
  set scene(scene) {
    this.#scene = scene;
    this.redraw();
  }

  /** Show all points. */
  fit() {
    const { points } = this.#scene ?? {};
    if (points?.length) this.#bounds = boundsOf(points);
    const { left, top, right, bottom } = this.#bounds;
    this.#centre = { x: (left + right) / 2, y: (top + bottom) / 2 };
    this.#zoom = 1;
    this.redraw();
  }

  /** Move the map by CSS pixels. */
  pan(dx, dy) {
    this.#centre = { x: this.#centre.x - dx / this.#scale, y: this.#centre.y - dy / this.#scale };
    this.redraw();
  }

  /** Zoom; what lies at a place of the screen stays there. */
  zoom(factor, x = this.size.width / 2, y = this.size.height / 2) {
    const held = this.toMap(x, y);
    this.#zoom = Math.min(Math.max(this.#zoom * factor, LEAST_ZOOM), MOST_ZOOM);
    const moved = this.toScreen(held.x, held.y);
    this.pan(x - moved.x, y - moved.y);
  }

  /** CSS pixels of a place on the map. */
  toScreen(x, y) {
    const { width, height } = this.size;
    return { x: (x - this.#centre.x) * this.#scale + width / 2, y: (y - this.#centre.y) * this.#scale + height / 2 };
  }

  toMap(x, y) {
    const { width, height } = this.size;
    return { x: (x - width / 2) / this.#scale + this.#centre.x, y: (y - height / 2) / this.#scale + this.#centre.y };
  }

  /** The row of the point nearest to a place of the screen, -1 if none is close by. */
  at(x, y, reach = 6) {
    const [width, height] = [this.#canvas.width, this.#canvas.height];
    const [cx, cy, most] = [x * this.#ratio, y * this.#ratio, reach * this.#ratio].map(Math.round);
    let [found, nearest] = [-1, Infinity];
    for (let py = Math.max(0, cy - most); py <= Math.min(height - 1, cy + most); py += 1) {
      for (let px = Math.max(0, cx - most); px <= Math.min(width - 1, cx + most); px += 1) {
        const row = this.#hits[py * width + px];
        const away = (px - cx) ** 2 + (py - cy) ** 2;
        if (row >= 0 && away < nearest) [found, nearest] = [row, away];
      }
    }
    return found;
  }

  redraw() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#draw());
  }

  get #scale() {
    const { left, top, right, bottom } = this.#bounds;
    const { width, height } = this.size;
    const room = 1 - 2 * MARGIN;
    return Math.max(1e-9, Math.min((width * room) / (right - left), (height * room) / (bottom - top)) * this.#zoom);
  }

  #resize() {
    this.#ratio = Math.min(MOST_RATIO, window.devicePixelRatio || 1);
    this.#canvas.width = Math.max(1, Math.round(this.size.width * this.#ratio));
    this.#canvas.height = Math.max(1, Math.round(this.size.height * this.#ratio));
    this.#image = this.#context.createImageData(this.#canvas.width, this.#canvas.height);
    this.#pixels = new Uint32Array(this.#image.data.buffer);
    this.#hits = new Int32Array(this.#pixels.length);
    this.redraw();
  }

  #draw() {
    this.#frame = 0;
    this.#pixels.fill(0);
    this.#hits.fill(-1);
    if (this.#scene) {
      const { selected, colours } = this.#scene;
      const radius = Math.min(4.5, smallest(this.#scene.points.length) + Math.log2(Math.max(1, this.#zoom)) * 0.6) * this.#ratio;
      this.#paint(disc(radius), colours, null);
      if (selected.size) {
        this.#paint(disc(radius + 1.5 * this.#ratio), this.#scene.ink, selected);
        this.#paint(disc(radius), colours, selected);
      }
    }
    this.#context.putImageData(this.#image, 0, 0);
    this.#onDrawn();
  }

  // Straight into memory: a path for each of 100,000 points would take a tenth of a second.
  #paint(offsets, colours, rows) {
    const { points } = this.#scene;
    const [pixels, hits, width, height] = [this.#pixels, this.#hits, this.#canvas.width, this.#canvas.height];
    const scale = this.#scale * this.#ratio;
    const [x0, y0] = [width / 2 - this.#centre.x * scale, height / 2 - this.#centre.y * scale];
    const { x, y } = points;
    const paintOne = (row) => {
      const colour = typeof colours === "number" ? colours : colours[row];
      if (colour === HIDDEN) return;
      const px = Math.round(x[row] * scale + x0);
      const py = Math.round(y[row] * scale + y0);
      if (px < -8 || py < -8 || px > width + 8 || py > height + 8) return;
      for (let index = 0; index < offsets.length; index += 2) {
        const ox = px + offsets[index];
        const oy = py + offsets[index + 1];
        if (ox < 0 || oy < 0 || ox >= width || oy >= height) continue;
        const at = oy * width + ox;
        pixels[at] = colour;
        hits[at] = row;
      }
    };
    if (rows) rows.forEach(paintOne);
    else for (let row = 0; row < points.length; row += 1) paintOne(row);
  }
}

/** Radius of a point when all are shown, CSS pixels: a crowd needs small ones. */
const smallest = (number) => (number < 3_000 ? 2.5 : number < 30_000 ? 1.8 : 1.2);

/** Offsets of the pixels of a disc, x and y in turn. */
function disc(radius) {
  const found = [];
  const reach = Math.ceil(radius);
  for (let dy = -reach; dy <= reach; dy += 1) {
    for (let dx = -reach; dx <= reach; dx += 1) {
      if (dx * dx + dy * dy <= radius * radius + 0.5) found.push(dx, dy);
    }
  }
  return Int8Array.from(found);
}

function boundsOf({ x, y, length }) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let row = 0; row < length; row += 1) {
    if (x[row] < left) left = x[row];
    if (x[row] > right) right = x[row];
    if (y[row] < top) top = y[row];
    if (y[row] > bottom) bottom = y[row];
  }
  const least = 1e-6;
  return { left, top, right: Math.max(right, left + least), bottom: Math.max(bottom, top + least) };
}
