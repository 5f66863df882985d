/* The gate display: asks for news, shows scenes, goes back to rest, sounds, reads cards, says when it is cut off.
   Words come from the server. Seconds are those of people at the gate, whatever the server's clock. */
(() => {
  "use strict";
  const display = document.querySelector("[data-display]");
  if (!display) return;
  const scene = display.querySelector("[data-scene]");
  const own = document.body.classList.contains("display-page");
  // What its own reader read is answered at once; only turns of the gate are news then.
  const EVERY_MS = display.dataset.scan ? 1500 : 700;
  const LONGEST_MS = 5000;
  const PATIENCE_MS = 4000;
  const SHOWN_MS = { go: 7000, info: 15000, warn: 9000, taken: 3000, back: 5000, stop: 9000, lost: 9000 };

  /* Scenes */
  let mark = display.dataset.mark;
  let rest = 0;
  const show = (html) => {
    const parsed = document.createElement("template");
    parsed.innerHTML = html;
    scene.replaceChildren(parsed.content);
  };
  const still = (name) => scene.replaceChildren(display.querySelector(`template[data-still=${name}]`).content.cloneNode(true));
  // The style sheet knows how many letters a word has, not how wide they are.
  const fit = () => {
    const word = scene.querySelector(".scene-word");
    if (!word) return;
    word.style.fontSize = "";
    for (let size = parseFloat(getComputedStyle(word).fontSize); word.scrollWidth > word.clientWidth && size > 12; ) {
      size *= 0.94;
      word.style.fontSize = `${size}px`;
    }
  };
  new ResizeObserver(fit).observe(display);
  // One place for whatever put the scene there: news, our reader's answer, the simulator's.
  new MutationObserver(() => {
    const shown = scene.querySelector(".scene");
    if (!shown) return;
    const kind = shown.dataset.kind;
    mark = shown.dataset.mark || mark;
    display.dataset.kind = kind;
    fit();
    clearTimeout(rest);
    if (SHOWN_MS[kind]) rest = setTimeout(() => still("idle"), SHOWN_MS[kind]);
    sound(kind);
  }).observe(scene, { childList: true });

  /* News */
  const offline = display.querySelector("[data-offline]");
  let failures = 0;
  const cutOff = (failed) => {
    failures = failed ? failures + 1 : 0;
    offline.hidden = failures < 2 && navigator.onLine;
  };
  const ask = async () => {
    const before = mark;
    const separator = display.dataset.news.includes("?") ? "&" : "?";
    const address = `${display.dataset.news}${separator}mark=${encodeURIComponent(mark)}`;
    const answer = await fetch(address, { signal: AbortSignal.timeout(5000), cache: "no-store", redirect: "manual" });
    if ([401, 403, 404].includes(answer.status)) {
      if (display.dataset.kind !== "unpaired") still("unpaired");
      return LONGEST_MS;
    }
    if (answer.status !== 200 && answer.status !== 204) throw new Error(`${answer.status}`);
    if (answer.headers.get("X-Karnet-Settings") !== display.dataset.settings) return location.reload();
    display.querySelector("[data-clock]").textContent = answer.headers.get("X-Karnet-Clock");
    if (display.dataset.kind === "unpaired") still("idle");
    const told = answer.status === 200 ? await answer.text() : "";
    // A card that was read meanwhile is newer than what was asked for.
    if (told && mark === before) show(told);
    return EVERY_MS;
  };
  let due = 0;
  const again = async () => {
    clearTimeout(due);
    let wait;
    try {
      wait = await ask();
      cutOff(false);
    } catch {
      cutOff(true);
      // Not all displays at once when the server is back.
      wait = Math.min(LONGEST_MS, 350 * 2 ** failures) * (0.75 + Math.random() / 2);
    }
    due = setTimeout(again, wait);
  };
  window.addEventListener("online", again);
  window.addEventListener("offline", () => cutOff(true));
  again();

  /* Lockers: who leaves says so first, then holds the band to the reader */
  const LEAVING_MS = 15000;
  const button = display.querySelector("[data-give-up]");
  let leaving = false;
  let stays = 0;
  const leave = (now) => {
    clearTimeout(stays);
    leaving = now;
    button?.setAttribute("aria-pressed", now);
    if (now) stays = setTimeout(() => leave(false), LEAVING_MS);
  };
  button?.addEventListener("click", () => leave(!leaving));
  // A reader's Enter is no press of the button.
  button?.addEventListener("keydown", (event) => typed && event.preventDefault());

  /* The reader types a card's chip and Enter */
  const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const read = async (chip) => {
    const key = newKey();
    const leaves = leaving;
    leave(false);
    const until = Date.now() + PATIENCE_MS;
    // The same key again: if only the answer was lost, the card is not charged twice.
    while (Date.now() < until) {
      try {
        const left = Math.max(1, until - Date.now());
        const body = new URLSearchParams({ chip, key, give_up: leaves ? "yes" : "" });
        const answer = await fetch(display.dataset.scan, { method: "POST", body, headers: { "X-CSRFToken": token }, signal: AbortSignal.timeout(left) });
        if (answer.ok) return show(await answer.text());
      } catch {
        offline.hidden = false;
      }
      await new Promise((done) => setTimeout(done, 400));
    }
    still("lost");
  };
  let typed = "";
  let last = 0;
  if (display.dataset.scan) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      // A reader types fast; a key that was touched long ago belongs to no card.
      if (Date.now() - last > 3000) typed = "";
      last = Date.now();
      if (event.key === "Enter") {
        event.preventDefault();
        if (typed) read(typed);
        typed = "";
      } else if (event.key.length === 1 && typed.length < 128) typed += event.key;
    });
  }

  /* Sound: browsers allow it after the first touch */
  const hint = display.querySelector("[data-sound]");
  let audio = null;
  const tone = (from, hertz, seconds, shape) => {
    const oscillator = audio.createOscillator();
    const volume = audio.createGain();
    oscillator.type = shape;
    oscillator.frequency.value = hertz;
    volume.gain.setValueAtTime(0.25, audio.currentTime + from);
    volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + from + seconds);
    oscillator.connect(volume).connect(audio.destination);
    oscillator.start(audio.currentTime + from);
    oscillator.stop(audio.currentTime + from + seconds);
  };
  const sound = (kind) => {
    if (!audio || audio.state !== "running") return;
    if (kind === "go" || kind === "warn" || kind === "info") [660, 990].forEach((hertz, n) => tone(n * 0.12, hertz, 0.2, "sine"));
    if (kind === "stop" || kind === "lost") [0, 0.3].forEach((from) => tone(from, 180, 0.25, "square"));
  };
  const touched = () => {
    if (!audio && window.AudioContext) audio = new AudioContext();
    audio?.resume().catch(() => {});
    hint.hidden = true;
    if (own && !document.fullscreenElement) document.documentElement.requestFullscreen?.().catch(() => {});
    if (own) navigator.wakeLock?.request("screen").catch(() => {});
  };
  hint.hidden = false;
  document.addEventListener("pointerdown", touched);

  /* The simulator: a new tap is a new request; a choice sends its form */
  document.body.addEventListener("htmx:configRequest", (event) => event.detail.parameters.set?.("key", newKey()) ?? (event.detail.parameters.key = newKey()));
  document.querySelectorAll("[data-submits]").forEach((select) => select.addEventListener("change", () => select.form.requestSubmit()));
})();
