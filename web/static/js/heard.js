// What images were heard to be called last, also those that are not shown: a page that was asked for
// before a change may come after it.

const MOST = 10_000; // as many as one action names
const heard = new Map();

/** Remember changes, `label_version` among them. */
export function hear(changes) {
  for (const change of changes) {
    if (heard.get(change.image_id)?.label_version > change.label_version) continue;
    heard.delete(change.image_id); // the last heard is forgotten last
    heard.set(change.image_id, change);
  }
  for (const id of [...heard.keys()].slice(0, Math.max(0, heard.size - MOST))) heard.delete(id);
}

/** All changes that are remembered. */
export const allHeard = () => heard.values();

/** An image as it is called by the last that was heard of it. */
export function newest(image) {
  const change = heard.get(image.image_id);
  return change && change.label_version > image.label_version ? { ...image, ...change } : image;
}
