/* The till: a queue, so that nothing tapped or scanned is lost; the reader that types; live change; the cash count. */
(() => {
  "use strict";
  const find = (selector) => document.querySelector(selector);

  /* One thing after the other: the next tap or scan waits until the last was answered. */
  let last = Promise.resolve();
  const ask = (address, values) => {
    last = last.then(async () => {
      try {
        await window.htmx.ajax("POST", address, { values, target: "#till", swap: "outerHTML" });
      } catch {
        const offline = find("[data-offline]");
        if (offline) offline.hidden = false;
        if (values.has("card") && find("#till-card")) find("#till-card").value = values.get("card");
      }
    });
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("form[data-till]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const button = event.submitter;
    const values = new FormData(form, button);
    if (button?.dataset.do) values.set("do", button.dataset.do);
    if (button?.dataset.kind) values.set("kind", button.dataset.kind);
    if (form.matches(".till-scan") && !values.get("card").trim()) return;
    if (form.matches(".till-scan")) form.querySelector("input[name=card]").value = "";
    form.closest("dialog")?.close();
    ask(form.getAttribute("action"), values);
  }, true);

  /* What another server has to answer takes a while: say so, and let nobody press twice. */
  document.addEventListener("submit", ({ target }) => {
    if (!target.matches("form[data-waits]")) return;
    target.querySelector("[data-waiting]").hidden = false;
    target.querySelector("button").disabled = true;
  });

  /* A reader types like a keyboard, only faster than any hand: characters within a tenth of a second, then Enter.
     Outside of fields nobody types figures for anything else, so there they may come slower. */
  const FAST_MS = 100;
  const OUTSIDE_MS = 1500;
  const SHORTEST = 4;
  let burst = "";
  let at = 0;
  let before = null; /* what the field held before the burst: it was not meant for it */
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const field = event.target.matches("input, textarea, select") ? event.target : null;
    const fast = event.timeStamp - at < (field ? FAST_MS : OUTSIDE_MS);
    at = event.timeStamp;
    if (event.key === "Enter") {
      if (fast && burst.length >= SHORTEST) read(event, field);
      burst = "";
    } else if (/^[0-9A-Za-z-]$/.test(event.key)) {
      if (!fast) {
        burst = "";
        before = field ? field.value : null;
      }
      burst += event.key;
    } else if (event.key !== "Shift") burst = "";
  }, true);
  const read = (event, field) => {
    if (!find("#till") && !find("[data-card-field],[data-sells]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    /* This field wants a card itself; what is done with it is for a hand to say. */
    /* The partner's till: a card that is read is what the sale waits for. */
    const sells = find("[data-sells]");
    if (sells) {
      sells.value = burst;
      return sells.form.requestSubmit(sells.form.querySelector("button"));
    }
    if (field?.matches("[data-takes-cards]")) return field.form.querySelector("button").focus();
    if (field) field.value = before ?? "";
    if (choosing) sayStart();
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    if (find("#till")) {
      const values = new FormData();
      values.set("card", burst);
      ask(find("#till").dataset.scan, values);
    } else {
      find("[data-card-field]").value = burst;
      find("[data-card-field]").form.requestSubmit();
    }
  };

  /* Keys: Alt and a figure tap a tile, F2 goes to the card, F8 takes cash, F9 a payment card. */
  document.addEventListener("keydown", (event) => {
    const figure = event.altKey && /^Digit([1-9])$/.exec(event.code);
    const target = figure ? find(`[data-shortcut="${figure[1]}"]`) : { F8: find("#pay-cash"), F9: find("#pay-card") }[event.key];
    if (event.key === "F2" && find("#till-card")) find("#till-card").focus();
    else if (target && !target.disabled) target.click();
    else return;
    event.preventDefault();
  });

  /* Amounts, live */
  const minor = (text, decimals) => {
    const found = /^(\d+)(?:[.,](\d+))?$/.exec(text.replace(/\s/g, ""));
    return found ? Math.round(Number(`${found[1]}.${found[2] || 0}`) * 10 ** decimals) : null;
  };
  const money = (amount, place) => {
    const decimals = Number(place.dataset.decimals);
    const shown = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
    return `${shown.format(amount / 10 ** decimals)}\u00a0${place.dataset.currency}`;
  };
  /* The first day of a ticket is said when it has been left alone for a moment: it changes figure by figure, and a card
     that is read right afterwards types into it. */
  const SETTLED_MS = 700;
  let choosing = null;
  const sayStart = () => {
    const { target, timer } = choosing;
    choosing = null;
    clearTimeout(timer);
    if (!target.value || !target.checkValidity()) return;
    const values = new FormData(target.form);
    values.set("do", "start");
    ask(target.form.getAttribute("action"), values);
  };
  document.addEventListener("change", ({ target }) => {
    if (!target.matches("[data-start]")) return;
    clearTimeout(choosing?.timer);
    choosing = { target, timer: setTimeout(sayStart, SETTLED_MS) };
  });
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-amount]")) change(event.target);
    if (event.target.matches("[data-worth]")) count(event.target.closest("[data-count]"));
  });
  const change = (input) => {
    const place = find("#till");
    const form = input.form;
    const label = form.querySelector("[data-says-change]");
    const given = minor(input.value, Number(place.dataset.decimals));
    const over = given === null ? 0 : given - Number(form.dataset.due);
    label.textContent = over < 0 ? label.dataset.saysLeft : label.dataset.saysChange;
    form.querySelector(".till-change strong").textContent = money(Math.abs(over), place);
  };
  const count = (place) => {
    let sum = 0;
    place.querySelectorAll("[data-worth]").forEach((input) => {
      sum += Number(input.dataset.worth) * (Number.parseInt(input.value, 10) || 0);
    });
    place.querySelector("[data-sum]").textContent = money(sum, place);
  };
})();
