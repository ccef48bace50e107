// Repeats a task without overlapping itself, and rests while the page is not looked at.

/**
 * @param {() => Promise<void>} task
 * @param {number} everyMs pause between the end of one run and the start of the next
 * @returns {() => Promise<void>} runs it at once
 */
export function poll(task, everyMs) {
  let timer = 0;
  let isRunning = false;
  async function run() {
    if (isRunning) return;
    clearTimeout(timer);
    isRunning = true;
    if (!document.hidden) await task();
    isRunning = false;
    timer = setTimeout(run, everyMs);
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) run();
  });
  run();
  return run;
}
