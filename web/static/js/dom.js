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

/** A button like the one of a desk that is empty and hidden by now. */
export function undoButton(undo) {
  const button = make("button", { type: "button" }, "Undo ", make("kbd", { textContent: "U" }));
  button.addEventListener("click", undo);
  return button;
}

/**
 * Replace the options of a select after its first, unless they are there already.
 * @param {HTMLSelectElement} select
 * @param {string[]} values
 * @param {string} chosen
 * @param {(value: string) => string} said what a person reads
 */
export function fillSelect(select, values, chosen = select.value, said = (value) => value) {
  const [first, ...rest] = select.options;
  const texts = values.map(said);
  if (rest.map((option) => option.textContent).join() !== texts.join()) {
    select.replaceChildren(first, ...values.map((value, at) => make("option", { value, textContent: texts[at] })));
  }
  select.value = chosen;
}
