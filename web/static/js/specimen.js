// The query specimen: large, with what is known about it and every name that it was given.
import { mayTakeBack } from "./account.js";
import { ask, pictureUrl } from "./api.js";
import { objections } from "./dispute.js";
import { make } from "./dom.js";
import * as format from "./format.js";

/**
 * Show an indexed image.
 * @param {HTMLElement} element
 * @param {object} image with its history
 * @param {(labelId: string) => void} onRetract
 */
export function showSpecimen(element, image, onRetract) {
  const history = image.history.toReversed().map((label) => historyRow(label, onRetract));
  element.replaceChildren(
    make("img", { src: pictureUrl(image.image_id, 640), alt: `Image ${image.image_id}` }),
    make("h2", { textContent: image.taxon ? `${image.taxon} · ${image.state}` : "unlabelled" }),
    make("p", { className: "id" }, make("a", { href: `/images/${image.image_id}`, textContent: image.image_id, title: "All about this image" })),
    facts(image),
    make("h2", { textContent: "Label history" }),
    history.length ? make("ol", { className: "history" }, ...history) : make("p", { textContent: "No label yet." }),
    ...objections(image, async () => showSpecimen(element, await ask(`images/${image.image_id}`), onRetract)),
  );
  element.hidden = false;
}

/** Show a file that was uploaded to search with; it is not kept. */
export function showUpload(element, file) {
  const address = URL.createObjectURL(file);
  const picture = make("img", { src: address, alt: "Uploaded picture" });
  picture.addEventListener("load", () => URL.revokeObjectURL(address));
  picture.addEventListener("error", () => picture.remove()); // TIFF: browsers don't show it
  element.replaceChildren(picture, make("h2", { textContent: file.name }), make("p", { textContent: "Searched with, not kept." }));
  element.hidden = false;
}

/** The equivalent spherical diameter, in µm where the pixel size is known. */
function diameter(measurements) {
  if (!measurements) return null;
  const { esd_px: px, esd_um: um } = measurements;
  return um === null ? `${px.toFixed(1)} px (ESD)` : `${um.toFixed(0)} µm (ESD)`;
}

function facts(image) {
  const scale = image.pixel_size_um;
  const size = `${image.width_px} × ${image.height_px} px`;
  const rows = [
    ["camera", image.camera],
    ["sample", image.sample],
    ["captured", format.time(image.captured_at)],
    ["indexed", format.time(image.indexed_at)],
    ["depth", image.depth_m === null ? null : `${image.depth_m.toFixed(1)} m`],
    ["position", image.latitude === null ? null : `${image.latitude.toFixed(4)}, ${image.longitude?.toFixed(4)}`],
    ["size", scale ? `${size}, ${Math.round(image.width_px * scale)} × ${Math.round(image.height_px * scale)} µm` : size],
    ["diameter", diameter(image.measurements)],
    ["frame", image.frame_key],
    ["encoder", image.encoder],
  ];
  const list = make("dl", { className: "facts" });
  for (const [name, value] of rows) {
    if (value) list.append(make("dt", { textContent: name }), make("dd", { textContent: value }));
  }
  const link = make("a", { href: `/api/v1/images/${image.image_id}/content`, textContent: "original", target: "_blank" });
  list.append(make("dt", { textContent: "file" }), make("dd", {}, link, ` ${Math.ceil(image.byte_size / 1024)} kB`));
  return list;
}

/** A line of the label history, with a button to take it back. */
export function historyRow(label, onRetract) {
  const gone = label.retracted_at;
  const when = gone ? `taken back ${format.time(gone)} by ${label.retracted_by}` : `${label.who}, ${format.time(label.at)}`;
  const row = make(
    "li",
    { className: gone ? "retracted" : "" },
    make("b", { textContent: `${label.taxon} · ${label.state}` }),
    make("small", { textContent: label.why ? `${when}: ${label.why}` : when }),
  );
  if (!gone && mayTakeBack(label.who)) {
    const button = make("button", { type: "button", className: "quiet", textContent: "Take back" });
    button.addEventListener("click", () => onRetract(label.label_id));
    row.append(button);
  }
  return row;
}
