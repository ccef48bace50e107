// A session that ended while somebody works: they log in over the page, and it goes on.
import { asking } from "./account.js";
import { ask } from "./api.js";
import { make } from "./dom.js";

let waiting = null; // all requests that were refused wait for one login

/** Ask for the password; settled when the same person is logged in again. */
export function logInAgain() {
  waiting ??= open().finally(() => {
    waiting = null;
  });
  return waiting;
}

function open() {
  const { name } = asking();
  const password = make("input", { type: "password", required: true, autocomplete: "current-password" });
  const wrong = make("p", { className: "wrong", hidden: true });
  wrong.setAttribute("role", "alert");
  const next = encodeURIComponent(location.pathname + location.search);
  const form = make(
    "form",
    { className: "entry" },
    make("h1", { textContent: "You are logged out", id: "relogin-title" }),
    make("p", { className: "note", textContent: "Nothing is lost: what you selected is still here. Log in, and what you did last is sent again." }),
    make("input", { type: "hidden", value: name, autocomplete: "username" }),
    make("label", {}, `Password of ${name}`, password),
    wrong,
    make("button", { type: "submit", className: "primary", textContent: "Log in" }),
    make("a", { href: `/login?next=${next}`, textContent: "Log in as somebody else" }),
  );
  const dialog = make("dialog", { id: "relogin" }, form);
  dialog.setAttribute("aria-labelledby", "relogin-title");
  const show = () => {
    dialog.showModal();
    password.focus();
  };
  // Without a session the page shows nothing new: there is nothing to go back to. Browsers close a
  // dialog that is asked to close twice, whatever it says: then it opens again.
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => dialog.isConnected && show());
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
  });
  document.body.append(dialog);
  show();
  return new Promise((resolve) => {
    const done = () => {
      window.removeEventListener("focus", look);
      dialog.remove();
      resolve();
    };
    // They, or somebody else, may have logged in in another tab.
    const look = async () => {
      const person = await ask("session", { again: false }).catch(() => null);
      if (person?.name === name) done();
      else if (person) location.reload();
    };
    window.addEventListener("focus", look);
    look();
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      wrong.hidden = true;
      try {
        await ask("session", { method: "POST", body: { name, password: password.value }, again: false });
        done();
      } catch (error) {
        wrong.textContent = error.message;
        wrong.hidden = false;
        password.select();
      }
    });
  });
}
