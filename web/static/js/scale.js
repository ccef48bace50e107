// How large organisms are drawn: each to fill its tile, or all at one scale, with bars in µm.

const SHARE = 0.9; // of the images that a common scale lets fit whole
const MOST_ENLARGED = 2; // pixels that are larger show nothing more
const BAR_SHARES = [0.3, 0.75]; // of a tile that a bar may take

/** Micrometres of an image's pixel where known, else pixels are the unit. */
const unit = (image, isKnown) => (isKnown ? image.pixel_size_um : 1);

/** Whether every image says how large its pixels are. */
export const isScaled = (images) => images.length > 0 && images.every((image) => image.pixel_size_um);

/**
 * Screen pixels per µm (or per pixel, where some pixel size is unknown) at which most images fit.
 * @param {object[]} images
 * @param {number} tilePx
 */
export function commonScale(images, tilePx) {
  const isKnown = isScaled(images);
  const sizes = images.map((image) => Math.max(image.width_px, image.height_px) * unit(image, isKnown)).toSorted((a, b) => a - b);
  const fits = sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * SHARE))] ?? 1;
  const enlarged = isKnown ? Infinity : MOST_ENLARGED;
  return { perUnit: Math.min(enlarged, tilePx / fits), isKnown };
}

/**
 * Screen pixels per pixel of an image.
 * @param {object} image
 * @param {number} tilePx
 * @param {{perUnit: number, isKnown: boolean}|null} common null: each fills its tile
 */
export function scaleOf(image, tilePx, common) {
  const whole = tilePx / Math.max(image.width_px, image.height_px);
  if (!common) return Math.min(whole, MOST_ENLARGED);
  return Math.min(whole, common.perUnit * unit(image, common.isKnown)); // a giant is shrunk to fit
}

/**
 * A bar of a round length.
 * @param {number} perUm screen pixels per µm
 * @param {number} tilePx
 * @returns {{px: number, text: string}|null} null where nothing round fits
 */
export function bar(perUm, tilePx) {
  const most = (tilePx * BAR_SHARES[1]) / perUm;
  const power = 10 ** Math.floor(Math.log10(most));
  const um = [5, 2, 1].map((step) => step * power).find((length) => length <= most);
  if (!um || um * perUm < tilePx * BAR_SHARES[0] * 0.6) return null;
  return { px: um * perUm, text: um >= 1000 ? `${um / 1000} mm` : `${Number(um.toPrecision(1))} µm` };
}
