// Where an image lies in its frame: the boxes in proportion; the frame's own pixels are not kept.
import { node } from "./chart.js";

const WIDEST_PX = 420;
const TALLEST_PX = 260;

/**
 * @param {object} frame as the API gives it
 * @param {string} imageId the image in question
 * @returns {SVGElement|null} null where a size or a box is unknown
 */
export function drawFrame(frame, imageId) {
  const boxed = frame.images.filter((image) => image.box);
  if (!boxed.some((image) => image.image_id === imageId)) return null;
  // An instrument that cuts for itself does not say how large its frame is: as large as needed.
  const width = frame.width_px ?? Math.max(...boxed.map(({ box: [x, , w] }) => x + w));
  const height = frame.height_px ?? Math.max(...boxed.map(({ box: [, y, , h] }) => y + h));
  const scale = Math.min(WIDEST_PX / width, TALLEST_PX / height);
  const svg = node("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width: Math.round(width * scale),
    height: Math.round(height * scale),
    role: "group",
    "aria-label": `Frame of ${width} by ${height} pixels with ${boxed.length} images`,
  });
  // Small boxes last, or they could not be clicked.
  const ordered = boxed.toSorted((a, b) => b.box[2] * b.box[3] - a.box[2] * a.box[3]);
  svg.append(...ordered.map((image) => drawBox(image, image.image_id === imageId)));
  return svg;
}

function drawBox(image, isHere) {
  const [x, y, width, height] = image.box;
  const name = image.taxon ?? "unlabelled";
  const about = `${name}, ${width} × ${height} px at ${x}, ${y}`;
  const rect = node("rect", { x, y, width, height, "pointer-events": "all" });
  const title = node("title", {}, isHere ? `this image: ${about}` : about);
  if (isHere) return node("g", { class: "here" }, title, rect);
  return node("a", { href: `/images/${image.image_id}`, "aria-label": about }, title, rect);
}
