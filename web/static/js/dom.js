// Elements without markup strings: text stays text, whatever it contains.

/** The element with an id. */
export const byId = (id) => document.getElementById(id);

/**
 * Make an element.
 * @param {string} name tag
 * @param {object} properties set as properties (`className`, `textContent`, …)
 * @param {...(Node|string)} children
 */
export function make(name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Replace the options of a select after its first, keeping what is chosen. */
export function fillSelect(select, entries) {
  const chosen = select.value;
  const options = entries.map(([value, text]) => make("option", { value, textContent: text }));
  select.replaceChildren(select.options[0], ...options);
  select.value = chosen;
}
