// Who is asking, as the page was made for them; the server decides anew with every request.
import { byId } from "./dom.js";

const ROLES = ["viewer", "labeller", "reviewer", "admin"];
const CSRF_COOKIE = "plankton_csrf";

/** Whoever this page was made for: name and role. */
export function asking() {
  const { person, role } = document.body.dataset;
  return { name: person ?? "", role: role ?? ROLES[0] };
}

/** Whether they have a role, or one above it. */
export const may = (role) => ROLES.indexOf(asking().role) >= ROLES.indexOf(role);

/** Why they may not name images; empty if they may. */
export function whyNotLabel() {
  return may("labeller") ? "" : `You are a ${asking().role}: naming images takes a labeller.`;
}

/** Whether they may take back what somebody gave. */
export const mayTakeBack = (who) => may("reviewer") || (may("labeller") && who === asking().name);

/** What requests carry that change something: for whom, since a tab stays open when somebody else logs in. */
export function personHeaders() {
  const { name } = asking();
  return name ? { "Plankton-Person": encodeURIComponent(name) } : {};
}

/** What they carry so that no other site can send them. */
export function csrfHeaders() {
  const found = document.cookie.split("; ").find((one) => one.startsWith(`${CSRF_COOKIE}=`));
  return found ? { "X-CSRF-Token": found.slice(CSRF_COOKIE.length + 1) } : {};
}

function bindMenu() {
  const menu = byId("account");
  document.addEventListener("click", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  });
  // Somebody may have logged in again since this page was made.
  byId("logout")?.addEventListener("submit", (event) => {
    event.target.elements.csrf_token.value = csrfHeaders()["X-CSRF-Token"] ?? "";
  });
}

if (byId("account")) bindMenu();
