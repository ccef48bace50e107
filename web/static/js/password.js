// Changing one's own password.
import { ask } from "./api.js";
import { byId } from "./dom.js";
import { startHeader } from "./header.js";
import { toast } from "./toast.js";

const form = byId("change");
const wrong = byId("wrong");
const button = form.querySelector("[type=submit]");

function say(text) {
  wrong.textContent = text;
  wrong.hidden = !text;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { old, new: next, again } = form.elements;
  if (next.value !== again.value) return say("The new passwords are not the same.");
  say("");
  button.disabled = true;
  try {
    // Not tried again by itself: if the first one was done, the password now is another.
    await ask("session/password", { method: "POST", body: { old: old.value, new: next.value } });
    form.reset();
    toast("Your password is changed.");
  } catch (error) {
    say(error.message);
  } finally {
    button.disabled = false;
  }
});

button.disabled = false; // until now nothing would have come of it
startHeader();
