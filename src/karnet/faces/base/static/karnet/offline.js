/* The page that stands in for one that could not be had: asks again, sooner at first, until the server answers. */
(() => {
  "use strict";
  const LONGEST_MS = 10_000;
  let due = 0;
  let wait = 1000;
  const again = async () => {
    clearTimeout(due);
    try {
      const answer = await fetch("/offline", { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (answer.status < 500) return location.reload();
    } catch {
      /* still away */
    }
    /* Not all tills at once when the server is back. */
    due = setTimeout(again, wait * (0.75 + Math.random() / 2));
    wait = Math.min(LONGEST_MS, wait * 1.5);
  };
  document.querySelector("[data-again]").addEventListener("click", again);
  window.addEventListener("online", again);
  due = setTimeout(again, wait);
})();
