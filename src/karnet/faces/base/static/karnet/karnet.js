/* Behaviour of the components. Pages work without it, save dialogs, tabs and keypads. */
(() => {
  "use strict";
  const body = document.body;
  const one = (selector, root = document) => root.querySelector(selector);

  /* Toasts: karnet.toast("Saved.", "success") */
  const toast = (text, kind = "info", seconds = 6) => {
    const shown = document.createElement("div");
    shown.className = `toast ${kind}`;
    shown.textContent = text;
    one("#toasts").append(shown);
    fade(shown, seconds);
  };
  const fade = (shown, seconds) => {
    shown.addEventListener("click", () => shown.remove());
    if (!shown.classList.contains("error")) setTimeout(() => shown.remove(), seconds * 1000);
  };
  document.querySelectorAll("[data-toast]").forEach((shown) => fade(shown, 6));

  /* A form is sent once; its request key makes sure on the server, too. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.matches("[hx-post],[hx-get],[data-hx-post]")) return;
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    if (event.submitter) event.submitter.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-sent]").forEach((form) => delete form.dataset.sent);
    document.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
  });

  /* Dialogs, menus, toasts of a click */
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-open-dialog],[data-close-dialog],[data-show-toast],[data-print],.keypad button");
    document.querySelectorAll("[data-menu][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (!target) return;
    if (target.dataset.openDialog) one(`#${target.dataset.openDialog}`).showModal();
    else if ("print" in target.dataset) window.print();
    else if ("closeDialog" in target.dataset) target.closest("dialog").close();
    else if (target.dataset.showToast) toast(target.dataset.showToast, target.dataset.kind);
    else press(target);
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && event.target.closest("[data-menu][open]");
    if (menu) {
      menu.open = false;
      one("summary", menu).focus();
    }
    if (event.target.matches("[role=tab]")) moveTab(event);
  });

  /* Keypad: <div class="keypad" data-for="id of the input"> with buttons of data-key: a character, "back" or "clear" */
  const press = (button) => {
    const input = one(`#${button.closest(".keypad").dataset.for}`);
    const key = button.dataset.key;
    if (key === "clear") input.value = "";
    else if (key === "back") input.value = input.value.slice(0, -1);
    else input.value += key;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  };

  /* Tabs by the pattern of WAI-ARIA: arrows move, the shown panel is the one that aria-controls names */
  const select = (tab) => {
    tab.closest("[role=tablist]").querySelectorAll("[role=tab]").forEach((other) => {
      const on = other === tab;
      other.setAttribute("aria-selected", on);
      other.tabIndex = on ? 0 : -1;
      one(`#${other.getAttribute("aria-controls")}`).hidden = !on;
    });
  };
  const moveTab = (event) => {
    const tabs = [...event.target.closest("[role=tablist]").querySelectorAll("[role=tab]")];
    const at = tabs.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const tab = tabs[(to + tabs.length) % tabs.length];
    select(tab);
    tab.focus();
  };
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) select(tab);
  });

  /* htmx: say what went wrong; a page that was waited for gets the focus where it asks for it */
  const lost = (event) => {
    if (polls(event)) away(true);
    else toast(body.dataset.saysLost, "error");
  };
  body.addEventListener("htmx:sendError", lost);
  body.addEventListener("htmx:timeout", lost);
  body.addEventListener("htmx:responseError", (event) => {
    if (polls(event)) return away(event.detail.xhr.status >= 500);
    const forbidden = event.detail.xhr.status === 403;
    toast(forbidden ? body.dataset.saysForbidden : body.dataset.saysFailed, "error");
  });
  /* What a page asks for by itself complains in one place, and no more once it is answered. */
  const polls = (event) => event.detail.elt.matches("[data-poll]");
  const away = (yes) => {
    const told = one("[data-lost]");
    if (told) told.hidden = !yes;
  };
  body.addEventListener("htmx:afterRequest", (event) => {
    if (polls(event) && event.detail.successful) away(false);
  });
  window.addEventListener("offline", () => away(true));
  window.addEventListener("online", () => away(false));
  body.addEventListener("htmx:afterSettle", (event) => {
    const wanted = event.detail.elt.querySelector("[data-focus]");
    if (wanted) wanted.focus();
  });

  /* A screen that is loaded while the server is away gets our page, not the browser's (worker.js; only over HTTPS or on
     this machine: browsers want it so). */
  navigator.serviceWorker
    ?.register("/worker.js")
    .then(() => navigator.serviceWorker.ready)
    .then((ready) => ready.active.postMessage({ language: document.documentElement.lang }))
    .catch(() => {});

  window.karnet = { toast };
})();
