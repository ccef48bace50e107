// Who can log in: add people, change roles and passwords, disable.
import { asking } from "./account.js";
import { ask, change } from "./api.js";
import { byId, make } from "./dom.js";
import * as format from "./format.js";
import { startHeader } from "./header.js";
import { sure } from "./sure.js";
import { toast } from "./toast.js";

const ROLES = ["viewer", "labeller", "reviewer", "admin"];
const roles = new Map(); // chosen and not saved yet, by name: kept when the table is made anew
const HEADINGS = ["name", "role", "last seen", "since", "change"];

async function load() {
  try {
    const { people } = await ask("people");
    byId("empty").hidden = people.length > 0;
    byId("table").hidden = people.length === 0;
    const head = make("tr", {}, ...HEADINGS.map((text) => make("th", { textContent: text, scope: "col" })));
    byId("table").replaceChildren(make("table", {}, make("thead", {}, head), make("tbody", {}, ...people.map(row))));
  } catch (error) {
    toast(error.message, { bad: true });
  }
}

const rowId = ({ name }) => `person-${name}`;

function row(person) {
  const gone = person.disabled_at !== null;
  const name = make("a", { href: `/people/${encodeURIComponent(person.name)}`, textContent: person.name });
  const since = gone ? `disabled ${format.time(person.disabled_at)}` : format.time(person.created_at);
  return make(
    "tr",
    { className: gone ? "gone" : "", id: rowId(person) },
    make("td", {}, name, person.name === asking().name ? " (you)" : ""),
    make("td", {}, ...roleBox(person)),
    make("td", { textContent: person.seen_at ? format.time(person.seen_at) : "–" }),
    make("td", { textContent: since }),
    make("td", {}, button(person, "New password", () => openReset(person)), disableButton(person, gone)),
  );
}

/** A role is chosen, then saved: arrow keys go through all that there are. */
function roleBox(person) {
  const box = make("select", {}, ...ROLES.map((role) => make("option", { value: role, textContent: role })));
  box.value = roles.get(person.name) ?? person.role;
  box.setAttribute("aria-label", `Role of ${person.name}`);
  const done = button(person, "Save", () => saveRole(person, box.value));
  const show = () => (done.hidden = box.value === person.role);
  show();
  box.addEventListener("change", () => {
    roles.set(person.name, box.value);
    show();
  });
  return [box, done];
}

async function saveRole(person, role) {
  const isSelf = person.name === asking().name;
  const isLess = ROLES.indexOf(role) < ROLES.indexOf(person.role);
  const question = [`Become ${article(role)}?`, "This is you: what takes more you can't do any more, and only another admin gives it back.", "Become one"];
  if (isSelf && isLess && !(await sure(...question))) return;
  roles.delete(person.name);
  const isSaved = await save(person, { role }, `${person.name} is ${article(role)} now`, "select");
  if (isSelf && isSaved) location.reload(); // this page may be no longer theirs
}

const article = (role) => (role === "admin" ? "an admin" : `a ${role}`);

function button(person, text, onClick) {
  const made = make("button", { type: "button", textContent: text });
  made.setAttribute("aria-label", `${text}: ${person.name}`);
  made.addEventListener("click", onClick);
  return made;
}

function disableButton(person, gone) {
  const done = gone ? `${person.name} can log in again` : `${person.name} can't log in any more`;
  return button(person, gone ? "Let in again" : "Disable", () => save(person, { disabled: !gone }, done, "td:last-child > button:last-child"));
}

/** Save, and give the keyboard back to the control that a selector names in the person's row. */
async function save(person, body, done, control) {
  let isSaved = true;
  try {
    await change(`people/${encodeURIComponent(person.name)}`, { method: "PATCH", body });
    toast(done);
  } catch (error) {
    toast(error.message, { bad: true });
    isSaved = false;
  }
  await load();
  byId(rowId(person))?.querySelector(control)?.focus();
  return isSaved;
}

function openReset(person) {
  const dialog = byId("reset");
  byId("reset-title").textContent = `New password for ${person.name}`;
  open(dialog, async ({ password }) => {
    await change(`people/${encodeURIComponent(person.name)}`, { method: "PATCH", body: { password } });
    return `${person.name} has a new password`;
  });
}

/** Show a dialog; what its form holds goes to `send`, which gives the words for success. */
function open(dialog, send) {
  const form = dialog.querySelector("form");
  const wrong = dialog.querySelector(".wrong");
  form.reset();
  wrong.hidden = true;
  form.onsubmit = async (event) => {
    event.preventDefault();
    try {
      toast(await send(Object.fromEntries(new FormData(form))));
      dialog.close();
      await load();
    } catch (error) {
      wrong.textContent = error.message;
      wrong.hidden = false;
    }
  };
  dialog.querySelector(".cancel").onclick = () => dialog.close();
  dialog.showModal();
}

byId("add").addEventListener("click", () =>
  open(byId("new"), async (body) => {
    await ask("people", { method: "POST", body });
    return `${body.name} can log in as ${article(body.role)}`;
  }),
);
startHeader();
load();
