// Moving over the map and drawing around points: by mouse a lasso or a rectangle, by keyboard a square.
import { byId } from "./dom.js";

const CELL_PX = 48;
const CLICK_PX = 4;
const WHEEL = 1.0015;
const KEY_ZOOM = 1.4;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** How a shape changes the selection. */
export const REPLACE = "replace";
export const ADD = "add";
export const TAKE_OUT = "take out";

/** Turns what mouse and keyboard do on the map into moves and selections. */
export class Shapes {
  #stage = byId("stage");
  #canvas = byId("shapes");
  #view;
  #on;
  #tool = "pan";
  #drag = null;
  #cell = null; // column and row of the keyboard's square, in squares of the screen

  /**
   * @param {import("./mapview.js").MapView} view
   * @param {{onShape: (inside: (x: number, y: number) => boolean, how: string) => void,
   *   onPoint: (x: number, y: number, how: string) => void, onHover: (x: number, y: number) => void,
   *   onLeave: () => void, onCell: (inside: (x: number, y: number) => boolean, how: string|null) => void,
   *   onDensest: () => void}} on
   */
  constructor(view, on) {
    this.#view = view;
    this.#on = on;
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => this.#pressed(event));
    canvas.addEventListener("pointermove", (event) => this.#moved(event));
    canvas.addEventListener("pointerup", (event) => this.#released(event));
    canvas.addEventListener("pointercancel", () => this.#end());
    canvas.addEventListener("pointerleave", () => on.onLeave());
    canvas.addEventListener("wheel", (event) => this.#wheeled(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.draw());
    canvas.addEventListener("focus", () => this.draw());
    for (const button of this.#tools) button.addEventListener("click", () => (this.tool = button.dataset.tool));
  }

  get #tools() {
    return document.querySelectorAll("[data-tool]:not(#stage)");
  }

  /** What dragging does: pan, lasso or box. */
  set tool(name) {
    this.#tool = name;
    this.#stage.dataset.tool = name;
    for (const button of this.#tools) button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }

  /** Put the keyboard's square on a place of the screen. */
  goTo(x, y) {
    this.#cell = { column: Math.floor(x / CELL_PX), row: Math.floor(y / CELL_PX) };
    this.#tellCell(null);
  }

  /** Column and row of the square that a place of the screen lies in. */
  static square(x, y) {
    return [Math.floor(x / CELL_PX), Math.floor(y / CELL_PX)];
  }

  /** Draw the shape that is being made, and the keyboard's square. */
  draw() {
    const canvas = this.#canvas;
    const ratio = window.devicePixelRatio || 1;
    const { width, height } = this.#view.size;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(document.documentElement);
    pen.strokeStyle = style.getPropertyValue("--accent");
    pen.fillStyle = style.getPropertyValue("--accent-wash");
    pen.lineWidth = 1.5;
    if (this.#drag?.path) {
      const path = new Path2D();
      this.#drag.path.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
      path.closePath();
      pen.globalAlpha = 0.35;
      pen.fill(path);
      pen.globalAlpha = 1;
      pen.stroke(path);
    }
    if (this.#cell && document.activeElement === canvas) {
      pen.lineWidth = 2;
      pen.strokeRect(this.#cell.column * CELL_PX + 1, this.#cell.row * CELL_PX + 1, CELL_PX - 2, CELL_PX - 2);
    }
  }

  // -- mouse -------------------------------------------------------------------------------------

  #pressed(event) {
    if (event.button > 1) return;
    const start = [event.offsetX, event.offsetY];
    const tool = event.button === 1 ? "pan" : event.shiftKey && this.#tool === "pan" ? "lasso" : this.#tool;
    this.#drag = { tool, start, last: start, path: tool === "pan" ? null : [start], isClick: true };
    this.#canvas.setPointerCapture(event.pointerId);
    this.#on.onLeave();
  }

  #moved(event) {
    const drag = this.#drag;
    const here = [event.offsetX, event.offsetY];
    if (!drag) return this.#on.onHover(...here);
    if (Math.hypot(here[0] - drag.start[0], here[1] - drag.start[1]) > CLICK_PX) drag.isClick = false;
    if (drag.tool === "pan") {
      if (!drag.isClick) {
        this.#stage.classList.add("dragging");
        this.#view.pan(here[0] - drag.last[0], here[1] - drag.last[1]);
      }
    } else {
      const [x, y] = drag.start;
      drag.path = drag.tool === "box" ? [[x, y], [here[0], y], here, [x, here[1]]] : [...drag.path, here];
      this.draw();
    }
    if (!drag.isClick) drag.last = here;
    return undefined;
  }

  #released(event) {
    const drag = this.#drag;
    this.#end();
    if (!drag) return;
    const how = event.ctrlKey || event.metaKey ? ADD : event.altKey ? TAKE_OUT : REPLACE;
    if (drag.isClick) this.#on.onPoint(...drag.start, how);
    else if (drag.path) this.#on.onShape(insideOf(drag.path.map(([x, y]) => this.#view.toMap(x, y))), how);
  }

  #end() {
    this.#drag = null;
    this.#stage.classList.remove("dragging");
    this.draw();
  }

  #wheeled(event) {
    event.preventDefault();
    this.#view.zoom(WHEEL ** -event.deltaY, event.offsetX, event.offsetY);
  }

  // -- keyboard ----------------------------------------------------------------------------------

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && event.shiftKey) this.#view.pan(-arrow[0] * CELL_PX, -arrow[1] * CELL_PX);
    else if (arrow) this.#step(arrow);
    else if (event.key === " ") this.#tellCell("toggle");
    else if (event.key === "Enter") byId("grid").focus();
    else if (event.key === "+" || event.key === "=") this.#view.zoom(KEY_ZOOM, ...this.#middle());
    else if (event.key === "-") this.#view.zoom(1 / KEY_ZOOM, ...this.#middle());
    else if (event.key === "0") this.#view.fit();
    else if (event.key.toLowerCase() === "d") this.#on.onDensest();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #step([columns, rows]) {
    const { width, height } = this.#view.size;
    const cell = this.#cell ?? { column: Math.floor(width / 2 / CELL_PX) - columns, row: Math.floor(height / 2 / CELL_PX) - rows };
    const clamp = (value, most) => Math.min(Math.max(value, 0), Math.ceil(most / CELL_PX) - 1);
    this.#cell = { column: clamp(cell.column + columns, width), row: clamp(cell.row + rows, height) };
    this.#tellCell(null);
  }

