// A file to search with: chosen, or dropped.
import { byId } from "./dom.js";

/** @param {(file: File|undefined) => void} onFile */
export function bindUpload(onFile) {
  const drop = byId("drop");
  byId("upload").addEventListener("change", (event) => {
    onFile(event.target.files[0]);
    event.target.value = "";
  });
  for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", isOver);
      if (name === "drop") onFile(event.dataTransfer.files[0]);
    });
  }
}
