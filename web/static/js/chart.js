// Stacked bars as SVG: one bar a window, one colour a taxon.
const SVG = "http://www.w3.org/2000/svg";
const MARGIN = { top: 8, right: 4, bottom: 24, left: 44 };
const TICKS = 4;
const WIDEST_PX = 56;
const LABEL_PX = 72;

/**
 * Draw counts.
 * @param {HTMLElement} element filled with the chart
 * @param {{label: string, title: string, parts: {colour: string, name: string, count: number}[]}[]} bars
 * @param {string} name what a screen reader calls it
 */
export function drawBars(element, bars, name = "Counts per window and taxon") {
  const { clientWidth: width, clientHeight: height } = element;
  const plot = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": name });
  const step = niceStep(Math.max(1, ...bars.map(total)) / TICKS);
  const top = step * Math.ceil(Math.max(1, ...bars.map(total)) / step);
  const y = (count) => MARGIN.top + plot.height * (1 - count / top);
  for (let tick = 0; tick <= top; tick += step) {
    svg.append(
      node("line", { class: "rule", x1: MARGIN.left, x2: width - MARGIN.right, y1: y(tick), y2: y(tick) }),
      node("text", { x: MARGIN.left - 8, y: y(tick) + 4, "text-anchor": "end" }, String(tick)),
    );
  }
  const pitch = Math.min(WIDEST_PX, plot.width / Math.max(1, bars.length));
  bars.forEach((bar, index) => svg.append(drawBar(bar, MARGIN.left + index * pitch, pitch, y)));
  svg.append(...axis(bars, pitch, { width, height }));
  element.replaceChildren(svg);
}

function drawBar(bar, x, pitch, y) {
  const group = node("g", {}, node("title", {}, bar.title));
  let below = 0;
  for (const { colour, count } of bar.parts) {
    const height = y(below) - y(below + count);
    group.append(node("rect", { class: colour, x: x + 1, y: y(below + count), width: Math.max(1, pitch - 3), height }));
    below += count;
  }
  return group;
}

// As many labels as have room, none cut off at the end.
function axis(bars, pitch, { width, height }) {
  const every = Math.ceil(LABEL_PX / pitch);
  return bars
    .map((bar, index) => [bar, index])
    .filter(([, index]) => index % every === 0 && MARGIN.left + index * pitch + LABEL_PX <= width)
    .map(([bar, index]) => node("text", { x: MARGIN.left + index * pitch + 1, y: height - 7 }, bar.label));
}

const total = (bar) => bar.parts.reduce((sum, part) => sum + part.count, 0);

/** The smallest of 1, 2, 5, 10, 20, 50 … that is at least this. */
export function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, least)));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least);
}

/** An SVG element. */
export function node(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