  #middle() {
    const { width, height } = this.#view.size;
    return this.#cell ? [(this.#cell.column + 0.5) * CELL_PX, (this.#cell.row + 0.5) * CELL_PX] : [width / 2, height / 2];
  }

  #tellCell(how) {
    if (!this.#cell) this.#step([0, 0]);
    this.draw();
    const [left, top] = [this.#cell.column * CELL_PX, this.#cell.row * CELL_PX];
    const [from, to] = [this.#view.toMap(left, top), this.#view.toMap(left + CELL_PX, top + CELL_PX)];
    this.#on.onCell((x, y) => x >= from.x && x < to.x && y >= from.y && y < to.y, how);
  }
}

/** Whether a place lies inside of a polygon: even-odd rule, edges crossed by a ray to the right. */
function insideOf(corners) {
  const xs = corners.map(({ x }) => x);
  const ys = corners.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  return (x, y) => {
    if (x < left || x > right || y < top || y > bottom) return false;
    let inside = false;
    for (let one = 0, before = xs.length - 1; one < xs.length; before = one, one += 1) {
      const crosses = ys[one] > y !== ys[before] > y;
      if (crosses && x < ((xs[before] - xs[one]) * (y - ys[one])) / (ys[before] - ys[one]) + xs[one]) inside = !inside;
    }
    return inside;
  };
}
