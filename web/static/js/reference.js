// Images of known truth, handed out among others to measure people with.
import { may } from "./account.js";
import { change } from "./api.js";
import { make } from "./dom.js";
import { toast } from "./toast.js";

/** A button that makes a validated image a reference, for those who may; else nothing. */
export function referenceButton(image) {
  if (image.state !== "validated" || !may("reviewer")) return [];
  const button = make("button", {
    type: "button",
    className: "quiet",
    textContent: "Use as reference",
    title: `For sure ${image.taxon}: hand it out, unnoticed, among second opinions`,
  });
  button.addEventListener("click", () => use(image));
  return [button];
}

async function use({ image_id, taxon }) {
  try {
    await change("references", { method: "POST", body: { image_ids: [image_id], taxon } });
    toast(`A reference now, for ${taxon}`, { action: "Undo", onAction: () => forget(image_id) });
  } catch (error) {
    toast(`Not done. ${error.message}`, { bad: true });
  }
}

async function forget(imageId) {
  try {
    await change(`references/${imageId}`, { method: "DELETE" });
    toast("An ordinary image again");
  } catch (error) {
    toast(`Not done. ${error.message}`, { bad: true });
  }
}
