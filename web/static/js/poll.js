// Repeats a task without overlapping itself, and rests while the page is not looked at.

/**
 * @param {() => Promise<void>} task
 * @param {number} everyMs pause between the end of one run and the start of the next
 */
export function poll(task, everyMs) {
  let timer = 0;
  async function run() {
    clearTimeout(timer);
    if (!document.hidden) await task();
    timer = setTimeout(run, everyMs);
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) run();
  });
  run();
}
