// A question over the page.

/**
 * Show a dialog that is closed by one of its form's buttons.
 * @param {HTMLDialogElement} dialog is removed when it is answered
 * @param {HTMLElement} title its heading, with an id
 * @returns {Promise<string>} the value of the button; "" after Escape
 */
export function answerTo(dialog, title) {
  dialog.setAttribute("aria-labelledby", title.id);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}
