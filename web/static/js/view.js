// What the bench shows, kept in the page's address so that Back, reload and links work.

const FILTERS = ["camera", "state", "taxon"];
const DEFAULTS = { k: "100", metric: "cosine" };
const MORE = ["queue", "grow"];

/** The view in the address: filters, `like`, the image whose neighbours are shown, and `queue`
 * or `grow`, what is worked through. */
export function readView() {
  const given = new URLSearchParams(location.search);
  const view = { like: given.get("like"), ...DEFAULTS };
  for (const name of [...FILTERS, ...MORE, "k", "metric"]) view[name] = given.get(name) ?? view[name] ?? "";
  return view;
}

/** Write a view into the address; as a step that Back undoes, unless only filters change. */
export function writeView(view, { step }) {
  const given = Object.entries(view).filter(([name, value]) => value && value !== DEFAULTS[name]);
  const address = given.length ? `?${new URLSearchParams(given)}` : location.pathname;
  history[step ? "pushState" : "replaceState"](null, "", address);
}

/** The filters of a view, as the API takes them. */
export function filters(view) {
  return Object.fromEntries(FILTERS.map((name) => [name, view[name]]));
}
