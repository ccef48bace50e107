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

/** Replace the options of a select after its first, unless they are there already. */
export function fillSelect(select, values, chosen = select.value) {
  const [first, ...rest] = select.options;
  if (rest.map((option) => option.value).join() !== values.join()) {
    select.replaceChildren(first, ...values.map((value) => make("option", { value, textContent: value })));
  }
  select.value = chosen;
}
