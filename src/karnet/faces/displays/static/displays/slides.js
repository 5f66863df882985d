/* The slides beside the messages: one after another, fetched anew every minute; what is there goes on when the link is lost. */
(() => {
  "use strict";
  const place = document.querySelector("[data-slides]");
  if (!place) return;
  const AGAIN_MS = 60000;
  const EMPTY_MS = 5000;
  let now = -1;
  let kept = "";

  const load = async () => {
    try {
      const answer = await fetch(place.dataset.slides, { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(10000) });
      if (answer.status === 200) {
        const text = await answer.text();
        if (text !== kept) {
          kept = text;
          const parsed = document.createElement("template");
          parsed.innerHTML = text;
          place.replaceChildren(parsed.content);
          now = -1;
          clearTimeout(turn);
          next();
        }
      }
    } catch {
      /* The display beside says that the link is lost; the show goes on with what it has. */
    }
    setTimeout(load, AGAIN_MS);
  };

  let turn = 0;
  const broken = (slide) => {
    const picture = slide.querySelector("img");
    return picture !== null && picture.complete && picture.naturalWidth === 0;
  };
  const next = () => {
    const slides = [...place.querySelectorAll(".slide")];
    let tried = 0;
    do {
      now = slides.length ? (now + 1) % slides.length : -1;
      tried += 1;
    } while (now >= 0 && tried < slides.length && broken(slides[now]));
    slides.forEach((slide, n) => {
      slide.hidden = n !== now;
    });
    turn = setTimeout(next, now < 0 ? EMPTY_MS : Number(slides[now].dataset.seconds) * 1000);
  };
  next();
  load();
})();
